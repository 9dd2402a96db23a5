/** Writes to stdout, and waits while its reader is behind; not beyond the end that the signal says. */
export async function writeOut(text: string, signal: AbortSignal): Promise<void> {
  if (process.stdout.write(text) || signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const go = () => resolve();
  process.stdout.once('drain', go);
  signal.addEventListener('abort', go, { once: true });
  await promise;
  process.stdout.off('drain', go);
  signal.removeEventListener('abort', go);
}
