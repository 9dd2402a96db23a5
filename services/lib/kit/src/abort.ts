const NOTHING: Disposable = { [Symbol.dispose]: () => {} };

/**
 * Calls `listener` once when `signal` aborts; before it returns when that has happened.
 * @returns ends the subscription when it is disposed of.
 */
export function onAbort(signal: AbortSignal, listener: () => void): Disposable {
  if (signal.aborted) {
    listener();
    return NOTHING;
  }
  signal.addEventListener('abort', listener, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', listener) };
}

/**
 * What `work` resolves with.
 * @throws the signal's reason as soon as it aborts; `work` is then left behind, and its failure ignored.
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  using _ = onAbort(signal, () => reject(signal.reason));
  return await Promise.race([work, promise]);
}

/** What `work` resolves with, or undefined as soon as `signal` aborts. @throws what `work` rejects with before. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  using _ = onAbort(signal, () => resolve(undefined));
  return await Promise.race([work, promise]);
}
