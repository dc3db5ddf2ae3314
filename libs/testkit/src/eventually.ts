/**
 * Waits until a look gives something, and fails with what was seen last. For what no event announces; where one does,
 * await the event.
 */
export async function eventually<T>(
  look: () => Promise<T | undefined> | T | undefined,
  { withinMs = 15_000, what = 'it' }: { withinMs?: number; what?: string } = {},
): Promise<T> {
  const deadline = performance.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== undefined) return seen;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`${what} did not happen within ${withinMs} ms`, { cause: last });
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
