/** The nearest of a role: who is free and was seen near goes first, and it is never nobody while the role is on shift. */
import type { Target } from '@carillon/contracts/escalation-policies';
import type { Role } from '@carillon/contracts/define';

export type Place = { latitude: number; longitude: number; floor: number | null };
/** Somebody on shift whose position is fresh. */
export type Nearby = { person: string; metres: number };
export type Around = {
  ward: Readonly<Partial<Record<Role, readonly string[]>>>;
  hospital: Readonly<Partial<Record<Role, readonly string[]>>>;
  nearby: readonly Nearby[];
  /** Who has taken another alert of at least this priority, or comes to it: called only where nobody else is left. */
  busy: ReadonlySet<string>;
  /** Who has declined this alert, or comes to it already: takes the place of nobody who can still be called. */
  answered?: ReadonlySet<string>;
};

const earthMetres = 6_371_000;
/** Of the way by stairs or lift, as long as nobody has measured it. */
const metresOfFloor = 30;
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** As the crow flies, by the haversine formula, and more for each floor between; a floor that is not known counts none. */
export function metresBetween(one: Place, other: Place): number {
  const [latitude, otherLatitude] = [radians(one.latitude), radians(other.latitude)];
  const half =
    Math.sin((otherLatitude - latitude) / 2) ** 2 +
    Math.cos(latitude) * Math.cos(otherLatitude) * Math.sin(radians(other.longitude - one.longitude) / 2) ** 2;
  const flat = 2 * earthMetres * Math.asin(Math.min(1, Math.sqrt(half)));
  const floors = one.floor === null || other.floor === null ? 0 : Math.abs(one.floor - other.floor);
  return flat + floors * metresOfFloor;
}

/** @returns as many as the target wants while the role has them on shift: near, in the ward, farther, anywhere, busy, answered */
export function nearestOf({ role, count = 1, withinMetres = Infinity }: Target, around: Around): string[] {
  if (role === undefined) return [];
  const anywhere = around.hospital[role] ?? [];
  const isFree = (person: string): boolean => !around.busy.has(person);
  const seen = around.nearby
    .filter(({ person }) => anywhere.includes(person) && isFree(person))
    .toSorted((a, b) => a.metres - b.metres || (a.person < b.person ? -1 : 1));
  const inOrder = [
    ...seen.filter(({ metres }) => metres <= withinMetres).map(({ person }) => person),
    ...(around.ward[role] ?? []).filter(isFree),
    ...seen.map(({ person }) => person),
    ...anywhere.filter(isFree),
    ...anywhere,
  ];
  const hasNotAnswered = (person: string): boolean => around.answered?.has(person) !== true;
  return [...new Set([...inOrder.filter(hasNotAnswered), ...inOrder])].slice(0, count);
}
