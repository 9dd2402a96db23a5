import { randomBytes } from 'node:crypto';
import { Backoff, type Cache, createCache, type Metrics, onAbort, sleep, TokenBucket } from '@im/kit';
import type { Logger } from '@im/process';
import { timestamp } from './conditions.ts';
import { ApiError, isApiError } from './errors.ts';
import type { KubeClient } from './kube-client.ts';
import type { KubeObject } from './objects.ts';
import { EVENT } from './resource-types.ts';
import type { CoreEvent } from './wire.ts';

/** What an event says. */
export interface EventText {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, stable: `GatewayDrained`. */
  readonly reason: string;
  /** For a person. Keep changing figures out of it, so that repetitions are counted on one event. */
  readonly message: string;
  /** The action, in CamelCase. @default the reason */
  readonly action?: string;
}

/** Options of {@link createEventRecorder}. */
export interface EventRecorderOptions {
  readonly client: KubeClient;
  /** `reportingComponent`, such as `openim-operator`. */
  readonly component: string;
  /** `reportingInstance`: the pod. */
  readonly instance: string;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Records events: what happened to an object, for people. */
export interface EventRecorder {
  /** Takes the event; never waits, never throws. Floods and what does not fit the queue are dropped and counted. */
  event(about: KubeObject, text: EventText): void;
  /** Sends events until `signal` aborts, then what is queued for 2 s more. */
  run(signal: AbortSignal): Promise<void>;
}

/** A repeated event within this time increments the count of the existing one. */
const AGGREGATION_MS = 10 * 60_000;
const KNOWN_EVENTS = 4_096;
const QUEUE_LIMIT = 1_000;
/** Writes about one object: a burst, then one per interval in seconds, as in client-go. */
const OBJECT_BURST = 25;
const OBJECT_SECONDS = 300;
const ATTEMPTS = 5;
const REQUEST_MS = 5_000;
const FLUSH_MS = 2_000;
/** What the API takes. */
const MESSAGE_LIMIT = 1_024;

/** An event and its repetitions. */
interface Series {
  readonly event: CoreEvent & { readonly metadata: { readonly namespace: string; readonly name: string } };
  count: number;
  lastTimestamp: string;
  /** The API server has stored it. */
  isStored: boolean;
}

/** See {@link EventRecorder}. Events are `v1`, so that `kubectl describe` shows them with their counts. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, log } = options;
  const series: Cache<Series> = createCache({ name: 'events', max: KNOWN_EVENTS, ttlMs: AGGREGATION_MS });
  const budgets: Cache<TokenBucket> = createCache({
    name: 'event-budgets',
    max: KNOWN_EVENTS,
    ttlMs: 3_600_000,
  });
  const queue = new Set<Series>();
  const events = options.metrics.counter('openim_operator_events_total', 'Events, by what became of them', [
    'result',
  ]);
  let wake = (): void => {};

  function budgetOf(uid: string): TokenBucket {
    const known = budgets.peek(uid).value;
    if (known) return known;
    const made = new TokenBucket({ ratePerSecond: 1 / OBJECT_SECONDS, burst: OBJECT_BURST });
    budgets.set(uid, made);
    return made;
  }

  function record(about: KubeObject, text: EventText): void {
    const key = [
      about.metadata?.uid,
      about.kind,
      about.metadata?.name,
      text.type,
      text.reason,
      text.message,
    ].join('\0');
    const now = new Date();
    let one = series.peek(key).value;
    if (one) {
      one.count++;
      one.lastTimestamp = timestamp(now);
      if (queue.has(one)) return;
    } else {
      one = {
        event: newEvent(about, text, now, options),
        count: 1,
        lastTimestamp: timestamp(now),
        isStored: false,
      };
      series.set(key, one);
    }
    if (queue.size >= QUEUE_LIMIT || !budgetOf(about.metadata?.uid ?? '').take()) {
      events.inc({ result: 'dropped' });
      return;
    }
    queue.add(one);
    wake();
  }

  async function write(one: Series): Promise<void> {
    const { count, lastTimestamp, event } = one;
    const request = { deadlineMs: REQUEST_MS };
    if (one.isStored) {
      try {
        await client.patch(EVENT, event.metadata, { count, lastTimestamp }, request);
        return;
      } catch (error) {
        // It has expired at the server, or was deleted.
        if (!isApiError(error, 404)) throw error;
      }
    }
    try {
      await client.create(EVENT, { ...event, count, lastTimestamp }, request);
    } catch (error) {
      // The answer to an earlier attempt was lost.
      if (!isApiError(error, 409)) throw error;
    }
    one.isStored = true;
  }

  async function deliver(one: Series, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ baseMs: 500, maxMs: 10_000 });
    for (let attempt = 1; ; attempt++) {
      try {
        await write(one);
        events.inc({ result: 'sent' });
        return;
      } catch (error) {
        const isRefused = error instanceof ApiError && error.status < 500 && error.status !== 429;
        if (isRefused || attempt === ATTEMPTS || signal.aborted) {
          events.inc({ result: 'failed' });
          log.warn({ err: error, event: one.event.reason }, 'an event was not sent');
          return;
        }
        await backoff.wait(signal).catch(() => {});
      }
    }
  }

  async function drain(signal: AbortSignal, isOver: () => boolean): Promise<void> {
    for (const one of queue) {
      if (isOver()) return;
      queue.delete(one);
      await deliver(one, signal);
    }
  }

  return {
    event(about, text) {
      try {
        record(about, text);
      } catch (error) {
        log.error({ err: error, event: text.reason }, 'an event was not taken');
      }
    },
    async run(signal) {
      while (!signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = () => resolve();
        using _ = onAbort(signal, resolve);
        await drain(signal, () => signal.aborted);
        if (queue.size === 0 && !signal.aborted) await promise;
      }
      const end = performance.now() + FLUSH_MS;
      const flushed = new AbortController();
      const late = sleep(FLUSH_MS, flushed.signal).catch(() => {});
      await Promise.race([drain(signal, () => performance.now() >= end), late]);
      flushed.abort();
    },
  };
}

function newEvent(
  about: KubeObject,
  text: EventText,
  now: Date,
  { component, instance }: EventRecorderOptions,
): Series['event'] {
  const { name = '', uid, resourceVersion } = about.metadata ?? {};
  const namespace = about.metadata?.namespace ?? 'default';
  const suffix = `${now.getTime().toString(16)}${randomBytes(4).toString('hex')}`;
  return {
    metadata: { namespace, name: `${name.slice(0, 200)}.${suffix}` },
    involvedObject: {
      apiVersion: about.apiVersion,
      kind: about.kind,
      namespace: about.metadata?.namespace,
      name,
      uid,
      resourceVersion,
    },
    type: text.type,
    reason: text.reason,
    message:
      text.message.length > MESSAGE_LIMIT ? `${text.message.slice(0, MESSAGE_LIMIT - 1)}…` : text.message,
    action: text.action ?? text.reason,
    firstTimestamp: timestamp(now),
    source: { component },
    reportingComponent: component,
    reportingInstance: instance,
  };
}
