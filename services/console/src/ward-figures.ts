/** Figures of wards as they were told last, in cells; the newer version wins. */
import { createCell, createCellMap } from './cell.ts';
import type { Figures } from './shapes.ts';

/** The hospital, after its wards. */
const byName = (left: Figures, right: Figures): number =>
  Number(left.wardId === null) - Number(right.wardId === null) || (left.name ?? '').localeCompare(right.name ?? '');

export const createWardFigures = () => {
  const cells = createCellMap<Figures | undefined>(undefined);
  const all = createCell<readonly Figures[]>([]);
  const versions = new Map<string | null, number>();
  return {
    of: (wardId: string) => cells.at(wardId),
    all,
    /** @returns whether the number of patients of this ward is another than was known */
    put: ({ items, version }: { items: readonly Figures[]; version: number }, watched: string | undefined): boolean => {
      const news = items.filter(({ wardId }) => version > (versions.get(wardId) ?? -1));
      if (news.length === 0) return false;
      const known = watched === undefined ? undefined : cells.at(watched).get();
      const wards = new Map(all.get().map((figures) => [figures.wardId, figures]));
      for (const figures of news) {
        versions.set(figures.wardId, version);
        wards.set(figures.wardId, figures);
        if (figures.wardId !== null) cells.at(figures.wardId).set(figures);
      }
      all.set([...wards.values()].sort(byName));
      const now = watched === undefined ? undefined : cells.at(watched).get();
      return known !== undefined && known.occupied !== now?.occupied;
    },
  };
};
