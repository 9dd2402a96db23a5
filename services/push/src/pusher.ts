import type { KeptDelivery, PutOff } from '@im/bus';
import type { TenantId } from '@im/contract';
import { endWith, type Metrics, NO_TRACING, type Span, type Tracing } from '@im/kit';
import type { Logger } from '@im/process';
import { decode, isGroupConversation } from '@im/protocol';
import { BatchFacts } from './batch-facts.ts';
import { candidateOf, mentions, phoneOnline } from './decide.ts';
import type { HandOff } from './hand-off/hand-off.ts';
import { type PushMetrics, pushMetrics } from './metrics.ts';
import type { Receivers } from './receivers.ts';
import { Retries } from './retries.ts';
import { mayWake, type Wake } from './wake/notification.ts';

export interface PusherDeps {
  readonly receivers: Receivers;
  readonly handOff: Pick<HandOff, 'notify' | 'withinLimit'>;
  /** Whether notifications of the tenant go anywhere, and whether mentions reach members who muted the conversation. */
  readonly policyOf: (tenant: TenantId) => {
    readonly serves: boolean;
    readonly mentionsThroughMute: boolean;
  };
  /**
   * Asked about each notification before devices are looked up, and again when the delivery comes again.
   * @returns what is to be sent instead, to whom; undefined when nothing is.
   * @default sends it as it is
   */
  readonly beforeOfflinePush?: (wake: Wake, signal: AbortSignal) => Promise<Wake | undefined>;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Whether a tenant exists, as far as this process knows. */
  readonly knows: (tenant: TenantId) => boolean;
  /** @default off */
  readonly tracing?: Tracing;
}

/**
 * Deliveries of one tenant handled at the same time. Each waits for its provider: fewer than a provider's requests at
 * once would keep single chats below what it takes.
 */
const CONCURRENCY = 32;
/** Age of a message that OpenIM counts as long. */
const LATE_MS = 10_000;
/** Time in which the deliveries of a batch are started. */
const BATCH_MS = 10_000;
const NO_USERS: ReadonlySet<string> = new Set();

/** Whether it took long to be published; both times are those of the log's server. */
function isLate({ delivery, publishedMs, attempt }: KeptDelivery): boolean {
  return attempt === 1 && delivery.logTime > 0 && publishedMs - delivery.logTime > LATE_MS;
}

/** Decides for each delivery who is notified, and hands that over. */
export class Pusher {
  readonly #deps: PusherDeps;
  readonly #counts: PushMetrics;
  readonly #retries = new Retries();
  readonly #tracing: Tracing;

  constructor(deps: PusherDeps) {
    this.#deps = deps;
    this.#tracing = deps.tracing ?? NO_TRACING;
    this.#counts = pushMetrics(deps.metrics);
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
      if (isLate(kept)) this.#counts.late.inc();
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
      this.#counts.dropped.inc({ reason: 'full' }, dropped);
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
    /** For devices that their providers did not take: these say themselves why. */
    const comeAgain = (kept: KeptDelivery, afterMs: number) => {
      const later = this.#retries.putOff(kept, this.#keyOf(kept), afterMs);
      if (later) putOff.push(later);
      else this.#counts.users.inc({ outcome: 'failed' });
    };
    // It was removed, or this process has not read the config that adds it yet.
    if (!knows(tenant))
      for (const kept of queue.splice(0)) fail(kept, new Error('the tenant is not known here'));
    const facts = new BatchFacts(this.#deps.receivers, queue);
    const end = performance.now() + BATCH_MS;
    const workers = Array.from({ length: Math.min(CONCURRENCY, queue.length) }, async () => {
      for (let kept = queue.shift(); kept !== undefined; kept = queue.shift()) {
        try {
          if (performance.now() > end) throw new Error('those before it took too long');
          const afterMs = await this.#judgeOne(kept, facts, signal);
          if (afterMs !== undefined) comeAgain(kept, afterMs);
          else if (this.#retries.has(tenant)) this.#retries.settle(tenant, this.#keyOf(kept));
        } catch (error) {
          fail(kept, error);
        }
      }
    });
    await Promise.all(workers);
    if (cause !== undefined && !signal.aborted) {
      this.#counts.dropped.inc({ reason: knows(tenant) ? 'failed' : 'unknown tenant' }, dropped);
      const fields = { tenant, again: putOff.length, dropped, err: cause };
      if (dropped > 0)
        log.error(fields, 'deliveries could not be judged; no user is woken for those dropped');
      else log.warn(fields, 'deliveries could not be judged; they come again');
    }
    return putOff;
  }

  /** @returns time after which it is to come again, for devices that were not notified. */
  #judgeOne(kept: KeptDelivery, facts: BatchFacts, signal: AbortSignal): Promise<number | undefined> {
    const { delivery, attempt, tenant } = kept;
    const span = this.#tracing.tracer?.resume(delivery.traceparent, tenant, 'offline push', {
      kind: 'consumer',
      attributes: { 'openim.operation_id': delivery.operationID, 'openim.attempt': attempt },
    });
    const judging = this.#notify(kept, facts, signal, span);
    if (span) endWith(span, judging);
    return judging;
  }

  async #notify(
    kept: KeptDelivery,
    facts: BatchFacts,
    signal: AbortSignal,
    span: Span | undefined,
  ): Promise<number | undefined> {
    const { tenant, delivery } = kept;
    const { handOff, beforeOfflinePush, policyOf } = this.#deps;
    if (!policyOf(tenant).serves) return undefined;
    const { operationID, conversationID } = delivery;
    const userIDs = await this.#whom(kept, facts);
    if (userIDs.length === 0) return undefined;
    const message = decode('sdkws.MsgData', delivery.msgData);
    const judged: Wake = { tenant, operationID, conversationID, message, userIDs, ...(span && { span }) };
    const wake = beforeOfflinePush ? await beforeOfflinePush(judged, signal) : judged;
    return wake && wake.userIDs.length > 0 ? handOff.notify(wake, this.#keyOf(kept), signal) : undefined;
  }

  #keyOf({ delivery }: KeptDelivery): string {
    const { partition, position, entry, targetUserID, targetGroupID } = delivery;
    return [partition, position, entry, targetUserID, targetGroupID].join(' ');
  }

  /** The users to notify: not the sender, no phone online, and only those who want it. */
  async #whom({ tenant, delivery }: KeptDelivery, facts: BatchFacts): Promise<string[]> {
    const { conversationID, sendID } = delivery;
    const candidate = candidateOf(delivery);
    if (candidate.kind === 'none') return [];
    const { receivers, connections } =
      candidate.kind === 'user'
        ? { receivers: [candidate.userID], connections: await facts.ofUsers(tenant) }
        : await facts.ofGroup(tenant, candidate.groupID, delivery.operationID);
    const only = delivery.onlyUserIDs.length > 0 ? new Set(delivery.onlyUserIDs) : undefined;
    const all = receivers.filter((id) => id !== sendID && (!only || only.has(id)));
    const offline = all.filter((id) => !phoneOnline(connections.get(id) ?? []));
    this.#counts.users.inc({ outcome: 'online' }, all.length - offline.length);
    if (offline.length === 0) return [];
    // Single chats were judged by the receiver's options when they were sent.
    const quietOwners = isGroupConversation(conversationID)
      ? await facts.silencedIn(tenant, conversationID)
      : NO_USERS;
    const isMentioned =
      quietOwners.size > 0 && this.#deps.policyOf(tenant).mentionsThroughMute
        ? mentions(decode('sdkws.MsgData', delivery.msgData))
        : () => false;
    const wanting = offline.filter((id) => !quietOwners.has(id) || isMentioned(id));
    const within = this.#deps.handOff.withinLimit(tenant, wanting);
    const undisturbed = within.length > 0 ? await facts.undisturbed(tenant, within) : NO_USERS;
    const woken = within.filter((id) => !undisturbed.has(id));
    const silenced = offline.length - wanting.length + within.length - woken.length;
    this.#counts.users.inc({ outcome: 'silenced' }, silenced);
    return woken;
  }
}
