import { sleep } from '@im/kit';
import { Breaker } from '@im/webhooks';
import { isProviderFault, isWorthRepeating, type Outcome, refused } from './outcome.ts';

/** Something that sends, by one provider. */
export interface Channel<T> {
  readonly name: string;
  send(message: T, signal: AbortSignal): Promise<Outcome>;
}

export interface GuardedSendOptions {
  /** Messages at once; more are refused. @default 16 */
  readonly atOnce?: number;
  /** Longest wait before the second attempt, ms. @default 600 */
  readonly pauseMs?: number;
  /** Called when the provider is left alone, and when it no longer is. */
  readonly onOpen?: (open: boolean) => void;
  /** Called with every outcome of the provider. */
  readonly onOutcome?: (provider: string, outcome: Outcome, seconds: number) => void;
}

/** A provider that is left alone when it fails again and again, and gets a bounded number of messages at once. */
export interface GuardedSend<T> {
  readonly name: string;
  readonly open: boolean;
  send(message: T, signal: AbortSignal): Promise<Outcome>;
}

const AT_ONCE = 16;
const PAUSE_MS = 600;
const FAILURES = 5;

export function guardedSend<T>(channel: Channel<T>, options: GuardedSendOptions = {}): GuardedSend<T> {
  const { atOnce = AT_ONCE, pauseMs = PAUSE_MS, onOpen, onOutcome } = options;
  const { name } = channel;
  const breaker = new Breaker({ failures: FAILURES });
  let running = 0;

  async function attempt(message: T, signal: AbortSignal): Promise<Outcome> {
    if (!breaker.mayCall())
      return refused(
        'unavailable',
        'the provider failed several times in a row, and is left alone for a while',
      );
    const startedAt = performance.now();
    const outcome = await channel.send(message, signal);
    onOutcome?.(name, outcome, (performance.now() - startedAt) / 1_000);
    const wasOpen = breaker.open;
    if (isProviderFault(outcome)) breaker.failed();
    else breaker.succeeded();
    if (breaker.open !== wasOpen) onOpen?.(breaker.open);
    return outcome;
  }

  async function twice(message: T, signal: AbortSignal): Promise<Outcome> {
    const first = await attempt(message, signal);
    if (!isWorthRepeating(first) || breaker.open) return first;
    try {
      await sleep(pauseMs * (0.5 + Math.random() / 2), signal);
    } catch {
      return first;
    }
    return attempt(message, signal);
  }

  return {
    name,
    get open() {
      return breaker.open;
    },
    async send(message, signal) {
      if (running >= atOnce) return refused('overload', `${atOnce} messages are being sent already`);
      running++;
      try {
        return await twice(message, signal);
      } finally {
        running--;
      }
    },
  };
}

/**
 * Sends by the first provider that takes the message: the next one is asked when one has certainly not sent it, and not
 * for an address that cannot get any.
 */
export async function sendByFirst<T>(
  providers: readonly GuardedSend<T>[],
  message: T,
  signal: AbortSignal,
): Promise<{ readonly provider: string; readonly outcome: Outcome }> {
  let last = { provider: '', outcome: refused('credentials', 'no provider is set up') };
  for (const provider of providers) {
    last = { provider: provider.name, outcome: await provider.send(message, signal) };
    const { outcome } = last;
    if (outcome.kind !== 'refused' || outcome.reason === 'address' || signal.aborted) return last;
  }
  return last;
}
