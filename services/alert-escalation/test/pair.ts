/** Two engines of which one may stand still. */
import type { Database, Sql } from '@carillon/database/database';
import { crashingDatabase, stoppingDatabase, type CrashPoint } from '@carillon/testkit/faults';
import type { Stop } from './histories.ts';

export type Engines = readonly [Database, Database];
export type Task = {
  engine: 0 | 1;
  crash?: CrashPoint | undefined;
  /** `faulty`: the engine's database, with what befalls the process. */
  run(database: Database, clock: () => number, faulty?: Database): Promise<unknown>;
};

export type Pair = {
  /** Resolves when all is done that is not left to an engine that stands still. */
  run(tasks: readonly Task[], stop: Stop | undefined): Promise<void>;
  /** An engine that does not stand still. */
  sound(): Database;
  /** Nothing is left to an engine any more. */
  finish(): Promise<void>;
};

export const otherThan = (engine: 0 | 1): 0 | 1 => (engine === 0 ? 1 : 0);

/** @param server by which the database ends the sessions of one that stands still */
export function createPair(engines: Engines, clocks: readonly [() => number, () => number], server: Sql): Pair {
  let stopped: { engine: 0 | 1; stepsLeft: number; goOn(): Promise<unknown> } | undefined;
  return {
    async run(tasks, stop) {
      const continued = stopped !== undefined && --stopped.stepsLeft === 0 ? stopped : undefined;
      if (continued !== undefined) stopped = undefined;
      // One at a time: nothing is promised while both stand still.
      const stopping = stopped === undefined && continued === undefined ? stop : undefined;
      const standing = stopping && stoppingDatabase(engines[stopping.engine], stopping.point, server);
      const atWork: [Promise<unknown>[], Promise<unknown>[]] = [[], []];
      for (const { engine: asked, crash, run } of tasks) {
        // What would come to one that stands still comes to the other.
        const engine = stopped?.engine === asked ? otherThan(asked) : asked;
        const faulty = stopping?.engine === engine ? standing : crash && crashingDatabase(engines[engine], crash);
        atWork[engine].push(run(engines[engine], clocks[engine], faulty));
      }
      const rest = continued?.goOn();
      if (stopping === undefined || standing === undefined) return void (await Promise.all([...atWork.flat(), rest]));

      const begun = Promise.all(atWork[stopping.engine]);
      const goOn = (): Promise<unknown> => {
        standing.goOn();
        return begun;
      };
      const isStopped = Promise.race([begun.then(() => false), standing.stopped.then(() => true)]);
      try {
        await Promise.all([isStopped, ...atWork[otherThan(stopping.engine)], rest]);
      } catch (error) {
        standing.goOn();
        throw error;
      }
      if (await isStopped) stopped = { engine: stopping.engine, stepsLeft: stopping.steps, goOn };
    },
    sound: () => engines[stopped?.engine === 0 ? 1 : 0],
    async finish() {
      await stopped?.goOn();
      stopped = undefined;
    },
  };
}
