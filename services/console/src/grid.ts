/** How many columns let a given number of beds fill the board with the largest numerals. Pure. */

export type GridPlan = { columns: number; rowHeight: number };

const GAP = 10;
/** Below this the numerals are no longer readable across a room: scroll instead. */
const MIN_HEIGHT = 168;
const MIN_WIDTH = 172;
/** Width and height at which a tile's content sits best. */
const IDEAL = { width: 420, height: 380 };

export const planGrid = (count: number, width: number, height: number): GridPlan => {
  let best: GridPlan & { scale: number } = { columns: 1, rowHeight: Math.min(Math.max(height, 300), 420), scale: -1 };
  if (width < 560) return { columns: 1, rowHeight: 300 };
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const tileWidth = (width - GAP * (columns - 1)) / columns;
    if (tileWidth < MIN_WIDTH && columns > 1) break;
    const rows = Math.ceil(Math.max(1, count) / columns);
    const fair = (height - GAP * (rows - 1)) / rows;
    const rowHeight = Math.max(MIN_HEIGHT, Math.min(fair, tileWidth * 1.5));
    // A plan that has to scroll is only taken when none fits.
    const scale = Math.min(tileWidth / IDEAL.width, rowHeight / IDEAL.height) * (fair < MIN_HEIGHT ? 0.2 : 1);
    if (scale > best.scale) best = { columns, rowHeight: Math.floor(rowHeight), scale };
  }
  return { columns: best.columns, rowHeight: best.rowHeight };
};
