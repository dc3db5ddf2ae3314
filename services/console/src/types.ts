/**
 * What the console reads and writes on the wire, as in the client protocol `carillon.v1`.
 * Only the fields that a screen needs are listed; whatever else a message carries is ignored.
 */

export type Priority = 'high' | 'medium' | 'low';
/** FHIR DeviceAlert words: condition {active, cleared} x acknowledgement. */
export type Presence = 'on' | 'ack' | 'latched' | 'off';
export type AlertState = 'open' | 'acknowledged' | 'resolved';

export type Page = { person: string; level: number; at: string; status: string };
export type TimelineEntry = { at: string; kind: string; actor?: string | null; [detail: string]: unknown };

export type Alert = {
  alertId: string;
  patientId: string | null;
  wardId: string | null;
  kind: string;
  priority: Priority;
  message: string;
  state: AlertState;
  presence: Presence;
  level: number;
  openedAt: string;
  version: number;
  pages: Page[];
  timeline?: TimelineEntry[];
};

export type Reading = { vital: string; value: number | string; unit: string; measuredAt: string; quality: string };

export type Score = {
  score: number | null;
  lower: number;
  upper: number;
  missing: string[];
  risk: string | null;
  parts: Record<string, number>;
  at: string;
};

/** An alarm condition that is active, whatever became of its alert. Kind is `<vital>-above`, `<vital>-below` or `news2`. */
export type Condition = { kind: string; priority: Priority };
/** As the board keeps it: whether its alert was seen to end while the condition lasted. */
export type ActiveCondition = Condition & { alertResolved: boolean };
export type ConditionEvent = Condition & { patientId: string; wardId: string | null; message: string; at: string };

export type PatientStatus = {
  patientId: string;
  version: number;
  vitals: Reading[];
  score: Score | null;
  conditions?: Condition[];
};
export type Bed = { bedId: string; label: string; patientId: string | null; patientName: string | null };
export type Ward = { wardId: string; name: string; version: number; beds: Bed[] };
export type WardName = { wardId: string; name: string };

export type Limit = {
  vital: string;
  above?: number;
  below?: number;
  clearAt?: number;
  persistSeconds: number;
  priority: Priority;
};

export type Person = { person: string; name: string; roles: string[]; wards: string[] };
export type Me = {
  person: string;
  name: string;
  hospital: string;
  roles: string[];
  wards: WardName[];
  patients: string[];
};

/** Those that keep dead letters; each answers for its own. */
export const SERVICES_WITH_LETTERS = ['directory', 'monitoring', 'alert-escalation'] as const;
/** What a service could not handle. */
export type DeadLetter = {
  service: string;
  sequence: number;
  kind: 'command' | 'event' | 'readings';
  name: string;
  subject: string;
  reason: string;
  buriedAt: string;
  bytes: number;
  putBackAt: string | null;
  putBackBy: string | null;
};
export type FullDeadLetter = DeadLetter & { headers: Record<string, string>; body: string };

export type Retry = 'never' | 'backoff' | 'after' | 'reauth' | 'resnapshot';

/** Server to client. */
export type ServerFrame =
  | {
      t: 'ready';
      id?: number;
      connection: string;
      person: string;
      now: string;
      ping: { everyMs: number; waitMs: number };
      rooms?: string[];
    }
  | { t: 'ok'; id: number; data?: unknown; accepted?: boolean; key?: string }
  | { t: 'err'; id?: number; code: string; message: string; retry?: Retry; afterMs?: number }
  | { t: 'subscribed'; id: number; room: string; pos?: string; lane?: string; recovery?: Recovery }
  | MessageFrame
  | { t: 'reset'; room: string; reason?: string }
  | { t: 'unsubscribed'; room: string; code?: string }
  | { t: 'reauth'; graceMs?: number }
  | { t: 'goaway'; reason?: string; spreadMs?: number }
  | { t: 'ping' };

export type Recovery = 'complete' | 'lost' | 'latest' | 'fresh' | 'snapshot';

export type MessageFrame = {
  t: 'msg';
  room: string;
  ev: string;
  mid?: string;
  pos?: string;
  prev?: string;
  at?: string;
  version?: number;
  data: unknown;
};
