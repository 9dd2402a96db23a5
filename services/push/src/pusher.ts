import type { KeptDelivery, PutOff } from '@im/bus';
import type { TenantId } from '@im/contract';
import { Backoff, type Metrics } from '@im/kit';
import type { Logger } from '@im/process';
import { decode, isGroupConversation, type log } from '@im/protocol';
import { BatchFacts } from './batch-facts.ts';
import type { Claims } from './claims.ts';
import { candidateOf, phoneOnline } from './decide.ts';
import { mayWake, notificationOf } from './notification.ts';
import type { PushProvider } from './providers/push-provider.ts';
import type { WakeLimit } from './rate-limit.ts';
import type { Receivers } from './receivers.ts';
import { Retries } from './retries.ts';

export interface PusherDeps {
  readonly receivers: Receivers;
  readonly provider: PushProvider;
  readonly limit: WakeLimit;
  readonly claims: Claims;
  /** Key of a delivery; its parts name it among all. */
  readonly keyOf: (tenant: TenantId, ...parts: readonly string[]) => string;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Whether a tenant exists, as far as this process knows. */
  readonly knows: (tenant: TenantId) => boolean;
  /** Longest call of the provider, ms; for tests. @default 5000 */
  readonly callMs?: number;
  /** Time in which the deliveries of a batch are started, ms; for tests. @default 10000 */
  readonly batchMs?: number;
}

/** Attempts at the provider before a notification is given up. */
const ATTEMPTS = 3;
/** Most users of one notification. */
const USERS_PER_CALL = 500;
/** Notifications of one tenant handed to the provider at the same time. */
const CONCURRENCY = 8;
/** Age of a message that OpenIM counts as long. */
const LATE_MS = 10_000;
/** With the waits between them, all attempts of one notification take less than a claim lasts. */
const CALL_MS = 5_000;
const BATCH_MS = 10_000;
const NO_USERS: ReadonlySet<string> = new Set();

/** Whether it took long to be published; both times are those of the log's server. */
function isLate({ delivery, publishedMs, attempt }: KeptDelivery): boolean {
  return attempt === 1 && delivery.logTime > 0 && publishedMs - delivery.logTime > LATE_MS;
}

/** Decides for each delivery who is woken, and hands that to the provider. */
export class Pusher {
  readonly #deps: PusherDeps;
  readonly #outcomes;
  readonly #dropped;
  readonly #late;
  readonly #retries = new Retries();

  constructor(deps: PusherDeps) {
    this.#deps = deps;
    this.#outcomes = deps.metrics.counter(
      'openim_push_users_total',
      'Users judged for an offline notification, by outcome',
      ['outcome'],
    );
    this.#dropped = deps.metrics.counter(
      'openim_push_dropped_total',
      'Deliveries given up before it was known whom to wake, by reason',
      ['reason'],
    );
    this.#late = deps.metrics.counter(
      'msg_long_time_push_total',
      'Messages that were published for delivery more than 10 s after the log took them; OpenIM’s name',
    );
    deps.metrics.derived(
      'msg_offline_push_failed_total',
      'Users whose offline notification failed for good; OpenIM’s name',
      [],
      () => this.#outcomes.get().values.filter(({ labels }) => labels.outcome === 'failed'),
    );
    deps.metrics.observe(
      'openim_push_waiting',
      'Deliveries that could not be judged and come again',
      () => this.#retries.size,
    );
  }

  /**
   * Judges a batch, each tenant separately: what fails for one comes again alone, a limited number of
   * times, and holds up no other tenant's.
   * @returns those that are to come again.
   */
  async judge(batch: readonly KeptDelivery[], signal: AbortSignal): Promise<readonly PutOff[]> {
    const queues = new Map<TenantId, KeptDelivery[]>();
    for (const kept of batch) {
      const { tenant, delivery } = kept;
      if (isLate(kept)) this.#late.inc();
      if (candidateOf(delivery).kind === 'none' || !mayWake(delivery.contentType)) continue;
      const queue = queues.get(tenant);
      if (queue) queue.push(kept);
      else queues.set(tenant, [kept]);
    }
    const tenants = [...queues].map(([tenant, queue]) => this.#judgeTenant(tenant, queue, signal));
    return (await Promise.all(tenants)).flat();
  }

  /**
   * Puts off deliveries of a tenant that has too many waiting for those before them.
   * @returns those that are to come again; the others are given up, counted.
   */
  putOffFull(batch: readonly KeptDelivery[]): readonly PutOff[] {
    const wanted = batch.filter(
      ({ delivery }) => candidateOf(delivery).kind !== 'none' && mayWake(delivery.contentType),
    );
    const putOff = wanted.flatMap((kept) => this.#retries.putOff(kept, this.#keyOf(kept)) ?? []);
    const dropped = wanted.length - putOff.length;
    const [first] = wanted;
    if (first) {
      this.#dropped.inc({ reason: 'full' }, dropped);
      const fields = { tenant: first.tenant, again: putOff.length, dropped };
      this.#deps.log.warn(fields, 'too many deliveries of a tenant wait for its provider or its stores');
    }
    return putOff;
  }

  async #judgeTenant(tenant: TenantId, queue: KeptDelivery[], signal: AbortSignal): Promise<PutOff[]> {
    const { log, knows } = this.#deps;
    const putOff: PutOff[] = [];
    let dropped = 0;
    let cause: unknown;
    const fail = (kept: KeptDelivery, error: unknown) => {
      cause = error;
      const later = this.#retries.putOff(kept, this.#keyOf(kept));
      if (later) putOff.push(later);
      else dropped++;
    };
    // It was removed, or this process has not read the config that adds it yet.
    if (!knows(tenant))
      for (const kept of queue.splice(0)) fail(kept, new Error('the tenant is not known here'));
    const facts = new BatchFacts(this.#deps.receivers, queue);
    const end = performance.now() + (this.#deps.batchMs ?? BATCH_MS);
    const workers = Array.from({ length: Math.min(CONCURRENCY, queue.length) }, async () => {
      for (let kept = queue.shift(); kept !== undefined; kept = queue.shift()) {
        try {
          if (performance.now() > end) throw new Error('those before it took too long');
          await this.#judgeOne(kept, facts, signal);
          if (this.#retries.has(tenant)) this.#retries.settle(tenant, this.#keyOf(kept));
        } catch (error) {
          fail(kept, error);
        }
      }
    });
    await Promise.all(workers);
    if (cause !== undefined && !signal.aborted) {
      this.#dropped.inc({ reason: knows(tenant) ? 'failed' : 'unknown tenant' }, dropped);
      const fields = { tenant, again: putOff.length, dropped, err: cause };
      if (dropped > 0)
        log.error(fields, 'deliveries could not be judged; no user is woken for those dropped');
      else log.warn(fields, 'deliveries could not be judged; they come again');
    }
    return putOff;
  }

  /** Claims a delivery only when a user is to be notified: of most messages, all receivers are online. */
  async #judgeOne(kept: KeptDelivery, facts: BatchFacts, signal: AbortSignal): Promise<void> {
    const { tenant, delivery } = kept;
    const { claims } = this.#deps;
    const woken = await this.#whom(tenant, delivery, facts);
    if (woken.length === 0) return;
    const key = this.#keyOf(kept);
    if (!(await claims.take(key))) return;
    try {
      const message = decode('sdkws.MsgData', delivery.msgData);
      const { operationID, conversationID } = delivery;
      for (let i = 0; i < woken.length; i += USERS_PER_CALL) {
        const users = woken.slice(i, i + USERS_PER_CALL);
        await this.#hand(notificationOf(tenant, operationID, conversationID, message, users), signal);
      }
    } catch (error) {
      // It comes again: a user is better woken twice than not at all.
      await claims.giveBack(key);
      throw error;
    }
    await claims.settle(key);
  }

  #keyOf({ tenant, delivery }: KeptDelivery): string {
    const { partition, position, entry, targetUserID, targetGroupID } = delivery;
    return this.#deps.keyOf(tenant, `${partition}`, `${position}`, `${entry}`, targetUserID, targetGroupID);
  }

  /** The users to wake: not the sender, no phone online, not silenced, not woken too often. */
  async #whom(tenant: TenantId, delivery: log.Delivery, facts: BatchFacts): Promise<string[]> {
    const { conversationID, sendID } = delivery;
    const candidate = candidateOf(delivery);
    if (candidate.kind === 'none') return [];
    const { receivers, connections } =
      candidate.kind === 'user'
        ? { receivers: [candidate.userID], connections: await facts.ofUsers(tenant) }
        : await facts.ofGroup(tenant, candidate.groupID, delivery.operationID);
    const all = receivers.filter((id) => id !== sendID);
    const offline = all.filter((id) => !phoneOnline(connections.get(id) ?? []));
    this.#outcomes.inc({ outcome: 'online' }, all.length - offline.length);
    if (offline.length === 0) return [];
    // Single chats were judged by the receiver's options when they were sent.
    const silenced = isGroupConversation(conversationID)
      ? await facts.silencedIn(tenant, conversationID)
      : NO_USERS;
    const wanting = offline.filter((id) => !silenced.has(id));
    this.#outcomes.inc({ outcome: 'silenced' }, offline.length - wanting.length);
    const woken = wanting.filter((id) => this.#deps.limit.take(tenant, id));
    this.#outcomes.inc({ outcome: 'limited' }, wanting.length - woken.length);
    return woken;
  }

  async #hand(notification: Parameters<PushProvider['push']>[0], signal: AbortSignal): Promise<void> {
    const { provider, log } = this.#deps;
    const backoff = new Backoff({ baseMs: 200, maxMs: 2_000 });
    for (let attempt = 1; ; attempt++) {
      try {
        await within(this.#deps.callMs ?? CALL_MS, signal, (until) => provider.push(notification, until));
        this.#outcomes.inc({ outcome: 'pushed' }, notification.userIDs.length);
        return;
      } catch (error) {
        if (signal.aborted) throw error;
        if (attempt >= ATTEMPTS) {
          this.#outcomes.inc({ outcome: 'failed' }, notification.userIDs.length);
          const { tenant, operationID, userIDs } = notification;
          log.warn(
            { tenant, operationID, users: userIDs.length, provider: provider.name, err: error },
            'push failed',
          );
          return;
        }
        await backoff.wait(signal);
      }
    }
  }
}

/** Runs work for at most `ms`; it is not waited for longer, even if it ignores its signal. */
async function within(
  ms: number,
  signal: AbortSignal,
  work: (until: AbortSignal) => Promise<void>,
): Promise<void> {
  const late = new AbortController();
  const until = AbortSignal.any([signal, late.signal]);
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onEnd = () => reject(until.reason);
  until.addEventListener('abort', onEnd, { once: true });
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${ms} ms`)), ms);
  try {
    await Promise.race([work(until), ended]);
  } finally {
    clearTimeout(timer);
    until.removeEventListener('abort', onEnd);
  }
}
