import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseConfig, type TenantId, type TenantPurgeReport, tenantId } from '@im/contract';
import { type CallContext, systemContext } from '@im/kit';
import { silentLogger } from '@im/process';
import { decode, make } from '@im/protocol';
import { cursorRepo, deadLetterRepo, webhookEndpointRepo } from '@im/store';
import { startStores, storeTraces, type TestStores } from '@im/testing';
import { type ProcessDeps, type RunningServer, runServer } from '../src/index.ts';

const ROLES = ['auth', 'user', 'msg', 'conversation', 'group', 'relation', 'third'];
const [SHARED, OWN, STAYS] = ['gone-shared', 'gone-own', 'stays'].map((id) => tenantId(id)) as [
  TenantId,
  TenantId,
  TenantId,
];
const DATABASE = 'purge';
const entryOf = (id: TenantId) => ({
  id,
  placement: id === OWN ? ('Dedicated' as const) : ('Shared' as const),
  tokenSecret: 's',
  adminSecret: 's',
});

let stores: TestStores<'mongo' | 'redis' | 'nats' | 's3'>;
let server: RunningServer;
let deps: ProcessDeps;

const configFor = (...ids: TenantId[]) =>
  parseConfig({
    log: { level: 'fatal' },
    listen: { host: '127.0.0.1' },
    ops: { port: 0 },
    nats: { servers: [stores.nats.uri] },
    mongo: { uri: stores.mongo.uri, database: DATABASE },
    redis: { uri: stores.redis.uri },
    s3: {
      endpoint: stores.s3.endpoint,
      accessKey: stores.s3.accessKey,
      secretKey: stores.s3.secretKey,
      region: stores.s3.region,
    },
    rpc: { encodeInProcess: true, domains: Object.fromEntries(ROLES.map((role) => [role, { port: 0 }])) },
    tenants: [tenantId('default'), ...ids].map(entryOf),
  });

async function start(...ids: TenantId[]): Promise<void> {
  server = await runServer(configFor(...ids), {
    roles: [...ROLES, 'transfer'],
    log: silentLogger(),
    overrides: {
      async module(name, load) {
        const module = await load();
        if (name !== 'third') return module;
        return {
          ...module,
          create(config, given) {
            deps = given;
            return module.create(config, given);
          },
        };
      },
    },
  });
  await server.untilReady(AbortSignal.timeout(30_000));
}

before(async () => {
  stores = await startStores('mongo', 'redis', 'nats', 's3');
  await start(SHARED, OWN, STAYS);
});
after(async () => {
  await server?.stop();
  await stores?.stop();
});

const as = (tenant: TenantId, opUserID: string): CallContext => ({
  ...systemContext(tenant, `op-${Math.random()}`),
  opUserID,
  opAdmin: opUserID === 'imAdmin',
  deadline: Date.now() + 60_000,
});

const send = (tenant: TenantId, words: string, to: { recvID?: string; groupID?: string }) =>
  deps.rpc.client('msg').sendMsg(
    as(tenant, 'a'),
    make('msg.SendMsgReq', {
      msgData: make('sdkws.MsgData', {
        sendID: 'a',
        recvID: '',
        groupID: '',
        ...to,
        clientMsgID: `c${Math.random()}`,
        sessionType: to.groupID === undefined ? 1 : 3,
        contentType: 101,
        content: Buffer.from(JSON.stringify({ content: words })),
        status: 1,
      }),
    }),
  );

/** Seqs of the messages between a and b. */
async function seqsOf(tenant: TenantId): Promise<number[]> {
  const range = make('sdkws.SeqRange', { conversationID: 'si_a_b', begin: 1, end: 10_000, num: 1_000 });
  const request = make('sdkws.PullMessageBySeqsReq', { userID: 'b', seqRanges: [range] });
  const { msgs } = await deps.rpc.client('msg').pullMessageBySeqs(as(tenant, 'b'), request);
  return (msgs.si_a_b?.Msgs ?? []).map((message) => decode('sdkws.MsgData', message).seq);
}

async function untilStored(tenant: TenantId, count: number): Promise<void> {
  for (const deadline = Date.now() + 20_000; (await seqsOf(tenant)).length < count; await sleep(30)) {
    assert.ok(Date.now() < deadline, `${tenant} has ${count} messages`);
  }
  assert.deepEqual(
    await seqsOf(tenant),
    Array.from({ length: count }, (_, i) => i + 1),
  );
}

/** Messages between a and b at first: that they are friends, and five texts. */
const FILLED = 6;

async function fill(tenant: TenantId): Promise<void> {
  const users = ['a', 'b'].map((userID) => make('sdkws.UserInfo', { userID, nickname: userID }));
  await deps.rpc.client('user').userRegister(as(tenant, 'imAdmin'), make('user.UserRegisterReq', { users }));
  const request = { ownerUserID: 'a', friendUserIDs: ['b'] };
  await deps.rpc
    .client('relation')
    .importFriend(as(tenant, 'imAdmin'), make('relation.ImportFriendReq', request));
  const groupInfo = make('sdkws.GroupInfo', { groupID: 'g1', groupName: 'g', groupType: 2 });
  const group = { groupInfo, ownerUserID: 'a', memberUserIDs: ['b'] };
  await deps.rpc.client('group').createGroup(as(tenant, 'a'), make('group.CreateGroupReq', group));
  for (let i = 0; i < 5; i++) await send(tenant, `m${i}`, { recvID: 'b' });
  await send(tenant, 'to all', { groupID: 'g1' });
  for (const key of ['one', 'two']) await deps.blob.put(tenant, key, Buffer.from(key), 'text/plain');
  await deps.blob.createMultipart(tenant, 'unfinished', { contentType: 'text/plain', attachment: false });
  const { redis, redisKey } = deps.store;
  await redis.client.set(redisKey(tenant, 'presence', 'a'), 'x');
  await deadLetterRepo(deps.store).add({
    tenant,
    position: tenant.length,
    entry: 0,
    reason: 'x',
    record: new Uint8Array(1),
  });
  await webhookEndpointRepo(deps.store).switchOff(tenant, 'x');
  await deps.bus.webhooks.publish(tenant, [{ id: `h-${tenant}`, payload: new Uint8Array(1) }]);
  await untilStored(tenant, FILLED);
}

/** Everything in any store that names a tenant that is gone. */
const traces = () => storeTraces(stores, 'gone-');

async function purge(tenant: TenantId): Promise<{ status: number; report: TenantPurgeReport }> {
  const response = await fetch(`http://127.0.0.1:${server.opsPort}/tenants/purge`, {
    method: 'POST',
    body: JSON.stringify({ tenant, placement: entryOf(tenant).placement }),
  });
  return { status: response.status, report: (await response.json()) as TenantPurgeReport };
}

async function untilPurged(tenant: TenantId): Promise<TenantPurgeReport> {
  for (const deadline = Date.now() + 60_000; ; await sleep(50)) {
    const { status, report } = await purge(tenant);
    assert.equal(status, 200, JSON.stringify(report));
    if (report.state === 'done') return report;
    assert.ok(Date.now() < deadline, JSON.stringify(report));
  }
}

test('a purge leaves nothing of a tenant in any store, and nothing of another tenant changes', async () => {
  for (const tenant of [SHARED, OWN, STAYS]) await fill(tenant);
  const kinds = (await traces()).map((trace) => trace.split(' ')[0]);
  assert.deepEqual(new Set(kinds), new Set(['bucket', 'database', 'document', 'key', 'record']));
  assert.equal((await purge(SHARED)).status, 409, 'a tenant that is served is not purged');

  server.reconfigure(configFor(STAYS));
  const { epoch } = await cursorRepo(deps.store).read();
  let sent = FILLED;
  let isOver = false;
  const chat = (async () => {
    while (!isOver) {
      await send(STAYS, `more ${sent}`, { recvID: 'b' });
      sent++;
    }
  })();
  const reports = await Promise.all([untilPurged(SHARED), untilPurged(OWN)]);
  isOver = true;
  await chat;
  assert.deepEqual(await traces(), []);
  for (const { removed } of reports) {
    assert.ok(removed.records >= 6 && removed.documents > 20 && removed.keys >= 1, JSON.stringify(removed));
    assert.equal(removed.objects, 3);
  }
  await untilStored(STAYS, sent);
  assert.equal((await deps.blob.stat(STAYS, 'one')).size, 3);

  // The log is recognized by a process that starts now.
  await server.stop();
  await start(STAYS);
  await send(STAYS, 'after', { recvID: 'b' });
  await untilStored(STAYS, sent + 1);
  assert.equal((await cursorRepo(deps.store).read()).epoch, epoch);
  const again = await untilPurged(SHARED);
  assert.deepEqual(again.removed, { records: 0, documents: 0, keys: 0, objects: 0 });
});
