import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bus, MessageLog } from '@im/bus';
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
import { decode, ERR, ImError, type log, make, type msg, type sdkws } from '@im/protocol';
import { createRpc, type DomainService } from '@im/rpc';
import { createStore, type Store, userRepo } from '@im/store';
import { conversationService } from '../src/index.ts';

/** A notification that the domain sent. */
export interface SentNotification {
  readonly tenant: TenantId;
  readonly request: msg.SendNotificationReq;
  /** The tips, parsed. */
  readonly tips: Record<string, unknown>;
}

/** The domain on a real store, with a message domain that records. Calls are encoded as between processes. */
export interface Harness extends AsyncDisposable {
  readonly conversation: DomainService<'conversation'>;
  readonly store: Store;
  /** Where everybody is in conversations, as the message domain answers. */
  readonly positions: Map<string, Partial<msg.Seqs>>;
  /** Last messages that the message domain answers. */
  readonly messages: Map<string, Partial<sdkws.MsgData>>;
  /** Records that the domain wrote into the message log, with their partitions. */
  readonly logged: { readonly partition: number; readonly record: log.Record }[];
  /** Has the log refuse what is written, or take it again. */
  refuseLog(refuse: boolean): void;
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
  const dir = await mkdtemp(join(tmpdir(), 'im-conversation-'));
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
    mongo: { uri: mongo.uri, database: 'conversation' },
    redis: { uri: 'redis://127.0.0.1:1' },
  });
  const base = { log, metrics, background, tenants, invalidations };
  const store = createStore(config, base);
  const rpc = createRpc(config, { log, metrics, serve: false });
  let sent: SentNotification[] = [];
  const positions = new Map<string, Partial<msg.Seqs>>();
  const messages = new Map<string, Partial<sdkws.MsgData>>();
  const recorder: Partial<DomainService<'msg'>> = {
    async sendNotification({ tenant }, request) {
      sent.push({ tenant, request, tips: JSON.parse(request.detail) });
      return make('msg.SendNotificationResp');
    },
    async getConversationsHasReadAndMaxSeq(_ctx, { conversationIDs }) {
      assert.ok(conversationIDs.length > 0, 'an empty list would mean all');
      const seqs = Object.fromEntries(
        conversationIDs.map((id) => [id, make('msg.Seqs', positions.get(id) ?? {})]),
      );
      return make('msg.GetConversationsHasReadAndMaxSeqResp', { seqs });
    },
    async getLastMessage(_ctx, { conversationIDs, skipDeleted }) {
      assert.ok(skipDeleted, 'lists show what the user still has');
      const found = conversationIDs.filter((id) => messages.has(id));
      // An answer holds what fits; the rest comes when it is asked for.
      const fitting = found.slice(0, 2);
      const msgs = Object.fromEntries(fitting.map((id) => [id, make('sdkws.MsgData', messages.get(id))]));
      return make('msg.GetLastMessageResp', { msgs, cut: found.slice(2) });
    },
  };
  rpc.bind('msg', recorder as DomainService<'msg'>);
  const groups: Partial<DomainService<'group'>> = {
    async getGroupsInfo(_ctx, { groupIDs }) {
      const groupInfos = groupIDs.map((groupID) =>
        make('sdkws.GroupInfo', {
          groupID,
          groupName: `G${groupID}`,
          memberCount: 3,
          // As much as the texts of a group may take.
          introduction: groupID.startsWith('huge') ? '\u4e2d'.repeat(80_000) : '',
        }),
      );
      return make('group.GetGroupsInfoResp', { groupInfos });
    },
  };
  rpc.bind('group', groups as DomainService<'group'>);
  const logged: Harness['logged'] = [];
  let refused = false;
  const bus: Pick<Bus, 'partitionOf'> & { log: Pick<MessageLog, 'append'> } = {
    partitionOf: (queueKey) => queueKey.length % 64,
    log: {
      async append(_tenant, partition, record) {
        if (refused) throw new ImError(ERR.NetworkError, 'the log is away');
        logged.push({ partition, record: decode('log.Record', record) });
        return { position: logged.length };
      },
    },
  };
  const { signal } = new AbortController();
  const deps = {
    ...base,
    bus: bus as Bus,
    store,
    rpc,
    ops: { handle: () => {} },
    instanceId: 'test',
    signal,
  };
  const service = await conversationService.create(config, deps);
  await store.start();
  await service.start();
  for (const end = Date.now() + 60_000; !store.ready().ready; await sleep(20)) {
    if (Date.now() > end) throw new Error(store.ready().reason);
  }
  return {
    conversation: rpc.client('conversation'),
    store,
    positions,
    messages,
    logged,
    refuseLog(refuse) {
      refused = refuse;
    },
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
