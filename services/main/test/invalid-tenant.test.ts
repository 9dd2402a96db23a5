import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ProcessStatus,
  type ServerConfigInput,
  type TenantId,
  type TenantSettingsInput,
  tenantId,
} from '@im/contract';
import { type Backend, startMongo, startNats, startRedis } from '@im/dev-stores';
import type { CallContext } from '@im/kit';
import { READY, readStartConfig, type ServiceModule, silentLogger, watchConfigFile } from '@im/process';
import { decode, make } from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';
import { type ProcessDeps, type RunningServer, runServer } from '../src/index.ts';

const ROLES = ['user', 'msg', 'conversation', 'group', 'relation'];
const [ONE, TWO] = [tenantId('one'), tenantId('two')];

/** Stands in for the conversation domain, which this test does not call, and gives the way to the others. */
let rpc: RpcRegistry;
const registry: ServiceModule<ProcessDeps> = {
  name: 'conversation',
  requires: ['rpc', 'store'],
  settings: [],
  async create(_config, deps) {
    rpc = deps.rpc;
    return { start: async () => {}, stop: async () => {}, ready: () => READY };
  },
};

let dir: string;
let backends: Backend[];
let base: ServerConfigInput;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'im-invalid-'));
  const [nats, mongo, redis] = await Promise.all([
    startNats({ dir: join(dir, 'nats') }),
    startMongo({ dir: join(dir, 'mongo') }),
    startRedis({ dir: join(dir, 'redis') }),
  ]);
  backends = [nats, mongo, redis];
  base = {
    listen: { host: '127.0.0.1' },
    ops: { port: 0 },
    log: { level: 'fatal' },
    nats: { servers: [nats.uri] },
    mongo: { uri: mongo.uri, database: `invalid_${Date.now().toString(36)}` },
    redis: { uri: redis.uri },
    rpc: { domains: Object.fromEntries(ROLES.map((role) => [role, { port: 0 }])) },
  };
});
after(async () => {
  for (const backend of backends ?? []) if (backend.pid !== undefined) await backend.kill();
  await rm(dir, { recursive: true, force: true });
});

type Entry = Partial<TenantSettingsInput> & Readonly<Record<string, unknown>>;
const entry = (id: string, more: Entry = {}): Entry => ({
  id,
  tokenSecret: 's',
  adminSecret: 's',
  ...(id === TWO ? { placement: 'Dedicated' } : {}),
  ...more,
});

/** A process that follows a config file, and the way to give that file other tenants. */
async function startWith(name: string, roles: string[], tenants: readonly Entry[]) {
  const file = join(dir, `${name}.json`);
  const write = async (next: readonly Entry[]) => {
    await writeFile(`${file}.new`, JSON.stringify({ ...base, tenants: next }));
    await rename(`${file}.new`, file);
  };
  await write(tenants);
  const loaded = await readStartConfig({ file, env: {} });
  const server = await runServer(loaded.config, {
    roles,
    configHash: loaded.hash,
    invalidTenants: loaded.invalidTenants,
    log: silentLogger(),
    overrides: { module: async (module, load) => (module === 'conversation' ? registry : load()) },
  });
  watchConfigFile(server, { file, env: {} }, loaded);
  await server.untilReady(AbortSignal.timeout(60_000));
  return { server, write };
}

function by(opUserID: string, tenant: TenantId, opAdmin = false): CallContext {
  const operationID = `op-${Math.random().toString(36).slice(2)}`;
  const deadline = Date.now() + 60_000;
  return { tenant, operationID, deadline, opUserID, opPlatformID: 1, opAdmin, connID: '' };
}

async function send(tenant: TenantId, words: string): Promise<void> {
  const msgData = make('sdkws.MsgData', {
    sendID: 'a',
    recvID: 'b',
    clientMsgID: `c${Math.random()}`,
    sessionType: 1,
    contentType: 101,
    content: Buffer.from(JSON.stringify({ content: words })),
    status: 1,
  });
  await rpc.client('msg').sendMsg(by('a', tenant), make('msg.SendMsgReq', { msgData }));
}

async function eventually(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await done()); await sleep(50)) {
    assert.ok(Date.now() < deadline, what);
  }
}

async function untilStored(tenant: TenantId, words: readonly string[]): Promise<void> {
  const seqRanges = [
    make('sdkws.SeqRange', { conversationID: 'si_a_b', begin: 1, end: 10_000, num: 10_000 }),
  ];
  const request = make('sdkws.PullMessageBySeqsReq', { userID: 'b', seqRanges });
  const stored = async () => {
    const { msgs } = await rpc.client('msg').pullMessageBySeqs(by('b', tenant), request);
    return (msgs.si_a_b?.Msgs ?? []).map((message) => {
      const { content } = decode('sdkws.MsgData', message);
      return JSON.parse(Buffer.from(content).toString()).content;
    });
  };
  await eventually(`${tenant}: ${words.length} stored`, async () => (await stored()).length >= words.length);
  assert.deepEqual(await stored(), words);
}

/** Sends for a tenant, one message after the other, until it ends. @returns what was sent. */
function keepSending(tenant: TenantId) {
  const sent: string[] = [];
  let ending = false;
  const done = (async () => {
    for (; !ending; await sleep(20)) {
      await send(tenant, `m${sent.length}`);
      sent.push(`m${sent.length}`);
    }
  })();
  // Who ends it hears of a failure; a test that failed before does not.
  done.catch(() => undefined);
  return {
    sent,
    async end() {
      ending = true;
      await done;
    },
  };
}

async function told(server: RunningServer) {
  const status = await fetch(`http://127.0.0.1:${server.opsPort}/status`);
  const { invalidTenants } = (await status.json()) as ProcessStatus;
  const [metric] = await server.metrics.values('openim_tenants_invalid');
  assert.equal(metric?.value, invalidTenants?.count);
  return invalidTenants?.faults.map(({ id, index, field, served }) => [id, index, field, served]);
}

test('invalid tenants are refused alone, live and at a start, while the others are served', {
  timeout: 300_000,
}, async () => {
  const front = await startWith('front', ROLES, [entry(ONE), entry(TWO)]);
  await using server = front.server;
  for (const tenant of [ONE, TWO]) {
    const users = ['a', 'b'].map((userID) => make('sdkws.UserInfo', { userID, nickname: userID }));
    await rpc
      .client('user')
      .userRegister(by('imAdmin', tenant, true), make('user.UserRegisterReq', { users }));
  }
  assert.deepEqual(await told(server), []);
  const traffic = keepSending(ONE);
  await send(TWO, 'before');

  // A process that starts while an entry is invalid refuses that tenant, and stores what was accepted for it.
  const broken = entry(TWO, { adminSecret: '' });
  const fold = await startWith('fold', ['transfer'], [broken, entry(ONE)]);
  await using transfer = fold.server;
  assert.equal(transfer.tenants.get(TWO), undefined);
  assert.deepEqual(await told(transfer), [['two', 0, 'adminSecret', false]]);
  await untilStored(TWO, ['before']);

  // A running process goes on with what it had, and takes over every other change.
  await front.write([
    entry(ONE, { friendVerify: false, tokenExpireDays: 7 }),
    entry(TWO, { quotas: { users: -1 } }),
    entry('No Name'),
    entry('four'),
  ]);
  await eventually('four is served', () => server.tenants.get(tenantId('four')) !== undefined);
  assert.equal(server.tenants.get(ONE)?.tokenExpireDays, 7);
  assert.deepEqual(await told(server), [
    ['two', 1, 'quotas.users', true],
    [undefined, 2, 'id', false],
  ]);
  await send(TWO, 'while invalid');
  const soFar = traffic.sent.length;
  await eventually('one goes on', () => traffic.sent.length > soFar + 5);
  await untilStored(TWO, ['before', 'while invalid']);

  await front.write([entry(ONE), entry(TWO, { suspended: true, quotas: { users: -1 } })]);
  await eventually('two is suspended', () => server.tenants.get(TWO)?.suspended === true);
  await front.write([entry(ONE), entry(TWO, { tokenExpireDays: 3 })]);
  await eventually('two is valid', () => server.tenants.get(TWO)?.tokenExpireDays === 3);
  assert.deepEqual(await told(server), []);
  await fold.write([entry(TWO), entry(ONE)]);
  await eventually('two is known to transfer', () => transfer.tenants.get(TWO) !== undefined);
  assert.deepEqual(await told(transfer), []);
  await send(TWO, 'after');
  await traffic.end();
  await untilStored(ONE, traffic.sent);
  await untilStored(TWO, ['before', 'while invalid', 'after']);
});
