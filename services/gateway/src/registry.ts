/** Who is connected, and who of them is which person: so that what concerns a person reaches all connections of his. */
import type { Connection } from './session.ts';
import type { Identity } from './tokens.ts';

export type Registry = {
  /** Every connection, also before its token is checked. */
  all: ReadonlySet<Connection>;
  open(connection: Connection): void;
  add(connection: Connection, who: Identity): void;
  remove(connection: Connection): void;
  of(hospital: string, person: string): Iterable<Connection>;
  count(hospital: string, person: string): number;
  /** Resolves when nobody is connected. */
  whenEmpty(): Promise<void>;
};

/** Joined, since a template would keep its parts as well as the whole. */
const keyOf = ({ hospital, person }: { hospital: string; person: string }): string => [hospital, person].join('/');

export function createRegistry(): Registry {
  const all = new Set<Connection>();
  /** Most people have one connection: of ten thousand a set each would be felt. */
  const byPerson = new Map<string, Connection | Set<Connection>>();
  let tellEmpty: (() => void)[] = [];
  return {
    all,
    open: (connection) => void all.add(connection),
    add(connection, who) {
      const key = keyOf(who);
      const his = byPerson.get(key);
      if (his instanceof Set) his.add(connection);
      else byPerson.set(key, his === undefined ? connection : new Set([his, connection]));
    },
    remove(connection) {
      all.delete(connection);
      const { identity } = connection;
      if (identity !== undefined) {
        const key = keyOf(identity);
        const his = byPerson.get(key);
        if (his instanceof Set) his.delete(connection);
        if (his === connection || (his instanceof Set && his.size === 0)) byPerson.delete(key);
      }
      if (all.size > 0) return;
      for (const tell of tellEmpty) tell();
      tellEmpty = [];
    },
    of(hospital, person) {
      const his = byPerson.get(keyOf({ hospital, person }));
      if (his === undefined) return [];
      return his instanceof Set ? [...his] : [his];
    },
    count(hospital, person) {
      const his = byPerson.get(keyOf({ hospital, person }));
      return his instanceof Set ? his.size : Number(his !== undefined);
    },
    whenEmpty: () => (all.size === 0 ? Promise.resolve() : new Promise((resolve) => tellEmpty.push(resolve))),
  };
}
