import type { DeliveryFeed, FeedOptions, JoinedAt } from '@im/bus';
import { type TenantId, tenantId } from '@im/contract';
import type { CallContext } from '@im/kit';
import { READY, type Readiness } from '@im/process';
import { type Domain, type event, ImError, type log, make, type msg } from '@im/protocol';
import type { GatewayDeps } from '../src/gateway.ts';

/** One call that reached a fake service. */
export interface Call {
  readonly method: string;
  readonly ctx: CallContext;
  // Tests know which request belongs to which method.
  readonly request: never;
}

type Answer = (ctx: CallContext, request: never) => Promise<object> | object;

/** A token of the fake auth: user, platform and issue number in plain sight. */
export function token(userID: string, platformID: number, issue = 1): string {
  return `${userID}.${platformID}.${issue}`;
}

/** Services that answer what a test says, and remember what they were asked. */
export class FakeRpc {
  readonly calls: Call[] = [];
  /** Answers by `domain.method`; tests replace them. */
  readonly answers = new Map<string, Answer>([
    [
      'auth.parseToken',
      (_ctx, { token: text }: { token: string }) => {
        const [userID = '', platformID = '0'] = text.split('.');
        if (/^\d+$/.test(userID)) throw new ImError(Number(userID));
        return make('auth.ParseTokenResp', { userID, platformID: Number(platformID) });
      },
    ],
    [
      'auth.registerConnection',
      (_ctx, { token: text }: { token: string }) =>
        make('auth.RegisterConnectionResp', { issue: Number(text.split('.')[2]) }),
    ],
    ['group.getJoinedGroupIDs', () => make('group.GetJoinedGroupIDsResp')],
    ['user.reportPresence', () => make('user.ReportPresenceResp')],
    ['user.gatewayHeartbeat', () => make('user.GatewayHeartbeatResp')],
    [
      'user.getOnlinePlatforms',
      (_ctx, { userIDs }: { userIDs: string[] }) =>
        make('user.GetOnlinePlatformsResp', {
          users: userIDs.map((userID) => make('sdkws.SubUserOnlineStatusElem', { userID })),
        }),
    ],
    ['third.delUserPushToken', () => make('third.DelUserPushTokenResp')],
    ['msg.getMaxSeq', () => make('sdkws.GetMaxSeqResp', { maxSeqs: { si_a_b: 7 } })],
    ['msg.pullMessageBySeqs', () => make('msg.EncodedPull')],
    ['msg.getSeqMessage', () => make('msg.EncodedPull')],
    ['msg.getLastMessage', () => make('msg.EncodedLast')],
    ['msg.getConversationsHasReadAndMaxSeq', () => make('msg.GetConversationsHasReadAndMaxSeqResp')],
    [
      'msg.sendMsgs',
      (_ctx, { items }: msg.SendMsgsReq) =>
        make('msg.SendMsgsResp', {
          results: items.map((item, i) =>
            make('msg.SendResult', {
              resp: make('msg.SendMsgResp', {
                serverMsgID: `s${i}`,
                clientMsgID: 'c',
                sendTime: item.msgData.length,
              }),
            }),
          ),
        }),
    ],
  ]);

  client = ((domain: Domain) =>
    new Proxy(
      {},
      {
        get: (_target, name) => async (ctx: CallContext, request: never) => {
          const method = `${domain}.${String(name)}`;
          this.calls.push({ method, ctx, request });
          const answer = this.answers.get(method);
          if (!answer) throw new Error(`no answer for ${method}`);
          return answer(ctx, request);
        },
      },
    )) as GatewayDeps['rpc']['client'];

  /** Replaced by tests of an outage. */
  ready = (): Readiness => READY;

  /** The calls of one method so far. */
  of(method: string): Call[] {
    return this.calls.filter((call) => call.method === method);
  }
}

/** A feed that delivers what a test hands it, to those who asked. */
export class FakeFeed implements DeliveryFeed {
  readonly targets = new Set<string>();
  /** Places from which groups were wanted. */
  readonly joined: JoinedAt[] = [];
  readonly #options: FeedOptions;
  barriers = 0;
  /** What a barrier waits for; replace it to hold barriers back or make them fail. */
  barrierAnswer: () => Promise<void> = async () => {};
  #position = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  addUser(tenant: TenantId, userID: string): void {
    this.targets.add(`${tenant} u ${userID}`);
  }
  removeUser(tenant: TenantId, userID: string): void {
    this.targets.delete(`${tenant} u ${userID}`);
  }
  addGroup(tenant: TenantId, groupID: string, joined?: JoinedAt, onCaughtUp?: () => void): boolean {
    this.targets.add(`${tenant} g ${groupID}`);
    if (joined) this.joined.push(joined);
    if (!joined || !onCaughtUp || !this.catchesUp) return false;
    this.#behind.set(`${tenant} g ${groupID}`, onCaughtUp);
    return true;
  }
  removeGroup(tenant: TenantId, groupID: string): void {
    this.targets.delete(`${tenant} g ${groupID}`);
    this.caughtUp(tenant, groupID);
  }
  /** Joined groups stay behind until {@link caughtUp}; what comes meanwhile is what the test delivers. */
  catchesUp = false;
  readonly #behind = new Map<string, () => void>();
  caughtUp(tenant: string, groupID: string): void {
    const onCaughtUp = this.#behind.get(`${tenant} g ${groupID}`);
    this.#behind.delete(`${tenant} g ${groupID}`);
    onCaughtUp?.();
  }
  /** What {@link generation} answers. */
  knownGeneration = 0;
  async allPartitionsOwned(): Promise<void> {}
  generation(): number {
    return this.knownGeneration;
  }
  async barrier(): Promise<void> {
    this.barriers++;
    await this.barrierAnswer();
  }
  async stop(): Promise<void> {
    this.targets.clear();
  }

  /** Publishes one delivery. @returns whether there was a subscriber. */
  deliver(fields: Partial<log.Delivery>): boolean {
    const delivery = make('log.Delivery', {
      version: 1,
      tenant: 'default',
      operationID: 'op-push',
      msgData: Buffer.from([0x0a, 0x01, 0x61]),
      position: ++this.#position,
      ...fields,
    });
    const { tenant, targetUserID, targetGroupID } = delivery;
    const target = targetUserID !== '' ? `${tenant} u ${targetUserID}` : `${tenant} g ${targetGroupID}`;
    if (!this.targets.has(target)) return false;
    this.#options.onDelivery(delivery, Buffer.alloc(0));
    return true;
  }

  gap(reason: string): void {
    this.#options.onGap(reason);
  }
}

/** Events of one process. */
export class FakeEvents {
  readonly #kicks = new Set<(tenant: TenantId, kick: event.Kick) => void>();
  readonly #presence = new Map<string, Set<(presence: event.Presence) => void>>();
  readonly #missed = new Set<() => void>();

  subscribeAllKicks(handler: (tenant: TenantId, kick: event.Kick) => void): () => void {
    this.#kicks.add(handler);
    return () => {
      this.#kicks.delete(handler);
    };
  }
  subscribePresence(
    tenant: TenantId,
    userID: string,
    handler: (presence: event.Presence) => void,
  ): () => void {
    return add(this.#presence, `${tenant} ${userID}`, handler);
  }
  onMissed(handler: () => void): () => void {
    this.#missed.add(handler);
    return () => {
      this.#missed.delete(handler);
    };
  }

  kick(fields: Partial<event.Kick>): void {
    const kick = make('event.Kick', { tenant: 'default', ...fields });
    for (const handler of this.#kicks) handler(tenantId(kick.tenant), kick);
  }
  presence(fields: Partial<event.Presence>): void {
    const presence = make('event.Presence', { tenant: 'default', ...fields });
    for (const handler of this.#presence.get(`${presence.tenant} ${presence.userID}`) ?? [])
      handler(presence);
  }
  missed(): void {
    for (const handler of this.#missed) handler();
  }
  get subscriptions(): number {
    return [...this.#presence.values()].reduce((n, set) => n + set.size, 0);
  }
}

function add<T>(map: Map<string, Set<T>>, key: string, handler: T): () => void {
  const handlers = map.get(key) ?? new Set();
  map.set(key, handlers);
  handlers.add(handler);
  return () => {
    handlers.delete(handler);
  };
}
