import { setTimeout as sleep } from 'node:timers/promises';
import type { Sender, SentMessage } from './sender.ts';

/** How many messages are sent, and how fast. */
export interface Pace {
  readonly count: number;
  /** Maximum messages per second; undefined means as fast as responses arrive. */
  readonly rate: number | undefined;
  /** Maximum number of messages in flight. */
  readonly concurrency: number;
}

/** What became of a series of messages. */
export interface SendOutcome {
  /** In the order of sending. */
  readonly sent: readonly SentMessage[];
  /** What ended the series early. */
  readonly failure: unknown;
}

/** Sends the text `count` times; stops at the first failure, or when `signal` aborts. */
export async function sendAll(
  sender: Sender,
  text: string,
  pace: Pace,
  signal: AbortSignal,
  onSent: () => void = () => {},
): Promise<SendOutcome> {
  const sent: SentMessage[] = [];
  const startedAt = performance.now();
  let next = 0;
  let failure: unknown;

  async function untilDue(n: number): Promise<void> {
    if (pace.rate === undefined) return;
    const wait = startedAt + (n * 1_000) / pace.rate - performance.now();
    if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => {});
  }
  async function work(): Promise<void> {
    for (let n = next++; n < pace.count; n = next++) {
      await untilDue(n);
      if (signal.aborted || failure !== undefined) return;
      try {
        sent[n] = await sender.send(text);
        onSent();
      } catch (error) {
        failure ??= error;
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(pace.concurrency, pace.count) }, work));
  return { sent: sent.filter((message) => message !== undefined), failure };
}
