import { parseConfig, type TenantSettingsInput, tenantId, tenantSettings } from '@im/contract';
import { type CallContext, createUserLimit, staticTenants } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { decode, type log, make, type sdkws } from '@im/protocol';
import type { GroupMember } from '@im/store';
import {
  createMessageSender,
  type MessageSender,
  type MessageSenderDeps,
} from '../src/send/message-sender.ts';

/** The tenant of the fakes. */
export const TENANT = tenantId('t1');

/** A call by a user; by an administrator when `opAdmin`. */
export function callBy(opUserID: string, change: Partial<CallContext> = {}): CallContext {
  return {
    tenant: TENANT,
    operationID: 'op-1',
    deadline: Date.now() + 10_000,
    opUserID,
    opPlatformID: 5,
    opAdmin: false,
    connID: 'conn-1',
    ...change,
  };
}

/** The fixture that the checks see; everything is small and changeable. */
export interface SenderFixture {
  users: Record<string, { level?: number; opt?: number }>;
  blocked: Set<string>;
  friends: Set<string>;
  recvOpts: Record<string, number>;
  groups: Record<string, { status?: number; groupType?: number }>;
  members: Record<string, Partial<GroupMember>>;
}

/** Users a, b, c and the account `acc`; group g with owner a, admin b, member c. */
export function smallFixture(): SenderFixture {
  return {
    users: { a: {}, b: {}, c: {}, acc: { level: 3 }, boss: { level: 2 }, imAdmin: {} },
    blocked: new Set(),
    friends: new Set(),
    recvOpts: {},
    groups: { g: {} },
    members: { 'g/a': { roleLevel: 100 }, 'g/b': { roleLevel: 60 }, 'g/c': { roleLevel: 20 } },
  };
}

/** What went out of a fake sender. */
export interface FakeSender {
  readonly sender: MessageSender;
  readonly records: log.Record[];
  readonly transient: { userID?: string; groupID?: string; delivery: log.Delivery; message: sdkws.MsgData }[];
  /** Makes the log refuse. */
  failure: Error | undefined;
}

/** A sender over a fixture, with a log that remembers. */
export function fakeSender(fixture: SenderFixture, settings: Partial<TenantSettingsInput> = {}): FakeSender {
  const metrics = createMetrics();
  const log = silentLogger();
  const out: FakeSender = {
    sender: undefined as unknown as MessageSender,
    records: [],
    transient: [],
    failure: undefined,
  };
  const tenants = staticTenants([
    tenantSettings({ id: TENANT, tokenSecret: 's', adminSecret: 's', ...settings }),
  ]);
  const { limits } = parseConfig({});
  const parts = {
    limits: { take: () => {} },
    parked: { check: () => undefined },
    webhooks: { enabled: () => false, before: async () => undefined, after: async () => {} },
    store: {},
    mentionAll: createUserLimit('mentionAll', { tenants, metrics, limits: () => limits }),
    tenants,
    metrics,
    log,
    tasks: createTaskRunner({ log, metrics }),
    rpc: {
      client: () => ({
        setGroupAtType: async () => make('conversation.SetGroupAtTypeResp'),
      }),
    },
    bus: {
      partitionOf: () => 0,
      log: {
        async append(_tenant: string, _partition: number, bytes: Uint8Array) {
          if (out.failure) throw out.failure;
          out.records.push(decode('log.Record', bytes));
          return { position: out.records.length };
        },
      },
      deliveries: {
        publishTransient(outgoing: { targetUserID?: string; targetGroupID?: string; payload: Uint8Array }) {
          const delivery = decode('log.Delivery', outgoing.payload);
          const message = decode('sdkws.MsgData', delivery.msgData);
          const { targetUserID: userID, targetGroupID: groupID } = outgoing;
          out.transient.push({ userID, groupID, delivery, message });
        },
      },
    },
    users: {
      async get(_tenant: string, userID: string) {
        const user = fixture.users[userID];
        if (!user) return undefined;
        return make('sdkws.UserInfo', {
          userID,
          appMangerLevel: user.level ?? 0,
          globalRecvMsgOpt: user.opt ?? 0,
        });
      },
    },
    blacks: {
      isBlocked: async (_t: string, owner: string, who: string) => fixture.blocked.has(`${owner}/${who}`),
    },
    friends: {
      isFriend: async (_t: string, owner: string, who: string) => fixture.friends.has(`${owner}/${who}`),
    },
    conversationSettings: {
      recvMsgOpt: async (_t: string, owner: string, id: string) => fixture.recvOpts[`${owner}/${id}`],
    },
    groups: {
      async get(_t: string, groupID: string) {
        const group = fixture.groups[groupID];
        return group && { groupID, status: 0, groupType: 2, ...group };
      },
    },
    members: {
      memberVersions: { known: () => 0 },
      async get(_t: string, groupID: string, userID: string) {
        const member = fixture.members[`${groupID}/${userID}`];
        return member && { groupID, userID, muteEndTime: 0, ...member };
      },
    },
  };
  // The fakes have the methods that sending uses, and no others.
  Object.assign(out, { sender: createMessageSender(parts as unknown as MessageSenderDeps) });
  return out;
}
