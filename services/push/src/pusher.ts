import type { KeptDelivery } from '@im/bus';
import { Backoff, type Logger, type Metrics, type TenantId } from '@im/kit';
import { decode, isGroupConversation, type log } from '@im/protocol';
import type { Claims } from './claims.ts';
import { candidateOf, phoneOnline } from './decide.ts';
import { mayWake, notificationOf } from './notification.ts';
import type { PushProvider } from './providers/provider.ts';
import type { WakeLimit } from './rate-limit.ts';
import type { Receivers } from './receivers.ts';

/** Parts of a {@link Pusher}. */
export interface PusherDeps {
  readonly receivers: Receivers;
  readonly provider: PushProvider;
  readonly limit: WakeLimit;
  readonly claims: Claims;
  /** Key of a delivery; its parts name it among all. */
  readonly keyOf: (tenant: TenantId, ...parts: readonly string[]) => string;
  readonly log: Logger;
  readonly metrics: Metrics;
}

type Connections = Awaited<ReturnType<Receivers['connectionsOf']>>;

/** Attempts at the provider before a notification is given up. */
const ATTEMPTS = 3;
/** Most users of one notification. */
const USERS_PER_CALL = 500;
/** Notifications handed to the provider at the same time. */
const CONCURRENCY = 8;

/** Decides for each delivery who is woken, and hands that to the provider. */
export class Pusher {
  readonly #deps: PusherDeps;
  readonly #outcomes;

  constructor(deps: PusherDeps) {
    this.#deps = deps;
    this.#outcomes = deps.metrics.counter(
      'im_push_users_total',
      'Users judged for an offline notification, by outcome',
      ['outcome'],
    );
  }

  /** Judges a batch. @throws when presence or members cannot be read: the batch must come again. */
  async judge(batch: readonly KeptDelivery[], signal: AbortSignal): Promise<void> {
    const { claims } = this.#deps;
    const candidates = batch.filter(
      ({ delivery }) => candidateOf(delivery).kind !== 'none' && mayWake(delivery.contentType),
    );
    const keys = candidates.map((kept) => this.#keyOf(kept));
    const taken = await claims.take(keys);
    const queue = candidates.map((kept, i) => ({ kept, key: keys[i] ?? '' })).filter((_, i) => taken[i]);
    const open = new Set(queue.map(({ key }) => key));
    try {
      const known = await this.#connections(queue.map(({ kept }) => kept));
      const judged = [...open];
      const workers = Array.from({ length: Math.min(CONCURRENCY, queue.length) }, async () => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          await this.#judgeOne(next.kept, known.get(next.kept.tenant), signal);
          open.delete(next.key);
        }
      });
      await Promise.all(workers);
      await claims.settle(judged);
    } catch (error) {
      // The batch comes again: better woken twice than not at all.
      await claims.giveBack([...open]);
      throw error;
    }
  }

  #keyOf({ tenant, delivery }: KeptDelivery): string {
    const { partition, position, entry, targetUserID, targetGroupID } = delivery;
    return this.#deps.keyOf(tenant, `${partition}`, `${position}`, `${entry}`, targetUserID, targetGroupID);
  }

  /** Connections of the receivers in single chats, with one question per tenant. */
  async #connections(queue: readonly KeptDelivery[]): Promise<Map<TenantId, Connections>> {
    const users = new Map<TenantId, { readonly operationID: string; readonly ids: Set<string> }>();
    for (const { tenant, delivery } of queue) {
      const candidate = candidateOf(delivery);
      if (candidate.kind !== 'user') continue;
      const { operationID } = delivery;
      const asked = users.get(tenant) ?? { operationID, ids: new Set<string>() };
      asked.ids.add(candidate.userID);
      users.set(tenant, asked);
    }
    const known = new Map<TenantId, Connections>();
    for (const [tenant, { operationID, ids }] of users) {
      known.set(tenant, await this.#deps.receivers.connectionsOf(tenant, operationID, [...ids]));
    }
    return known;
  }

  async #judgeOne(kept: KeptDelivery, known: Connections | undefined, signal: AbortSignal): Promise<void> {
    const { tenant, delivery } = kept;
    const woken = await this.#whom(tenant, delivery, known);
    if (woken.length === 0) return;
    const message = decode('sdkws.MsgData', delivery.msgData);
    for (let i = 0; i < woken.length; i += USERS_PER_CALL) {
      const users = woken.slice(i, i + USERS_PER_CALL);
      const { operationID, conversationID } = delivery;
      await this.#hand(notificationOf(tenant, operationID, conversationID, message, users), signal);
    }
  }

  /** The users to wake: not the sender, no phone online, not silenced, not woken too often. */
  async #whom(tenant: TenantId, delivery: log.Delivery, known: Connections | undefined): Promise<string[]> {
    const { receivers, limit } = this.#deps;
    const { operationID, conversationID, sendID } = delivery;
    const candidate = candidateOf(delivery);
    if (candidate.kind === 'none') return [];
    const all =
      candidate.kind === 'user'
        ? [candidate.userID]
        : (await receivers.membersOf(tenant, operationID, candidate.groupID)).filter((id) => id !== sendID);
    if (all.length === 0) return [];
    const connections =
      candidate.kind === 'user' && known ? known : await receivers.connectionsOf(tenant, operationID, all);
    const offline = all.filter((id) => !phoneOnline(connections.get(id) ?? []));
    this.#outcomes.inc({ outcome: 'online' }, all.length - offline.length);
    // Single chats were judged by the receiver's options when they were sent.
    const silenced = isGroupConversation(conversationID)
      ? await receivers.silencedIn(tenant, conversationID)
      : new Set<string>();
    const wanting = offline.filter((id) => !silenced.has(id));
    this.#outcomes.inc({ outcome: 'silenced' }, offline.length - wanting.length);
    const woken = wanting.filter((id) => limit.take(tenant, id));
    this.#outcomes.inc({ outcome: 'limited' }, wanting.length - woken.length);
    return woken;
  }

  async #hand(notification: Parameters<PushProvider['push']>[0], signal: AbortSignal): Promise<void> {
    const { provider, log } = this.#deps;
    const backoff = new Backoff({ baseMs: 200, maxMs: 2_000 });
    for (let attempt = 1; ; attempt++) {
      try {
        await provider.push(notification, signal);
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
