import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig, type TenantId, tenantId, tenantSettings } from '@im/contract';
import { startMongo, startRedis } from '@im/dev-stores';
import { type CallContext, inProcessInvalidations, sleep, staticTenants } from '@im/kit';
import { createBackground, createMetrics, silentLogger } from '@im/process';
import { make, type msg, type sdkws } from '@im/protocol';
import { createRpc, type DomainService, type RpcRegistry } from '@im/rpc';
import {
  conversationSettingsChanges,
  createStore,
  groupMemberChanges,
  groupRepo,
  type Store,
  userRepo,
} from '@im/store';
import { type MsgServiceDeps, msgService } from '../src/index.ts';
import { type FoldingLog, foldingLog } from './folding-log.ts';

/** Two tenants with the same ids; the second has a database of its own. */
export const ONE = tenantId('one');
export const TWO = tenantId('two');

/** The msg domain on real stores. */
export interface Fixture {
  readonly msg: DomainService<'msg'>;
  readonly store: Store;
  readonly log: FoldingLog;
  /** What the conversation domain answers to new lower bounds instead of doing it. */
  refuseMinSeqs: Error | undefined;
  stop(): Promise<void>;
}

/** Starts everything; the users u1..u9, a, b, c and imAdmin exist in both tenants. */
export async function startFixture(): Promise<Fixture> {
  const dir = await mkdtemp(join(tmpdir(), 'im-msg-'));
  const mongo = await startMongo({ dir: join(dir, 'mongo') });
  const redis = await startRedis({ dir: join(dir, 'redis') });
  const log = silentLogger();
  const metrics = createMetrics();
  const background = createBackground({ log, metrics });
  const tenants = staticTenants([
    tenantSettings({ id: ONE, tokenSecret: 's', adminSecret: 's' }),
    tenantSettings({ id: TWO, tokenSecret: 's', adminSecret: 's', placement: 'Dedicated' }),
  ]);
  const invalidations = inProcessInvalidations();
  const database = `msg_${Date.now().toString(36)}`;
  const store = createStore(
    { mongo: { uri: mongo.uri, database, maxPoolSize: 20 }, redis: { uri: redis.uri } },
    { log, metrics, background, tenants, invalidations },
  );
  await store.start();
  for (let i = 0; i < 500 && !(store.ready().ready && store.redis.up); i++) await sleep(20);
  const folding = foldingLog(store);
  const config = parseConfig({ rpc: { encodeInProcess: true } });
  const rpc = createRpc(config, { log, metrics, serve: false });
  bindConversation(rpc, store, () => fixture.refuseMinSeqs);
  const deps = { rpc, store, bus: folding.bus, log, metrics, tenants, background, invalidations };
  await msgService.create(config, deps as unknown as MsgServiceDeps);
  for (const tenant of [ONE, TWO]) await seedUsers(store, tenant);
  const fixture: Fixture = {
    msg: rpc.client('msg'),
    store,
    log: folding,
    refuseMinSeqs: undefined,
    async stop() {
      await background.stop();
      await store.stop(AbortSignal.timeout(5_000));
      if (mongo.pid !== undefined) await mongo.kill();
      if (redis.pid !== undefined) await redis.kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return fixture;
}

/** The part of the conversation domain that msg calls. */
function bindConversation(rpc: RpcRegistry, store: Store, refusal: () => Error | undefined): void {
  const records = conversationSettingsChanges(store);
  const methods: Pick<DomainService<'conversation'>, 'setMinSeqs' | 'setGroupAtType'> = {
    async setMinSeqs(ctx, { ownerUserID, minSeqs }) {
      const error = refusal();
      if (error) throw error;
      await records.setMinSeqs(
        ctx.tenant,
        ownerUserID,
        minSeqs.map(({ conversationID, minSeq }) => ({ conversationID, minSeq })),
      );
      return make('conversation.SetMinSeqsResp');
    },
    async setGroupAtType(ctx, { groupID, groupAtType, userIDs, exceptUserIDs }) {
      const owners = userIDs.length > 0 ? { only: userIDs } : { except: exceptUserIDs };
      await records.setGroupAtType(ctx.tenant, `sg_${groupID}`, groupAtType, owners);
      return make('conversation.SetGroupAtTypeResp');
    },
  };
  rpc.bind('conversation', methods as DomainService<'conversation'>);
}

async function seedUsers(store: Store, tenant: TenantId): Promise<void> {
  const ids = ['a', 'b', 'c', 'b_c', 'a_b', 'imAdmin', ...Array.from({ length: 9 }, (_, i) => `u${i + 1}`)];
  await userRepo(store).insert(
    tenant,
    ids.map((userID) => ({
      userID,
      nickname: `Name of ${userID}`,
      faceURL: '',
      ex: '',
      createTime: 1,
      appMangerLevel: 0,
      globalRecvMsgOpt: 0,
    })),
  );
}

/** A call by a user. */
export function by(userID: string, change: Partial<CallContext> = {}): CallContext {
  return {
    tenant: ONE,
    operationID: `op-${Math.random().toString(36).slice(2)}`,
    deadline: Date.now() + 30_000,
    opUserID: userID,
    opPlatformID: 2,
    opAdmin: false,
    connID: 'conn',
    ...change,
  };
}

/** A call by an administrator. */
export function byAdmin(change: Partial<CallContext> = {}): CallContext {
  return by('imAdmin', { opAdmin: true, connID: '', ...change });
}

/** A text message of a single chat. */
export function text(sendID: string, recvID: string, words: string, change: Partial<sdkws.MsgData> = {}) {
  return make('sdkws.MsgData', {
    sendID,
    recvID,
    clientMsgID: `${sendID}-${Math.random()}`,
    sessionType: 1,
    contentType: 101,
    content: Buffer.from(JSON.stringify({ content: words })),
    senderNickname: `Name of ${sendID}`,
    createTime: Date.now(),
    status: 1,
    ...change,
  });
}

/** A text message of a group. */
export function groupText(
  sendID: string,
  groupID: string,
  words: string,
  change: Partial<sdkws.MsgData> = {},
) {
  return text(sendID, '', words, { groupID, sessionType: 3, ...change });
}

/** Sends by a batch, as gateways do. */
export async function send(fixture: Fixture, m: sdkws.MsgData, ctx = by(m.sendID)): Promise<msg.SendMsgResp> {
  const { msg: client } = fixture;
  return client.sendMsg(ctx, make('msg.SendMsgReq', { msgData: m }));
}

/** Makes a group with its members by the record that a real creation writes. The first is the owner, the second an admin. */
export async function makeGroup(fixture: Fixture, groupID: string, userIDs: readonly string[], tenant = ONE) {
  const { store, msg: client } = fixture;
  await groupRepo(store).insert(tenant, {
    groupID,
    groupName: `Group ${groupID}`,
    notification: '',
    introduction: '',
    faceURL: '',
    ex: '',
    status: 0,
    creatorUserID: userIDs[0] ?? '',
    groupType: 2,
    needVerification: 0,
    lookMemberInfo: 0,
    applyMemberFriend: 0,
    createTime: 1,
    notificationUpdateTime: 0,
    notificationUserID: '',
  });
  await groupMemberChanges(store).add(
    tenant,
    groupID,
    userIDs.map((userID, i) => ({
      groupID,
      userID,
      nickname: '',
      faceURL: '',
      roleLevel: [100, 60][i] ?? 20,
      joinTime: 1,
      joinSource: 2,
      inviterUserID: '',
      operatorUserID: '',
      muteEndTime: 0,
      ex: '',
    })),
  );
  await client.sendNotification(
    by(userIDs[0] ?? '', { tenant }),
    make('msg.SendNotificationReq', {
      contentType: 1501,
      sessionType: 3,
      sendID: userIDs[0] ?? '',
      recvID: groupID,
      detail: '{}',
      addedUserIDs: [...userIDs],
    }),
  );
}

/** Takes a member out by the record that a real departure writes. */
export async function leaveGroup(fixture: Fixture, groupID: string, userID: string): Promise<void> {
  await groupMemberChanges(fixture.store).remove(ONE, groupID, [userID]);
  await fixture.msg.sendNotification(
    by(userID),
    make('msg.SendNotificationReq', {
      contentType: 1504,
      sessionType: 3,
      sendID: userID,
      recvID: groupID,
      detail: '{}',
      removedUserIDs: [userID],
    }),
  );
}

/** Words of a text message; undefined for anything else. */
export function wordsOf(m: sdkws.MsgData): string | undefined {
  return m.content.length === 0 ? undefined : JSON.parse(Buffer.from(m.content).toString()).content;
}
