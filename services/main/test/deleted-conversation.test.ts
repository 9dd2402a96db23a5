import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus, MessageLog } from '@im/bus';
import { parseConfig, tenantId } from '@im/contract';
import { type Backend, startMongo, startNats, startRedis } from '@im/dev-stores';
import { systemContext, withCaller } from '@im/kit';
import { silentLogger } from '@im/process';
import { make } from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';
import { type RunningServer, runServer } from '../src/index.ts';

const DOMAINS = ['user', 'msg', 'conversation', 'group', 'relation'];
const TENANT = tenantId('one');
let dir: string;
let backends: Backend[];
let server: RunningServer;
let rpc: RpcRegistry;

/** Messages wait here between their checks and the log. */
const gate = { open: Promise.resolve(), reached() {} };

/** The bus, with messages kept back at the gate. */
function gated(bus: Bus): Bus {
  const append: MessageLog['append'] = async (tenant, partition, record, options) => {
    if (Buffer.from(record).includes('"content"')) {
      gate.reached();
      await gate.open;
    }
    return bus.log.append(tenant, partition, record, options);
  };
  const bound = <T extends object>(original: T, members: Partial<T>): T =>
    new Proxy(original, {
      get(target, property) {
        if (property in members) return Reflect.get(members, property);
        const member: unknown = Reflect.get(target, property, target);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  return bound(bus, { log: bound(bus.log, { append }) });
}

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'im-deleted-'));
  backends = await Promise.all([
    startNats({ dir: join(dir, 'nats') }),
    startMongo({ dir: join(dir, 'mongo') }),
    startRedis({ dir: join(dir, 'redis') }),
  ]);
  const [nats, mongo, redis] = backends.map(({ uri }) => uri);
  const config = parseConfig({
    listen: { host: '127.0.0.1' },
    ops: { port: 0 },
    nats: { servers: [nats] },
    mongo: { uri: mongo, database: 'deleted' },
    redis: { uri: redis },
    rpc: { encodeInProcess: true, domains: Object.fromEntries(DOMAINS.map((name) => [name, { port: 0 }])) },
    tenants: [{ id: TENANT, tokenSecret: 's', adminSecret: 's' }],
  });
  server = await runServer(config, {
    roles: [...DOMAINS, 'transfer'],
    log: silentLogger(),
    overrides: {
      bus: gated,
      async module(name, load) {
        const usual = await load();
        if (name !== 'conversation') return usual;
        return {
          ...usual,
          create(settings, deps) {
            rpc = deps.rpc;
            return usual.create(settings, deps);
          },
        };
      },
    },
  });
  await server.untilReady(AbortSignal.timeout(60_000));
  const users = ['a', 'b'].map((userID) => make('sdkws.UserInfo', { userID, nickname: userID }));
  const admin = withCaller(systemContext(TENANT, 'op'), {
    opUserID: 'imAdmin',
    opPlatformID: 10,
    opAdmin: true,
  });
  await rpc.client('user').userRegister(admin, make('user.UserRegisterReq', { users }));
});
after(async () => {
  await server?.stop();
  for (const backend of backends ?? []) await backend.kill();
  await rm(dir, { recursive: true, force: true });
});

const as = (opUserID: string) =>
  withCaller(systemContext(TENANT, `op-${opUserID}`), { opUserID, opPlatformID: 1, opAdmin: false });

function send(words: string) {
  const msgData = make('sdkws.MsgData', {
    sendID: 'a',
    recvID: 'b',
    clientMsgID: words,
    sessionType: 1,
    contentType: 101,
    content: Buffer.from(JSON.stringify({ content: words })),
  });
  return rpc.client('msg').sendMsg(as('a'), make('msg.SendMsgReq', { msgData }));
}

/** The conversations that b has, with the number of messages in each. */
async function listOfB(): Promise<[string, number][]> {
  const request = make('conversation.GetAllConversationsReq', { ownerUserID: 'b' });
  const { conversations } = await rpc.client('conversation').getAllConversations(as('b'), request);
  const conversationIDs = conversations.map(({ conversationID }) => conversationID);
  if (conversationIDs.length === 0) return [];
  const { seqs } = await rpc
    .client('msg')
    .getConversationsHasReadAndMaxSeq(
      as('b'),
      make('msg.GetConversationsHasReadAndMaxSeqReq', { userID: 'b', conversationIDs }),
    );
  return conversationIDs.map((id) => [id, seqs[id]?.maxSeq ?? 0]);
}

async function untilListed(count: number): Promise<void> {
  for (const deadline = Date.now() + 60_000; ; await sleep(20)) {
    const list = await listOfB();
    if (list.some(([id, max]) => id === 'si_a_b' && max === count)) return;
    if (Date.now() > deadline) assert.fail(`b has ${JSON.stringify(list)}`);
  }
}

test('a message that was checked before its receiver deleted the conversation brings it back', async () => {
  await send('one');
  await untilListed(1);
  // The check of this one finds both records, and keeps a copy of what it found.
  await send('two');
  await untilListed(2);

  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
  Object.assign(gate, { open: opened, reached: reach });
  const sending = send('three');
  await reached;
  await rpc
    .client('conversation')
    .deleteConversations(
      as('b'),
      make('conversation.DeleteConversationsReq', { ownerUserID: 'b', conversationIDs: ['si_a_b'] }),
    );
  assert.deepEqual(await listOfB(), []);
  open();
  await sending;
  await untilListed(3);
});
