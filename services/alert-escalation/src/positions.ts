/** Hears where people are, and keeps the newest of who is on shift for ten minutes. */
import { isId, validate } from '@carillon/contracts/schema';
import { positionSignalSchema, positionSubject, type PositionSignal } from '@carillon/contracts/positions';
import { decode } from '@carillon/bus/request';
import type { ServiceTools } from '@carillon/runtime/service';
import { deletePositions, upsertPositions, type SeenAt } from './store-positions.ts';

/** One statement for all that come meanwhile. */
const gatherMs = 250;
const keepMs = 10 * 60_000;
const sweepEveryMs = 60_000;
/** Between two statements; beyond it a database that is away must not fill the memory with what is worthless soon. */
const maxGathered = 10_000;

/** Undefined for what is none; whatever is thrown while a message is taken in ends the connection to NATS. */
function readSignal(body: Uint8Array): PositionSignal | undefined {
  try {
    const signal = validate(positionSignalSchema, decode(body));
    return signal.ok ? signal.value : undefined;
  } catch {
    return undefined;
  }
}

export function followPositions({ bus, database, log, now, service }: ServiceTools): { stop(): Promise<void> } {
  const gathered = new Map<string, SeenAt>();
  let isFailing = false;
  let storing: Promise<void> = Promise.resolve();

  const store = async (): Promise<void> => {
    const seen = [...gathered.values()];
    gathered.clear();
    try {
      await upsertPositions(database, seen, now());
      isFailing = false;
    } catch (error) {
      // The next ones come soon; said once.
      if (!isFailing) log.warn({ err: error }, 'positions could not be kept');
      isFailing = true;
    }
  };
  const subscription = bus.nc.subscribe(positionSubject('*', '*'), {
    queue: service,
    callback(error, { subject, data }) {
      if (error !== null) return;
      const [, , hospital = '', person = ''] = subject.split('.');
      const signal = readSignal(data);
      if (signal === undefined || !isId(hospital) || !isId(person)) return;
      const known = gathered.get(`${hospital} ${person}`);
      if (known !== undefined && known.measuredAt >= signal.measuredAt) return;
      if (known === undefined && gathered.size >= maxGathered) return;
      gathered.set(`${hospital} ${person}`, { ...signal, hospital, person });
    },
  });
  const timer = setInterval(() => {
    if (gathered.size > 0) storing = storing.then(store);
  }, gatherMs);
  const sweep = setInterval(() => void deletePositions(database, now() - keepMs).catch(() => {}), sweepEveryMs);
  return {
    async stop() {
      subscription.unsubscribe();
      clearInterval(timer);
      clearInterval(sweep);
      await storing;
    },
  };
}
