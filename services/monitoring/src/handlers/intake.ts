/**
 * Readings from INTAKE: each partition has one owner at a time, so that a patient's samples meet one engine. What waits
 * is committed together; a batch is acknowledged when its transaction has committed.
 */
import { intakeSchema, type Absence } from '@carillon/contracts/monitoring';
import { validate } from '@carillon/contracts/schema';
import { eventHeaders, intakeDurable, intakeFilter, partitionCount, partitionName } from '@carillon/contracts/streams';
import type { Consumption, Delivery } from '@carillon/bus/consume';
import { decode } from '@carillon/bus/request';
import { areLeasesHeld } from '@carillon/database/lease';
import { buryDelivery } from '@carillon/runtime/dead-letters';
import { holdLeases, type LeaseHolder } from '@carillon/runtime/lease-holder';
import { aMoment, crashLoopDeliveries, judge } from '@carillon/runtime/outcome';
import type { ServiceTools } from '@carillon/runtime/service';
import { childTrace } from '@carillon/runtime/trace';
import type { Work } from '@carillon/runtime/work';
import type { MonitorAbsence } from '../domain/patient-state.ts';
import { insertReadings, lockEngines, type StoredReading } from '../store.ts';
import type { Ears } from './ears.ts';
import { createIntakeQueue } from './intake-queue.ts';
import { createKnownEngines } from './known-engines.ts';
import { runMonitors } from './patients.ts';

type Waiting = { delivery: Delivery; partition: string };

/**
 * Of one transaction; a post holds up to a thousand readings of some 200 bytes. A long one keeps all that was deleted
 * meanwhile in the way of everybody, and what it holds in memory is garbage that has grown old.
 */
const batchBounds = { posts: 512, bytes: 1_000 * 200 };
const drainMs = 4_000;
const followAgainMs = 500;
/** Transactions side by side; a partition always goes to the same of them. */
const width = 2;
/**
 * A transaction costs ten round trips whether it holds one post or fifty, so that two hundred monitors would keep the
 * process busy with transactions alone: what comes within this time of the last one's beginning is committed together.
 * It is part of the way from a measurement to its alarm, and a fraction of the 50 ms that this may take.
 */
const gatherMs = 10;
const maxRestMs = 50;

const partitions = Array.from({ length: partitionCount }, (_, index) => partitionName(index));
const leaseName = (partition: string): string => `intake:${partition}`;

class LeaseLost extends Error {}

type Received = { hospital: string; receivedAt: number; readings: StoredReading[]; absences: readonly Absence[] };

function readIntake(delivery: Delivery): Received {
  const intake = validate(intakeSchema, decode(delivery.body));
  if (!intake.ok) throw new Error(`breaks its contract: ${JSON.stringify(intake.issues)}`);
  const { hospital, by, receivedAt, readings, absences = [] } = intake.value;
  // Rights and dead letters go by the subject, what is stored by the body.
  if (hospital !== delivery.subject.split('.')[1]) throw new Error('its subject names another hospital');
  return {
    hospital,
    receivedAt,
    absences,
    readings: readings.map((reading) => ({ ...reading, hospital, by, receivedAt })),
  };
}

/** What of a hospital's patients goes to their engines. */
type News = { readings: Map<string, StoredReading[]>; absences: Map<string, MonitorAbsence[]> };

function append<T>(lists: Map<string, T[]>, name: string, ...items: readonly T[]): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [...items]);
  else list.push(...items);
}

/** Those of whom there are only absences are locked with the others, so that all are in one order with who binds devices. */
async function lockAbsent({ tx }: Work, received: readonly Received[]): Promise<void> {
  const hospitals = new Set(received.flatMap(({ hospital, absences }) => (absences.length > 0 ? [hospital] : [])));
  for (const hospital of [...hospitals].toSorted()) {
    const own = received.filter((intake) => intake.hospital === hospital);
    const patients = own.flatMap(({ readings, absences }) =>
      [...readings, ...absences].map(({ patientId }) => patientId),
    );
    await lockEngines(tx, hospital, [...new Set(patients)]);
  }
}

export async function startIntake(tools: ServiceTools, ears: Ears): Promise<{ stop(): Promise<void> }> {
  const { bus, consumers, database, gate, log, metrics, service } = tools;
  // From the start: an alert on the increase of a counter misses the first of what is not there before it.
  metrics.handled.inc({ kind: 'intake', name: 'vitals:record', outcome: 'poison' }, 0);
  const consumptions = new Map<string, Consumption>();
  const engines = createKnownEngines();
  let isStopping = false;

  const commit = async (leases: LeaseHolder, batch: readonly Waiting[]): Promise<void> => {
    const received = batch.map(({ delivery }) => readIntake(delivery));
    const readings = received.flatMap((intake) => intake.readings);
    const held = [...new Set(batch.map((waiting) => waiting.partition))].map((name) => leases.held(leaseName(name)));
    const traceparent = childTrace(batch[0]?.delivery.header(eventHeaders.traceparent));
    await tools.work(traceparent, async (work) => {
      // Fenced: an owner that was stopped and woke up finds another generation here.
      const leased = held.filter((lease) => lease !== undefined);
      if (leased.length < held.length || !(await areLeasesHeld(work.tx, leased, leases.owner))) throw new LeaseLost();
      await lockAbsent(work, received);
      const stored = await insertReadings(work.tx, readings, work.now);
      const byHospital = new Map<string, News>();
      const newsOf = (hospital: string): News => {
        const news = byHospital.get(hospital) ?? { readings: new Map(), absences: new Map() };
        byHospital.set(hospital, news);
        return news;
      };
      for (const reading of stored) append(newsOf(reading.hospital).readings, reading.patientId, reading);
      for (const { hospital, absences } of received) {
        for (const { patientId, vital, reason, measuredAt, deviceId } of absences) {
          append(newsOf(hospital).absences, patientId, { vital, reason, atMs: measuredAt, deviceId });
          append(newsOf(hospital).readings, patientId);
        }
      }
      for (const [hospital, { readings: byPatient, absences }] of byHospital) {
        await runMonitors(work, hospital, byPatient, { absences, engines });
      }
    });
    for (const [index, { receivedAt }] of received.entries()) ears.heard(batch[index]?.partition ?? '', receivedAt);
  };

  const finish = (batch: readonly Waiting[], outcome: string): void => {
    metrics.handled.inc({ kind: 'intake', name: 'vitals:record', outcome }, batch.length);
  };

  /** Commits a batch, for as long as it takes; a batch that fails for itself is tried by halves, until one message is left that fails. */
  const settle = async (leases: LeaseHolder, batch: readonly Waiting[]): Promise<void> => {
    const endTimer = metrics.handlingSeconds.startTimer({ kind: 'intake', name: 'vitals:record' });
    for (let attempt = 1; ; attempt++) {
      await gate.whenOpen();
      // Given back meanwhile, since another owns the partition or can reach the database.
      if (!batch.every(({ delivery }) => delivery.isHeld())) {
        const kept = batch.filter(({ delivery }) => delivery.isHeld());
        return kept.length === 0 ? undefined : settle(leases, kept);
      }
      if (isStopping) return batch.forEach(({ delivery }) => delivery.release());
      try {
        await commit(leases, batch);
        for (const { delivery } of batch) delivery.ack();
        endTimer();
        return finish(batch, 'ok');
      } catch (error) {
        // The database may be another one when it is back: an older copy, with other states of the same versions.
        engines.clear();
        if (error instanceof LeaseLost) {
          const isOurs = ({ partition }: Waiting): boolean => leases.held(leaseName(partition)) !== undefined;
          const kept = batch.filter(isOurs);
          // Of which it is not known: all. Else ours go on, since what comes of them later must not go before them.
          const lost = kept.length === batch.length ? batch : batch.filter((waiting) => !isOurs(waiting));
          lost.forEach(({ delivery }) => delivery.release(200));
          return lost.length === batch.length ? undefined : settle(leases, kept);
        }
        const outcome = judge(error, attempt);
        if (outcome.kind === 'later') gate.close();
        else if (outcome.kind === 'notYet') await aMoment();
        else if (batch.length > 1) {
          const middle = Math.ceil(batch.length / 2);
          await settle(leases, batch.slice(0, middle));
          return settle(leases, batch.slice(middle));
        } else {
          const only = batch[0];
          const reason = outcome.kind === 'bad' ? outcome.error.message : outcome.reason;
          log.error({ err: error }, 'readings failed');
          if (only === undefined) return undefined;
          const isBuried = await buryDelivery(bus, service, only.delivery, reason).then(
            () => true,
            () => false,
          );
          if (isBuried) {
            only.delivery.ack();
            return finish(batch, 'poison');
          }
          gate.close();
        }
      }
    }
  };

  const queues = Array.from({ length: width }, () => ({
    waiting: createIntakeQueue<Delivery>(batchBounds),
    isBusy: false,
    startedAt: 0,
    tookMs: 0,
  }));
  const work = async (queue: (typeof queues)[number], leases: LeaseHolder): Promise<void> => {
    if (queue.isBusy) return;
    queue.isBusy = true;
    while (!queue.waiting.isEmpty()) {
      // Half as long as the last batch took: the busier the house, the more is done in one transaction.
      const restMs = Math.max(queue.startedAt + gatherMs - performance.now(), queue.tookMs / 2);
      if (restMs > 1 && !queue.waiting.isFull()) await new Promise((resolve) => setTimeout(resolve, restMs));
      queue.startedAt = performance.now();
      const batch = queue.waiting.take();
      const [crashing, sound] = [true, false].map((isCrashing) =>
        batch.filter(({ delivery }) => delivery.deliveryCount >= crashLoopDeliveries === isCrashing),
      );
      for (const one of crashing ?? []) {
        const { delivery } = one;
        const reason = `${delivery.deliveryCount} deliveries`;
        await buryDelivery(bus, service, delivery, reason).then(
          () => {
            delivery.ack();
            finish([one], 'poison');
          },
          () => delivery.release(1_000),
        );
      }
      if (sound !== undefined && sound.length > 0) await settle(leases, sound);
      queue.tookMs = Math.min(performance.now() - queue.startedAt, maxRestMs * 2);
    }
    queue.isBusy = false;
  };

  const follow = async (leases: LeaseHolder): Promise<void> => {
    for (const [index, partition] of partitions.entries()) {
      const isHeld = leases.held(leaseName(partition)) !== undefined && !isStopping;
      const consumption = consumptions.get(partition);
      if (isHeld && consumption === undefined) {
        const queue = queues[index % width];
        if (queue === undefined) continue;
        const started = await consumers.start({
          stream: 'INTAKE',
          durable: intakeDurable(partition),
          filter: intakeFilter(partition),
          // What a killed owner held must raise its alarms within the 5 s of the critical path.
          ackWaitMs: 4_000,
          maxInFlight: 256,
          onDelivery(delivery) {
            queue.waiting.push(partition, delivery);
            void work(queue, leases);
          },
        });
        consumptions.set(partition, started);
        ears.listen(partition, { lease: () => leases.held(leaseName(partition)), pending: () => started.pending() });
      } else if (!isHeld && consumption !== undefined) {
        consumptions.delete(partition);
        ears.stopListening(partition);
        await consumption.stop(0);
      }
    }
  };

  // Changes of ownership are followed one after another.
  let following: Promise<void> = Promise.resolve();
  let holder: LeaseHolder | undefined;
  const onChange = (): void => {
    following = following
      .then(() => (holder === undefined ? undefined : follow(holder)))
      .catch((error: unknown) => {
        log.error({ err: error }, 'partitions');
        // The bus was away: a partition that we hold must not stay unread.
        if (!isStopping) setTimeout(onChange, followAgainMs).unref();
      });
  };
  holder = await holdLeases({
    database,
    owner: tools.instance,
    group: 'intake',
    names: partitions.map(leaseName),
    log,
    onChange,
  });
  onChange();
  await following;
  return {
    async stop() {
      isStopping = true;
      await following;
      await Promise.all([...consumptions.values()].map((consumption) => consumption.stop(drainMs)));
      await holder?.stop();
    },
  };
}
