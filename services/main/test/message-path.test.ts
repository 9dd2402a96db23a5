import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseConfig, tenantId } from '@im/contract';
import { type Backend, startMongo, startNats, startRedis } from '@im/dev-stores';
import type { CallContext } from '@im/kit';
import { READY, type ServiceModule, silentLogger } from '@im/process';
import { decode, encode, ImError, make, type msg, type sdkws } from '@im/protocol';
import type { DomainService, RpcRegistry } from '@im/rpc';
import { conversationSettingsChanges } from '@im/store';
import { type ProcessDeps, type RunningServer, runServer } from '../src/index.ts';

/** Stands in for the conversation domain: the one method that this test calls, and the way to the others. */
let rpc: RpcRegistry;
const records: ServiceModule<ProcessDeps> = {
  name: 'conversation',
  requires: ['rpc', 'store'],
  settings: [],
  async create(_config, deps) {
    rpc = deps.rpc;
    const changes = conversationSettingsChanges(deps.store);
    const methods: Pick<DomainService<'conversation'>, 'deleteConversations'> = {
      async deleteConversations({ tenant }, { ownerUserID, conversationIDs }) {
        await changes.remove(tenant, ownerUserID, conversationIDs);
        return make('conversation.DeleteConversationsResp');
      },
    };
    rpc.bind('conversation', methods as DomainService<'conversation'>);
    return { start: async () => {}, stop: async () => {}, ready: () => READY };
  },
};

const ROLES = ['user', 'msg', 'conversation', 'group', 'relation'];
const [ONE, TWO] = [tenantId('one'), tenantId('two')];
let dir: string;
let backends: Backend[];
let nats: Backend;
let server: RunningServer;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'im-path-'));
  nats = await startNats({ dir: join(dir, 'nats') });
  const mongo = await startMongo({ dir: join(dir, 'mongo') });
  const redis = await startRedis({ dir: join(dir, 'redis') });
  backends = [nats, mongo, redis];
  const tenant = (id: string, placement: 'Shared' | 'Dedicated') => ({
    id,
    placement,
    tokenSecret: 's',
    adminSecret: 's',
  });
  const config = parseConfig({
    listen: { host: '127.0.0.1' },
    ops: { port: 0 },
    nats: { servers: [nats.uri] },
    mongo: { uri: mongo.uri, database: `path_${Date.now().toString(36)}` },
    redis: { uri: redis.uri },
    rpc: { encodeInProcess: true, domains: Object.fromEntries(ROLES.map((role) => [role, { port: 0 }])) },
    tenants: [tenant(ONE, 'Shared'), tenant(TWO, 'Dedicated')],
  });
  server = await runServer(config, {
    roles: [...ROLES, 'transfer'],
    log: silentLogger(),
    overrides: { module: async (name, load) => (name === 'conversation' ? records : load()) },
  });
  await server.untilReady(AbortSignal.timeout(30_000));
  for (const t of [ONE, TWO]) {
    const users = ['a', 'b', 'c'].map((userID) => make('sdkws.UserInfo', { userID, nickname: userID }));
    await rpc.client('user').userRegister(admin(t), make('user.UserRegisterReq', { users }));
  }
});
after(async () => {
  await server?.stop();
  for (const backend of backends ?? []) if (backend.pid !== undefined) await backend.kill();
  await rm(dir, { recursive: true, force: true });
});

function by(opUserID: string, tenant = ONE, change: Partial<CallContext> = {}): CallContext {
  return {
    tenant,
    operationID: `op-${Math.random().toString(36).slice(2)}`,
    deadline: Date.now() + 60_000,
    opUserID,
    opPlatformID: 1,
    opAdmin: false,
    connID: '',
    ...change,
  };
}
const admin = (tenant = ONE) => by('imAdmin', tenant, { opAdmin: true });

function text(sendID: string, recvID: string, words: string, clientMsgID = `c${Math.random()}`) {
  return make('sdkws.MsgData', {
    sendID,
    recvID,
    clientMsgID,
    sessionType: 1,
    contentType: 101,
    content: Buffer.from(JSON.stringify({ content: words })),
    status: 1,
  });
}
const client = () => rpc.client('msg');
const send = (message: sdkws.MsgData, tenant = ONE): Promise<msg.SendMsgResp> =>
  client().sendMsg(by(message.sendID, tenant), make('msg.SendMsgReq', { msgData: message }));

async function pulled(userID: string, conversationID: string, tenant = ONE): Promise<sdkws.MsgData[]> {
  const seqRanges = [make('sdkws.SeqRange', { conversationID, begin: 1, end: 10_000, num: 1_000 })];
  const request = make('sdkws.PullMessageBySeqsReq', { userID, seqRanges });
  const { msgs, notificationMsgs } = await client().pullMessageBySeqs(by(userID, tenant), request);
  const { Msgs = [] } = msgs[conversationID] ?? notificationMsgs[conversationID] ?? {};
  return Msgs.map((message) => decode('sdkws.MsgData', message));
}
/** Waits until a conversation has this many messages. */
async function untilPulled(userID: string, conversationID: string, count: number, tenant = ONE) {
  for (const deadline = Date.now() + 15_000; ; await sleep(20)) {
    const found = await pulled(userID, conversationID, tenant);
    if (found.length >= count || Date.now() > deadline) {
      assert.equal(found.length, count);
      return found;
    }
  }
}
const wordsOf = (message: sdkws.MsgData) => JSON.parse(Buffer.from(message.content).toString()).content;

test('what was acknowledged is stored once, in order, with gap-free seqs, in each tenant', async () => {
  const answers = [];
  for (let i = 1; i <= 30; i++) answers.push(await send(text('a', 'b', `m${i}`)));
  await send(text('a', 'b', 'other tenant'), TWO);
  const found = await untilPulled('b', 'si_a_b', 30);
  assert.deepEqual(
    found.map((message) => [message.seq, wordsOf(message), message.serverMsgID, message.sendTime]),
    answers.map(({ serverMsgID, sendTime }, i) => [i + 1, `m${i + 1}`, serverMsgID, sendTime]),
  );
  const [only] = await untilPulled('b', 'si_a_b', 1, TWO);
  assert.equal(only && wordsOf(only), 'other tenant');
});

test('one batch with the same message twice is stored once and answered alike', async () => {
  const message = text('a', 'c', 'twice', 'same-id');
  const item = make('msg.SendItem', {
    tenant: ONE,
    operationID: 'x',
    opUserID: 'a',
    msgData: encode('sdkws.MsgData', message),
  });
  const { results } = await client().sendMsgs(by(''), make('msg.SendMsgsReq', { items: [item, item] }));
  assert.equal(results[0]?.resp?.serverMsgID, results[1]?.resp?.serverMsgID);
  await send(text('a', 'c', 'last'));
  const found = await untilPulled('c', 'si_a_c', 2);
  assert.deepEqual(found.map(wordsOf), ['twice', 'last']);
});

test('a revocation, a receipt and a deletion reach the notification conversation in order', async () => {
  await untilPulled('b', 'si_a_b', 30);
  await client().revokeMsg(
    by('a'),
    make('msg.RevokeMsgReq', { conversationID: 'si_a_b', seq: 3, userID: 'a' }),
  );
  await client().markConversationAsRead(
    by('b'),
    make('msg.MarkConversationAsReadReq', { conversationID: 'si_a_b', userID: 'b', hasReadSeq: 30 }),
  );
  const told = await untilPulled('a', 'n_a_b', 2);
  assert.deepEqual(
    told.map(({ contentType }) => contentType),
    [2101, 2200],
  );
  const positions = await client().getConversationsHasReadAndMaxSeq(
    by('b'),
    make('msg.GetConversationsHasReadAndMaxSeqReq', { userID: 'b', conversationIDs: ['si_a_b'] }),
  );
  assert.deepEqual([positions.seqs.si_a_b?.hasReadSeq, positions.seqs.si_a_b?.maxSeq], [30, 30]);
  assert.equal((await pulled('b', 'si_a_b'))[2]?.contentType, 2101);
});

test('a conversation that its owner deleted comes back with the next message', async () => {
  await rpc
    .client('conversation')
    .deleteConversations(
      by('c'),
      make('conversation.DeleteConversationsReq', { ownerUserID: 'c', conversationIDs: ['si_a_c'] }),
    );
  assert.deepEqual(await pulled('c', 'si_a_c'), []);
  await send(text('a', 'c', 'hello again'));
  assert.equal((await untilPulled('c', 'si_a_c', 3)).length, 3);
});

test('while the log is away a send waits, and goes through when it is back', {
  timeout: 180_000,
}, async (t) => {
  if (!nats.managed) return t.skip('NATS is external');
  await nats.kill();
  const sending = send(text('b', 'c', 'patience'));
  const outcome = sending.then(
    () => 'sent',
    (error: unknown) => error,
  );
  await sleep(1_500);
  await nats.restart();
  assert.equal(await outcome, 'sent');
  assert.equal((await untilPulled('c', 'si_b_c', 1)).length, 1);

  await nats.kill();
  const startedAt = Date.now();
  await assert.rejects(
    send(text('b', 'c', 'too long')),
    (error: unknown) => error instanceof ImError && error.code === 90_004,
  );
  assert.ok(Date.now() - startedAt > 5_000 && Date.now() - startedAt < 60_000);
  await nats.restart();
});
