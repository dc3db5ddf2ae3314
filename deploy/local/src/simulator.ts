/**
 * A seeded physiologic simulator for the demo ward: synthetic people, no patient's data.
 *
 * Each call of `next` is one second of every patient: a baseline of his own, a circadian drift, slow noise (AR(1)),
 * and now and then an episode that ramps up, stays and recovers. On top of that come what sensors do: artefacts too
 * short to be alarms, and dropouts. Mostly calm; the first patient deteriorates within the first minute or two, and
 * never more than two are unwell at once, so that a visitor sees one alert and not a Christmas tree.
 *
 * Equal seeds and equal instants give equal values.
 */
import { vitalSigns, type NumericVital, type VitalName } from '@carillon/contracts/vital-signs';

/** An item of `POST /v1/vitals`. */
export type DemoItem = {
  patientId: string;
  vital: VitalName;
  value: number | string;
  unit?: string;
  /** RFC 3339, UTC, with milliseconds. */
  measuredAt: string;
  deviceId: string;
};

/** What the demo plays: the simulator or recordings. */
export type VitalsSource = {
  /** The next second of every patient, stated as measured at `atMs` (ms since the epoch). */
  next(atMs: number): DemoItem[];
};

export const demoDeviceId = 'dev1';
export const defaultSeed = 20_261_121;

/** What an episode adds to a healthy person at its height. */
type Body = {
  heartRate: number;
  respirationRate: number;
  spo2: number;
  temperature: number;
  systolic: number;
  diastolic: number;
};
type Signal = keyof Body;

const signals = ['heartRate', 'respirationRate', 'spo2', 'temperature', 'systolic', 'diastolic'] as const;

/** Baseline of an adult at rest, and how far people and moments differ from it (SD), in canonical units. */
const norms: Readonly<Record<Signal, { usual: number; people: number; noise: number; circadian: number }>> = {
  heartRate: { usual: 76, people: 5, noise: 2, circadian: 3 },
  respirationRate: { usual: 15, people: 1.2, noise: 0.8, circadian: 0.5 },
  spo2: { usual: 97, people: 0.7, noise: 0.4, circadian: 0.2 },
  temperature: { usual: 36.8, people: 0.2, noise: 0.05, circadian: 0.2 },
  systolic: { usual: 124, people: 5, noise: 3, circadian: 3 },
  diastolic: { usual: 76, people: 4, noise: 2, circadian: 2 },
};

/** Correlation of the noise from one second to the next: it wanders over about a minute. */
const memory = 0.98;

const desaturation = { heartRate: 24, respirationRate: 9, spo2: -12, systolic: 8 };
const courses: readonly Partial<Body>[] = [
  desaturation,
  { heartRate: 72, respirationRate: 5, systolic: -18, diastolic: -8 }, // tachyarrhythmia
  { heartRate: -42, systolic: -24, diastolic: -10 }, // bradycardia
  { heartRate: 38, respirationRate: 11, spo2: -4, temperature: 1.7, systolic: -30, diastolic: -18 }, // sepsis
  { respirationRate: -9, spo2: -6, heartRate: -8 }, // opioid-induced hypoventilation
];

type Episode = { course: Partial<Body>; startsAt: number; rampSeconds: number; holdSeconds: number };

/** The second at which the episode is over; its recovery takes twice as long as its onset. */
const endOf = ({ startsAt, rampSeconds, holdSeconds }: Episode): number => startsAt + 3 * rampSeconds + holdSeconds;

/** @returns 0 … 1, how far the episode has developed at a second. */
function severity({ startsAt, rampSeconds, holdSeconds }: Episode, second: number): number {
  const since = second - startsAt;
  if (since < rampSeconds) return smooth(since / rampSeconds);
  return 1 - smooth((since - rampSeconds - holdSeconds) / (2 * rampSeconds));
}

/** 0 … 1 without a kink at either end. */
function smooth(x: number): number {
  const t = Math.min(1, Math.max(0, x));
  return t * t * (3 - 2 * t);
}

type Random = {
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Standard normal. */
  normal(): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
};

/** mulberry32 (Tommy Ettinger, public domain): 32 bits of state, ample for a demo and the same on every machine. */
function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    between: (low, high) => low + (high - low) * uniform(),
    // Box–Muller; 1 − u keeps the logarithm away from 0.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    chance: (probability) => uniform() < probability,
    pick: (items) => items[Math.floor(uniform() * items.length)] as (typeof items)[number],
  };
}

/** Sensors fail alone: an oximeter takes pulse and SpO2 with it, ECG electrodes heart and respiratory rate. */
const sensors: readonly (readonly NumericVital[])[] = [['spo2', 'pulse'], ['heartRate', 'respirationRate'], ['respirationRate']]; // prettier-ignore

/** Values that a disturbed sensor shows; too short to be alarms, or implausible. */
const artefacts: readonly Partial<Record<NumericVital, number>>[] = [
  { pulse: 0 },
  { spo2: 68 },
  { heartRate: 165 },
  { respirationRate: 3 },
];

type Disturbance = {
  untilSecond: number;
  absent: readonly NumericVital[];
  shown: Partial<Record<NumericVital, number>>;
};

type Patient = {
  id: string;
  random: Random;
  baseline: Body;
  noise: Body;
  episode: Episode | undefined;
  disturbance: Disturbance;
};

const calm: Disturbance = { untilSecond: 0, absent: [], shown: {} };
/** Once in 6 minutes a patient, on average. */
const artefactChance = 1 / 360;
const dropoutChance = 1 / 360;

/** Nurses measure and chart at rounds; cuffs and thermometers run once a minute, so that a score is there at once. */
const cuffEverySeconds = 60;
const roundEverySeconds = 30 * 60;

const mostUnwell = 2;

export function createSimulator(options: { seed?: number; patients: readonly string[] }): VitalsSource {
  const seed = options.seed ?? defaultSeed;
  const ward = createRandom(seed);
  const patients = options.patients.map((id, index) => createPatient(id, Math.imul(seed + index + 1, 0x9e3779b1)));
  let second = 0;
  // The first episode is the one that a visitor waits for: soon, and one of whoever the first nurse cares for.
  let nextEpisodeAt = Math.round(ward.between(40, 70));
  let isFirst = true;

  function beginEpisodes(): void {
    for (const patient of patients) {
      if (patient.episode !== undefined && second >= endOf(patient.episode)) patient.episode = undefined;
    }
    if (second < nextEpisodeAt) return;
    const well = patients.filter((patient) => patient.episode === undefined);
    const candidates = isFirst ? well.slice(0, 3) : well;
    if (candidates.length === 0 || patients.length - well.length >= mostUnwell) return;
    ward.pick(candidates).episode = {
      course: isFirst ? desaturation : ward.pick(courses),
      startsAt: second,
      rampSeconds: Math.round(isFirst ? ward.between(30, 45) : ward.between(45, 90)),
      holdSeconds: Math.round(ward.between(60, 120)),
    };
    isFirst = false;
    nextEpisodeAt = second + Math.round(ward.between(420, 900));
  }

  return {
    next(atMs) {
      beginEpisodes();
      const items = patients.flatMap((patient) => measure(patient, second, atMs));
      second += 1;
      return items;
    },
  };
}

function createPatient(id: string, seed: number): Patient {
  const random = createRandom(seed);
  const baseline = bodyOf((signal) => norms[signal].usual + norms[signal].people * clamp(random.normal(), -2, 2));
  return { id, random, baseline, noise: bodyOf(() => 0), episode: undefined, disturbance: calm };
}

function bodyOf(value: (signal: Signal) => number): Body {
  return Object.fromEntries(signals.map((signal) => [signal, value(signal)])) as Body;
}

function measure(patient: Patient, second: number, atMs: number): DemoItem[] {
  const body = nextBody(patient, second, atMs);
  disturb(patient, second);
  const { random, disturbance } = patient;
  const measuredAt = new Date(atMs).toISOString();
  const items: DemoItem[] = [];
  const add = (vital: NumericVital, value: number, decimals: 0 | 1 = 0): void => {
    if (disturbance.absent.includes(vital)) return;
    const [low, high] = vitalSigns[vital].possible;
    const shown = Number(clamp(disturbance.shown[vital] ?? value, low, high).toFixed(decimals));
    const unit = vitalSigns[vital].unit;
    items.push({ patientId: patient.id, vital, value: shown, unit, measuredAt, deviceId: demoDeviceId });
  };

  add('heartRate', body.heartRate);
  // The oximeter counts the same hearts a little differently.
  add('pulse', body.heartRate + random.between(-1, 1));
  add('respirationRate', body.respirationRate);
  add('spo2', body.spo2);
  if (second % cuffEverySeconds === 0) {
    add('temperature', body.temperature, 1);
    add('systolic', body.systolic);
    add('diastolic', body.diastolic);
    add('meanPressure', body.diastolic + (body.systolic - body.diastolic) / 3);
  }
  if (second % roundEverySeconds === 0) {
    add('oxygenFlow', 0);
    items.push({ patientId: patient.id, vital: 'consciousness', value: 'A', measuredAt, deviceId: demoDeviceId });
  }
  return items;
}

const dayMs = 24 * 60 * 60 * 1000;

function nextBody(patient: Patient, second: number, atMs: number): Body {
  const { random, baseline, noise, episode } = patient;
  // Lowest at 04:00 UTC, highest at 16:00: near enough to any ward for a demo.
  const circadian = -Math.cos((2 * Math.PI * (atMs - dayMs / 6)) / dayMs);
  const unwell = episode === undefined ? 0 : severity(episode, second);
  return bodyOf((signal) => {
    noise[signal] = memory * noise[signal] + Math.sqrt(1 - memory ** 2) * random.normal();
    const { noise: spread, circadian: swing } = norms[signal];
    const usual = baseline[signal] + swing * circadian + spread * clamp(noise[signal], -2.5, 2.5);
    return usual + unwell * (episode?.course[signal] ?? 0);
  });
}

/** Begins and ends artefacts and dropouts; one at a time a patient. */
function disturb(patient: Patient, second: number): void {
  const { random } = patient;
  if (second < patient.disturbance.untilSecond) return;
  patient.disturbance = calm;
  if (random.chance(artefactChance)) {
    const shown = random.pick(artefacts);
    patient.disturbance = { untilSecond: second + Math.round(random.between(2, 8)), absent: [], shown };
  } else if (random.chance(dropoutChance)) {
    const absent = random.pick(sensors);
    patient.disturbance = { untilSecond: second + Math.round(random.between(5, 25)), absent, shown: {} };
  }
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
