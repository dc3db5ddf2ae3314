import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { serverNow } from '../clock.ts';
import { clockMinute, dayAndTime } from '../format.ts';
import { theme } from '../theme.ts';
import { type TrendPoint, mergePoints, toColumns } from '../trends.ts';
import type { Limit } from '../shapes.ts';
import { useLive } from './hooks.ts';
import { trendRange } from './trend-line.tsx';

type TrendChartProps = {
  patientId: string;
  vital: string;
  /** What was read from the server; live samples are drawn on top of it. */
  past: { points: readonly TrendPoint[]; gapSeconds: number };
  windowMs: number;
  limits: readonly Limit[];
  height: number;
};

const REDRAW_EVERY_MS = 1000;
const DAY_MS = 86_400_000;

/** A cuff measures every few minutes: no line bridges that, so each of its readings is a dot. */
const lonePoints = (plot: uPlot, series: number): number[] => {
  const values = plot.data[series] ?? [];
  const isGap = (index: number): boolean => values[index] === null || values[index] === undefined;
  return Array.from(values, (_, index) => index).filter(
    (index) => !isGap(index) && isGap(index - 1) && isGap(index + 1),
  );
};

/** A line with axes, and the patient's alarm limits as dashed lines. */
export const TrendChart = ({ patientId, vital, past, windowMs, limits, height }: TrendChartProps) => {
  const host = useRef<HTMLDivElement>(null);
  const { trends } = useLive().board;

  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    // Canvas knows no CSS variables: the element's computed colours carry them over.
    const colours = () => {
      const style = getComputedStyle(element);
      return { line: style.color, text: style.outlineColor, grid: style.borderTopColor };
    };
    let colour = colours();
    const columns = () => toColumns(mergePoints(past.points, trends.points(patientId, vital)), past.gapSeconds);
    const bounds = limits.flatMap(({ above, below }) => [above, below]).filter((bound) => bound !== undefined);
    const font = `12px ${getComputedStyle(element).fontFamily}`;
    const axis = {
      stroke: () => colour.text,
      font,
      grid: { stroke: () => colour.grid, width: 1 },
      ticks: { show: false },
    };
    const plot = new uPlot(
      {
        width: Math.max(element.clientWidth, 10),
        height,
        padding: [6, 10, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, range: () => [(serverNow() - windowMs) / 1000, serverNow() / 1000] },
          y: {
            range: (_plot, low, high) =>
              trendRange(vital, Math.min(low ?? Infinity, ...bounds), Math.max(high ?? -Infinity, ...bounds)),
          },
        },
        axes: [
          {
            ...axis,
            size: 24,
            space: 90,
            incrs: [60, 120, 300, 600, 900, 3600, 7200, 14_400, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_419_200],
            values: (_plot, at) =>
              at.map((s) => (windowMs > DAY_MS ? dayAndTime(s * 1000).slice(5, 10) : clockMinute(s * 1000))),
          },
          { ...axis, size: 40, space: 26 },
        ],
        series: [
          {},
          {
            stroke: () => colour.line,
            width: 2,
            points: { show: false, filter: lonePoints, size: 6, fill: () => colour.line },
          },
        ],
        hooks: {
          draw: [
            (drawn) => {
              const { ctx, bbox } = drawn;
              ctx.save();
              ctx.strokeStyle = colour.text;
              ctx.setLineDash([6, 5]);
              ctx.lineWidth = 1.5;
              for (const bound of bounds) {
                const y = drawn.valToPos(bound, 'y', true);
                ctx.beginPath();
                ctx.moveTo(bbox.left, y);
                ctx.lineTo(bbox.left + bbox.width, y);
                ctx.stroke();
              }
              ctx.restore();
            },
          ],
        },
      },
      columns(),
      element,
    );
    const timer = setInterval(() => {
      if (!document.hidden) plot.setData(columns());
    }, REDRAW_EVERY_MS);
    const recolour = (): void => {
      colour = colours();
      plot.redraw(false, true);
    };
    const resize = new ResizeObserver(() => {
      if (element.clientWidth > 0) plot.setSize({ width: element.clientWidth, height });
    });
    resize.observe(element);
    const endTheme = theme.subscribe(recolour);
    return () => {
      clearInterval(timer);
      endTheme();
      resize.disconnect();
      plot.destroy();
    };
  }, [patientId, vital, past, windowMs, limits, height, trends]);

  return <div ref={host} className="trend-chart" />;
};
