/** Maps with at most `limit` at once; results in the order of the list. */
export async function inParallel<T, R>(
  list: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(list.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (;;) {
      const i = next++;
      const item = list[i];
      if (i >= list.length || item === undefined) return;
      results[i] = await work(item, i);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, list.length) }, worker));
  return results;
}
