import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { serverNow } from '../clock.ts';
import { theme } from '../theme.ts';
import { TREND_WINDOW_MS, toColumns } from '../trends.ts';
import { useLive } from './hooks.ts';

/** A line is drawn again at most this often: its width moves by a pixel in about as long. */
const REDRAW_EVERY_MS = 2000;

/** At least this much is shown, so that a calm line looks calm. */
const SPANS: Record<string, { least: number; most?: number }> = { spo2: { least: 10, most: 100 } };

export const trendRange = (vital: string, low: number | null, high: number | null): [number, number] => {
  const { least, most } = SPANS[vital] ?? { least: 30 };
  const bottom = low ?? most ?? 0;
  const top = high ?? most ?? least;
  const spare = Math.max(least - (top - bottom), 2) / 2;
  if (most === undefined) return [bottom - spare, top + spare];
  return [Math.min(bottom - 1, most - least), most + 0.5];
};

/** The last ten minutes of one vital sign, without axes: shape only, the number stands above it. */
export const TrendLine = ({ patientId, vital }: { patientId: string; vital: string }) => {
  const host = useRef<HTMLDivElement>(null);
  const { trends } = useLive().board;

  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    let colour = getComputedStyle(element).color;
    let drawnAt = 0;
    let drawnPoints = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const plot = new uPlot(
      {
        width: Math.max(element.clientWidth, 10),
        height: Math.max(element.clientHeight, 10),
        padding: [3, 1, 3, 1],
        legend: { show: false },
        cursor: { show: false },
        axes: [{ show: false }, { show: false }],
        scales: {
          x: { time: false, range: () => [(serverNow() - TREND_WINDOW_MS) / 1000, serverNow() / 1000] },
          y: { range: (_plot, low, high) => trendRange(vital, low, high) },
        },
        series: [{}, { stroke: () => colour, width: 1.75, points: { show: false } }],
      },
      toColumns(trends.points(patientId, vital)),
      element,
    );
    const draw = (): void => {
      timer = undefined;
      drawnAt = Date.now();
      const points = trends.points(patientId, vital);
      drawnPoints = points.length;
      if (!document.hidden) plot.setData(toColumns(points));
    };
    const drawSoon = (): void => {
      // The past that was read back is drawn at once; a single new point can wait.
      const isPast = trends.points(patientId, vital).length > drawnPoints + 5;
      if (isPast) clearTimeout(timer);
      if (isPast || timer === undefined)
        timer = setTimeout(draw, isPast ? 0 : Math.max(0, drawnAt + REDRAW_EVERY_MS - Date.now()));
    };
    const recolour = (): void => {
      colour = getComputedStyle(element).color;
      plot.redraw();
    };
    const resize = new ResizeObserver(() => {
      if (element.clientWidth > 0 && element.clientHeight > 0)
        plot.setSize({ width: element.clientWidth, height: element.clientHeight });
    });
    resize.observe(element);
    const systemTheme = matchMedia('(prefers-color-scheme: dark)');
    systemTheme.addEventListener('change', recolour);
    const ends = [trends.subscribe(patientId, vital, drawSoon), theme.subscribe(recolour)];
    return () => {
      for (const end of ends) end();
      systemTheme.removeEventListener('change', recolour);
      clearTimeout(timer);
      resize.disconnect();
      plot.destroy();
    };
  }, [patientId, vital, trends]);

  return <div ref={host} className="trend-line" aria-hidden="true" />;
};
