import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerConfig, type TenantId, tenantId, tenantSettings } from '@im/contract';
import { startMongo } from '@im/dev-stores';
import {
  type CallContext,
  inProcessInvalidations,
  sleep,
  staticTenants,
  background as systemContext,
  withCaller,
} from '@im/kit';
import { createBackground, createMetrics, silentLogger } from '@im/process';
import { ImError, make, type msg } from '@im/protocol';
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
  readonly relation: DomainService<'relation'>;
  readonly store: Store;
  /** Registers users with nickname `N<id>`. */
  addUsers(tenant: TenantId, ...userIDs: string[]): Promise<void>;
  /** Notifications since the last call, in the order of sending. */
  takeSent(): SentNotification[];
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
  const dir = await mkdtemp(join(tmpdir(), 'im-relation-'));
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
    mongo: { uri: mongo.uri, database: 'relation' },
    redis: { uri: 'redis://127.0.0.1:1' },
  });
  const base = { log, metrics, background, tenants, invalidations };
  const store = createStore(config, base);
  const rpc = createRpc(config, { log, metrics, serve: false });
  let sent: SentNotification[] = [];
  const recorder: Partial<DomainService<'msg'>> = {
    async sendNotification({ tenant }, request) {
      sent.push({ tenant, request, tips: JSON.parse(request.detail) });
      return make('msg.SendNotificationResp');
    },
  };
  rpc.bind('msg', recorder as DomainService<'msg'>);
  const { signal } = new AbortController();
  const deps = { ...base, store, rpc, ops: { handle: () => {} }, instanceId: 'test', signal };
  const service = await module.create(config, deps);
  await store.start();
  await service.start();
  for (const end = Date.now() + 60_000; !store.ready().ready; await sleep(20)) {
    if (Date.now() > end) throw new Error(store.ready().reason);
  }
  return {
    relation: rpc.client('relation'),
    store,
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
    async [Symbol.asyncDispose]() {
      await service.stop(AbortSignal.timeout(1_000));
      await background.stop();
      await store.stop(AbortSignal.timeout(1_000));
      await mongo.kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
