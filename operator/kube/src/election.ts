import { type Metrics, onAbort, sleep } from '@im/kit';
import type { Logger } from '@im/process';
import { LeadershipError, NotLeadingError } from './errors.ts';
import type { KubeClient, RequestOptions } from './kube-client.ts';
import { createLeaseRecord } from './lease-record.ts';
import { createTenure } from './tenure.ts';

/** Options of {@link createElection}. Times in ms. */
export interface ElectionOptions {
  readonly client: KubeClient;
  /** Of the Lease. */
  readonly namespace: string;
  readonly name: string;
  /** Of this candidate; unique among all, new for each process. */
  readonly identity: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Time without a renewal after which another may take the lease. @default 15_000 */
  readonly leaseDurationMs?: number | undefined;
  /** Time without a renewal after which a leader aborts its work, for which it has the rest of the lease. @default 10_000 */
  readonly renewDeadlineMs?: number | undefined;
  /** Interval between renewals, and between attempts. @default 2_000 */
  readonly retryMs?: number | undefined;
}

/** One of several candidates, of which at most one leads at any time. */
export interface Election {
  /**
   * Runs for leader until `signal` aborts, and calls `lead` whenever it leads. When leadership ends, the signal
   * of `lead` aborts and is awaited; the lease is released when `lead` has ended.
   * @throws what `lead` throws, or `LeadershipError` when `lead` did not end before the lease could
   * be taken: the process must then exit at once.
   */
  run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void>;
  isLeader(): boolean;
  /** Identity of the current holder as last seen. */
  holder(): string | undefined;
}

const LEASE_DURATION_MS = 15_000;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_MS = 2_000;
/** Share of the time between the renewal deadline and the end of the lease that is left for the process to exit. */
const EXIT_SHARE = 0.2;

/** Creates an {@link Election}. @throws RangeError when the times leave no room to stop before another may lead. */
export function createElection(options: ElectionOptions): Election {
  const { identity } = options;
  const leaseDurationMs = options.leaseDurationMs ?? LEASE_DURATION_MS;
  const renewDeadlineMs = options.renewDeadlineMs ?? RENEW_DEADLINE_MS;
  const retryMs = options.retryMs ?? RETRY_MS;
  if (!(retryMs < renewDeadlineMs && renewDeadlineMs < leaseDurationMs)) {
    throw new RangeError('an election needs retry < renew deadline < lease duration');
  }
  const bounds = {
    stopAfterMs: renewDeadlineMs,
    expireAfterMs: leaseDurationMs - (leaseDurationMs - renewDeadlineMs) * EXIT_SHARE,
  };
  /** A request that hangs must leave time for others before the renewal deadline. */
  const requestMs = Math.max(retryMs, renewDeadlineMs / 3);
  const log = options.log.child({ lease: `${options.namespace}/${options.name}`, identity });
  const lease = createLeaseRecord({ ...options, leaseDurationMs });
  const measure = electionMetrics(options.metrics, options.name);
  /** End of its leadership, on the monotonic clock. */
  let leadsUntil = 0;

  /** Runs for leader until it leads. @returns when the winning request was sent; undefined when `signal` aborted. */
  async function win(signal: AbortSignal): Promise<number | undefined> {
    let lastHolder: string | undefined;
    while (!signal.aborted) {
      try {
        const attempt = await lease.hold(requestMs, signal);
        if (attempt.held) return attempt.sentAt;
        if (attempt.holder && attempt.holder !== lastHolder)
          log.info({ holder: attempt.holder }, 'another leads');
        lastHolder = attempt.holder;
      } catch (error) {
        if (signal.aborted) return undefined;
        measure.failed();
        log.warn({ err: error }, 'election attempt failed');
      }
      await sleep(retryMs * (1 + Math.random() / 5), signal).catch(() => {});
    }
    return undefined;
  }

  /** Leads until `lead` has ended. */
  async function serve(
    sentAt: number,
    signal: AbortSignal,
    lead: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    using tenure = createTenure(
      sentAt,
      bounds,
      () => new LeadershipError('work of the leader went on although its lease ends'),
    );
    const onStop = () => tenure.end(new Error('the process stops'));
    using _stop = onAbort(signal, onStop);
    tenure.signal.addEventListener('abort', () => {
      leadsUntil = 0;
    });
    leadsUntil = sentAt + renewDeadlineMs;
    const done = new AbortController();
    const work = lead(tenure.signal);
    // Renewed while the work ends, too: no other candidate may lead in the meantime.
    const renewing = renew(tenure, done.signal);
    try {
      await Promise.race([work, tenure.expired]);
    } catch (error) {
      const isLate = tenure.signal.aborted || error instanceof NotLeadingError;
      if (error instanceof LeadershipError || !isLate) throw error;
      log.warn({ err: error }, 'the work of the leader failed while it was stopped');
    } finally {
      leadsUntil = 0;
      done.abort();
      await renewing;
    }
  }

  async function renew(tenure: ReturnType<typeof createTenure>, done: AbortSignal): Promise<void> {
    while (!done.aborted) {
      await sleep(retryMs, done).catch(() => {});
      if (done.aborted) return;
      try {
        const attempt = await lease.hold(requestMs, done);
        if (attempt.held) {
          tenure.renewed(attempt.sentAt);
          if (!tenure.signal.aborted) leadsUntil = attempt.sentAt + renewDeadlineMs;
        } else if (attempt.holder !== identity) {
          log.error({ holder: attempt.holder }, 'the lease was taken away');
          tenure.end(new Error('another holds the lease'));
        }
      } catch (error) {
        if (done.aborted) return;
        measure.failed();
        log.warn({ err: error }, 'the lease was not renewed');
      }
    }
  }

  return {
    async run(signal, lead) {
      while (!signal.aborted) {
        const sentAt = await win(signal);
        if (sentAt === undefined) return;
        log.info('leads');
        measure.leading(true);
        try {
          await serve(sentAt, signal, lead);
        } catch (error) {
          // Work that continues keeps the lease until it expires.
          if (!(error instanceof LeadershipError)) await release();
          throw error;
        } finally {
          measure.leading(false);
          log.info('leads no more');
        }
        await release();
        await sleep(retryMs, signal).catch(() => {});
      }
    },
    isLeader: () => performance.now() < leadsUntil,
    holder: lease.holder,
  };

  async function release(): Promise<void> {
    try {
      await lease.release(requestMs);
    } catch (error) {
      log.warn({ err: error }, 'the lease was not released; it expires');
    }
  }
}

function electionMetrics(metrics: Metrics, name: string) {
  const leader = metrics.gauge('openim_operator_leader', '1 while this process leads', ['lease']);
  const failures = metrics.counter('openim_operator_lease_failures_total', 'Lease requests that failed', [
    'lease',
  ]);
  leader.set({ lease: name }, 0);
  return {
    leading: (is: boolean): void => leader.set({ lease: name }, is ? 1 : 0),
    failed: (): void => failures.inc({ lease: name }),
  };
}

/**
 * `client` with its writes refused while `mayWrite` returns false. The process of a leader may be frozen and resume old
 * work before any timer has fired: `election.isLeader` compares clocks, so that such writes are refused. It is asked
 * before every attempt, as a call repeats itself for a while.
 */
export function guardWrites(client: KubeClient, mayWrite: () => boolean): KubeClient {
  function beforeAttempt(): void {
    if (!mayWrite()) throw new NotLeadingError('write refused: this process is not the leader');
  }
  async function guarded<O extends RequestOptions, R>(
    options: O,
    write: (options: O) => Promise<R>,
  ): Promise<R> {
    beforeAttempt();
    return await write({ ...options, beforeAttempt });
  }
  return {
    ...client,
    create: (type, object, options = {}) =>
      guarded(options, (checked) => client.create(type, object, checked)),
    replace: (type, object, options = {}) =>
      guarded(options, (checked) => client.replace(type, object, checked)),
    apply: (type, object, options) => guarded(options, (checked) => client.apply(type, object, checked)),
    applyStatus: (type, object, options) =>
      guarded(options, (checked) => client.applyStatus(type, object, checked)),
    patch: (type, key, patch, options = {}) =>
      guarded(options, (checked) => client.patch(type, key, patch, checked)),
    patchStatus: (type, key, status, options = {}) =>
      guarded(options, (checked) => client.patchStatus(type, key, status, checked)),
    proxy: (pod, port, path, options = {}) =>
      (options.method ?? 'GET') === 'GET'
        ? client.proxy(pod, port, path, options)
        : guarded(options, (checked) => client.proxy(pod, port, path, checked)),
    delete: (type, key, options = {}) => guarded(options, (checked) => client.delete(type, key, checked)),
  };
}
