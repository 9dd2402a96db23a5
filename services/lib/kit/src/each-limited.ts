/**
 * Calls `work` for every item, at most `limit` at once, in the order of the items. Resolves when all are done.
 * @throws the first error; items not started by then are skipped.
 */
export async function eachLimited<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  let failed = false;
  async function worker(): Promise<void> {
    while (!failed) {
      const next = queue.next();
      if (next.done) return;
      try {
        await work(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  }
  await Promise.all(Array.from({ length: limit }, worker));
}
