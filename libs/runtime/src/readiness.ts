/** Named checks: each cheap, each with a deadline, so that a probe is always answered in time. */

/** No error text, which might carry what only operators should see. */
export type Checks = Readonly<Record<string, boolean>>;
export type Check = () => boolean | Promise<boolean>;

const deadlineMs = 1_000;

/** A check that fails, or says nothing within a second, does not hold. */
async function holds(check: Check): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), deadlineMs);
  });
  try {
    return await Promise.race([check(), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

export async function runChecks(checks: Readonly<Record<string, Check>>): Promise<Checks> {
  const answers = Object.entries(checks).map(async ([name, check]) => [name, await holds(check)] as const);
  return Object.fromEntries(await Promise.all(answers));
}

/** Whoever asks while a run is under way gets its result: a storm of probes costs what one does. */
export function shared<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= run().finally(() => {
      running = undefined;
    });
    return running;
  };
}
