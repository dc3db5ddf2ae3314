/** Versions of entities: reading a list and hearing events has no race when the lower or equal one is ignored. */

export type Versions = {
  /** Whether this version is newer than what was seen of the entity; from then on it counts as seen. */
  isNews(entity: string, version: number): boolean;
  forget(entity: string): void;
};

export function createVersions(): Versions {
  const seen = new Map<string, number>();
  return {
    isNews(entity, version) {
      if (version <= (seen.get(entity) ?? -1)) return false;
      seen.set(entity, version);
      return true;
    },
    forget: (entity) => void seen.delete(entity),
  };
}
