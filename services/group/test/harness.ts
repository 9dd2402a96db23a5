import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerConfig, type TenantId, tenantId, tenantSettings } from '@im/contract';
import { startMongo } from '@im/dev-stores';
import {
  type CallContext,
  inProcessInvalidations,
  type MutableTenantDirectory,
  sleep,
  staticTenants,
  background as systemContext,
  withCaller,
} from '@im/kit';
import { createBackground, createMetrics, silentLogger } from '@im/process';
import { type conversation, ERR, ImError, make, type msg } from '@im/protocol';
import { createRpc, type DomainService } from '@im/rpc';
import { createStore, type Store, userRepo } from '@im/store';
import { module } from '../src/index.ts';

/** A notification that the domain sent. */
export interface SentNotification {
  readonly tenant: TenantId;
  readonly request: msg.SendNotificationReq;
  /** The tips, parsed. */
  readonly tips: Record<string, unknown>;
}

/** The domain on a real store, with a message domain that records. Calls are encoded as between processes. */
export interface Harness extends AsyncDisposable {
  readonly group: DomainService<'group'>;
  readonly store: Store;
  readonly tenants: MutableTenantDirectory;
  /** Marks that conversations were given. */
  readonly marks: conversation.SetGroupAtTypeReq[];
  /** Registers users with nickname `N<id>`. */
  addUsers(tenant: TenantId, ...userIDs: string[]): Promise<void>;
  /** Notifications since the last call, in the order of sending. */
  takeSent(): SentNotification[];
  /** From now on the message domain refuses notifications, or takes them again. */
  refuse(on: boolean): void;
  /** A further process of the domain, on the same store or what stands for it; it relays nothing. */
  another(store?: Store): Promise<DomainService<'group'>>;
}

/** Two tenants. */
export const TENANTS: readonly [TenantId, TenantId] = [tenantId('t1'), tenantId('t2')];

/** The call of a user, or of an administrator. */
export function as(tenant: TenantId, opUserID: string, opAdmin = false): CallContext {
  return withCaller(systemContext(tenant, 'op'), { opUserID, opPlatformID: 5, opAdmin });
}

/** The call must be refused with this code. */
export async function refuses(code: number, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof ImError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

/** Content type, sender, receiver: what a test compares first. */
export function route({ request }: SentNotification): string {
  return `${request.contentType} ${request.sendID}>${request.recvID}`;
}

/** Starts everything. */
export async function startHarness(): Promise<Harness> {
  const dir = await mkdtemp(join(tmpdir(), 'im-group-'));
  const mongo = await startMongo({ dir });
  const log = silentLogger();
  const metrics = createMetrics();
  const background = createBackground({ log, metrics });
  const tenants = staticTenants(
    TENANTS.map((id) => tenantSettings({ id, tokenSecret: 's', adminSecret: 's' })),
  );
  const invalidations = inProcessInvalidations();
  const config = ServerConfig.parse({
    rpc: { encodeInProcess: true },
    mongo: { uri: mongo.uri, database: 'group' },
    redis: { uri: 'redis://127.0.0.1:1' },
  });
  const base = { log, metrics, background, tenants, invalidations };
  const store = createStore(config, base);
  const rpc = createRpc(config, { log, metrics, serve: false });
  let sent: SentNotification[] = [];
  let refusing = false;
  const recorder: Partial<DomainService<'msg'>> = {
    async sendNotification({ tenant }, request) {
      if (refusing) throw new ImError(ERR.NetworkError, 'the log is away');
      sent.push({ tenant, request, tips: JSON.parse(request.detail) });
      return make('msg.SendNotificationResp');
    },
  };
  rpc.bind('msg', recorder as DomainService<'msg'>);
  const marks: conversation.SetGroupAtTypeReq[] = [];
  const marker: Partial<DomainService<'conversation'>> = {
    async setGroupAtType(_ctx, request) {
      marks.push(request);
      return make('conversation.SetGroupAtTypeResp');
    },
  };
  rpc.bind('conversation', marker as DomainService<'conversation'>);
  const { signal } = new AbortController();
  const deps = { ...base, store, rpc, ops: { handle: () => {} }, instanceId: 'test', signal };
  const service = await module.create(config, deps);
  await store.start();
  await service.start();
  for (const end = Date.now() + 60_000; !store.ready().ready; await sleep(20)) {
    if (Date.now() > end) throw new Error(store.ready().reason);
  }
  return {
    group: rpc.client('group'),
    store,
    tenants,
    marks,
    async addUsers(tenant, ...userIDs) {
      const taken = await userRepo(store).insert(
        tenant,
        userIDs.map((userID) => ({
          userID,
          nickname: `N${userID}`,
          faceURL: `F${userID}`,
          ex: '',
          createTime: 1,
          appMangerLevel: 0,
          globalRecvMsgOpt: 0,
        })),
      );
      assert.deepEqual(taken, []);
    },
    takeSent() {
      const taken = sent;
      sent = [];
      return taken;
    },
    refuse(on) {
      refusing = on;
    },
    async another(of = store) {
      const own = createRpc(config, { log, metrics: createMetrics(), serve: false });
      own.bind('msg', recorder as DomainService<'msg'>);
      await module.create(config, { ...deps, store: of, rpc: own, metrics: createMetrics() });
      return own.client('group');
    },
    async [Symbol.asyncDispose]() {
      await service.stop(AbortSignal.timeout(1_000));
      await background.stop();
      await store.stop(AbortSignal.timeout(1_000));
      await mongo.kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
