import { after, before, beforeEach } from 'node:test';
import type { TenantId } from '@im/contract';
import type { BackendTypes } from '@im/dev-stores';
import type { CallContext } from '@im/kit';
import { type event, type Messages, make } from '@im/protocol';
import {
  as,
  newCluster,
  startDomain,
  startStores,
  TENANTS,
  type TestCluster,
  type TestDomain,
  type TestStores,
} from '@im/testing';
import { userService } from '../src/index.ts';

/** The second tenant has its own database. */
export const [T1, T2] = TENANTS;
/** A gateway that was silent for longer than this is dead. */
export const LIMIT_MS = 6_000;
/** Commands that a user may keep. */
export const MOST_COMMANDS = 5;

/** The user domain as one process runs it, and what it published. */
export interface UserProcess extends TestDomain<'user'> {
  readonly presences: event.Presence[];
  /** `relation u1` or `group u1` for each profile change that those domains were notified of. */
  readonly fanOut: string[];
}

/** Starts one process; with NATS, presence and invalidations travel by it. */
export async function startUser(stores: Partial<BackendTypes>, cluster: TestCluster): Promise<UserProcess> {
  const presences: event.Presence[] = [];
  const fanOut: string[] = [];
  const secrets = { tokenSecret: 's', adminSecret: 's' };
  const domain = await startDomain(userService, {
    stores,
    cluster,
    tenants: [
      { id: T1, ...secrets },
      { id: T2, placement: 'Dedicated', adminUserIDs: ['boss', 'deputy'], ...secrets },
    ],
    config: {
      gateway: { presence: { limitMs: LIMIT_MS } },
      limits: { userCommands: MOST_COMMANDS },
    },
    fakes: {
      relation: {
        async userProfileChanged(_ctx, { userID }) {
          fanOut.push(`relation ${userID}`);
          return make('relation.UserProfileChangedResp');
        },
      },
      group: {
        async userProfileChanged(_ctx, { userID }) {
          fanOut.push(`group ${userID}`);
          return make('group.UserProfileChangedResp');
        },
      },
    },
    bus: () => ({
      events: {
        publishPresence: (_tenant: TenantId, presence: event.Presence) => presences.push(presence),
      },
    }),
  });
  return { ...domain, presences, fanOut };
}

/** Two processes of one cluster for all tests of a file; what the first one sent is forgotten before each. */
export function describeUsers(): [UserProcess, UserProcess] {
  const processes = [{}, {}] as [UserProcess, UserProcess];
  let stores: TestStores<'mongo' | 'redis'>;
  before(async () => {
    stores = await startStores('mongo', 'redis');
    const cluster = newCluster();
    for (const process of processes) Object.assign(process, await startUser(stores, cluster));
  });
  after(async () => {
    for (const process of processes) await process[Symbol.asyncDispose]?.();
    await stores?.stop();
  });
  beforeEach(() => {
    for (const { takeSent, presences, fanOut } of processes) {
      takeSent();
      presences.length = 0;
      fanOut.length = 0;
    }
  });
  return processes;
}

/** A call by a user, or by an administrator. */
export function by(userID: string, tenant: TenantId = T1): CallContext {
  return as(tenant, userID, userID === 'imAdmin', { timeoutMs: 300_000 });
}

/** Registers users; each has the nickname `<id> N` unless it is given one. */
export async function register(
  { user }: UserProcess,
  ...users: Partial<Messages['sdkws.UserInfo']>[]
): Promise<void> {
  const list = users.map((info) => make('sdkws.UserInfo', { nickname: `${info.userID} N`, ...info }));
  await user.userRegister(by('imAdmin'), make('user.UserRegisterReq', { users: list }));
}

/** Where a page begins, and how long it is. */
export function page(pageNumber: number, showNumber: number) {
  return make('sdkws.RequestPagination', { pageNumber, showNumber });
}
