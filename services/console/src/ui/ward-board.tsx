import { useLayoutEffect, useRef, useState } from 'react';
import { planGrid } from '../grid.ts';
import type { Bed } from '../shapes.ts';
import { BedTile } from './bed-tile.tsx';

type WardBoardProps = { beds: readonly Bed[]; openPatient: string | undefined; onOpen: (patientId: string) => void };

export const WardBoard = ({ beds, openPatient, onOpen }: WardBoardProps) => {
  const host = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });

  useLayoutEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const measure = () => {
      const { paddingLeft, paddingTop } = getComputedStyle(element);
      const [side, top] = [Number.parseFloat(paddingLeft), Number.parseFloat(paddingTop)];
      setSize({ width: element.clientWidth - 2 * side, height: element.clientHeight - 2 * top });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const plan = planGrid(beds.length, size.width, size.height);
  return (
    <div ref={host} className="board-space">
      <div
        className="board-grid"
        style={{ gridTemplateColumns: `repeat(${plan.columns}, minmax(0, 1fr))`, gridAutoRows: `${plan.rowHeight}px` }}
      >
        {beds.map((bed, index) => (
          <BedTile
            key={bed.bedId}
            bed={bed}
            index={index}
            onOpen={onOpen}
            isOpen={bed.patientId !== null && bed.patientId === openPatient}
          />
        ))}
      </div>
    </div>
  );
};
