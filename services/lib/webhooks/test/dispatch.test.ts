import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { type Bus, createBus } from '@im/bus';
import {
  ServerConfig,
  type TenantId,
  type TenantSettingsInput,
  tenantId,
  tenantSettings,
} from '@im/contract';
import {
  inProcessInvalidations,
  newInstanceId,
  type Span,
  staticTenants,
  systemContext,
  withSpan,
} from '@im/kit';
import { createLiveConfig, createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { encode, make } from '@im/protocol';
import { conversationSeqs, createStore, msgRows, type Store, webhookDeliveryRepo } from '@im/store';
import {
  answerJson,
  eventually,
  type Received,
  recordingTracer,
  startReceiver,
  startStores,
  type TestReceiver,
  type TestStores,
} from '@im/testing';
import { StoreBounds } from '../src/dispatch/store-bounds.ts';
import { createDispatcher, createWebhooks, signatureFault } from '../src/index.ts';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const DATABASE = 'hooks';
const PACE = 0.01;
const BODY = { ownerUserID: 'a', friendUserID: 'b' };

let stores: TestStores<'mongo' | 'nats'>;
before(async () => {
  stores = await startStores('mongo', 'nats');
});
after(() => stores.stop());

type Hooks = NonNullable<TenantSettingsInput['webhooks']>;

let tenantsMade = 0;
/** A tenant that no other test has. */
function newTenant(url: string, more: Partial<Hooks> = {}) {
  const id = tenantId(`t${++tenantsMade}`);
  const events = { afterDeleteFriend: { enable: true, timeoutMs: 2_000 } };
  const webhooks = { url, secret: SECRET, events, ...more };
  return { id, settings: tenantSettings({ id, tokenSecret: 's', adminSecret: 's', webhooks }) };
}

type Settings = ReturnType<typeof newTenant>['settings'];

/** The store, but for tenants whose dedicated databases answer no command. */
function hangingStore(store: Store, tenants: ReadonlySet<TenantId>): Store {
  return {
    ...store,
    collection(tenant, spec) {
      const view = store.collection(tenant, spec);
      if (!tenants.has(tenant)) return view;
      const hangs = { dbName: `dedicated_${tenant}`, db: { command: () => new Promise(() => {}) } };
      const col = new Proxy(view.col, {
        get: (target, name) => Reflect.get(name in hangs ? hangs : target, name),
      });
      return { ...view, col };
    },
  };
}

/** A process of the push role. */
async function startProcess(t: TestContext, ...settings: Settings[]) {
  return startProcessWith(t, { settings });
}

interface ProcessOptions {
  readonly settings: readonly Settings[];
  /** Tenants whose databases answer nothing. */
  readonly hanging?: ReadonlySet<TenantId>;
}

/** {@link startProcess} */
async function startProcessWith(t: TestContext, { settings, hanging = new Set() }: ProcessOptions) {
  const { mongo, nats } = stores;
  const config = ServerConfig.parse({
    mongo: { uri: mongo.uri, database: DATABASE },
    redis: { uri: 'redis://127.0.0.1:1' },
    nats: { servers: [nats.uri] },
    webhooks: { allowedNetworks: ['127.0.0.1'] },
  });
  const [log, metrics] = [silentLogger(), createMetrics()];
  const tasks = createTaskRunner({ log, metrics });
  const tenants = staticTenants(settings);
  const base = { log, metrics, tasks, tenants, instanceId: newInstanceId() };
  const bus = createBus(config.nats, base);
  const store = createStore(config, { ...base, invalidations: inProcessInvalidations() });
  const live = createLiveConfig(config);
  const tracing = recordingTracer();
  await bus.start();
  await store.start();
  const dispatcher = createDispatcher({
    bus,
    store: hangingStore(store, hanging),
    tenants,
    live,
    metrics,
    log,
    tasks,
    tracing,
    pace: PACE,
  });
  const hooks = createWebhooks({ tenants, queue: bus.webhooks, live, metrics, log });
  await eventually(() => assert.ok(bus.ready().ready && store.ready().ready));
  let stopped: Promise<void> | undefined;
  const end = async () => {
    await dispatcher.stop(AbortSignal.timeout(3_000));
    hooks.close();
    await tasks.stop();
    await bus.stop(AbortSignal.timeout(2_000));
    await store.stop(AbortSignal.timeout(2_000));
  };
  const stop = () => (stopped ??= end());
  t.after(stop);
  return {
    ...{ bus, store, tenants, dispatcher, stop, tracing, repo: webhookDeliveryRepo(store) },
    hand: (tenant: TenantId, id?: string, span?: Span) =>
      hooks.after(
        withSpan(systemContext(tenant, 'op1'), span),
        'afterDeleteFriend',
        { ...BODY, friendUserID: id ?? 'b' },
        { id },
      ),
    async held() {
      return (await metrics.values('openim_webhook_held'))[0]?.value ?? 0;
    },
    async outcomes() {
      const values = await metrics.values('openim_webhook_deliveries_total');
      return Object.fromEntries(values.map(({ labels, value }) => [labels.outcome, value]));
    },
  };
}

const friends = ({ received }: TestReceiver) =>
  new Set(received.map(({ json: { friendUserID } }) => friendUserID));
const idsOf = (received: readonly Received[]) => received.map(({ headers }) => headers['webhook-id']);

test('an event is delivered once, signed, with the id of its hand-over', async (t) => {
  await using receiver = await startReceiver();
  const { id, settings } = newTenant(receiver.url);
  const { hand, dispatcher } = await startProcess(t, settings);
  dispatcher.start();
  await Promise.all([hand(id, 'x'), hand(id, 'x'), hand(id, 'y')]);
  await eventually(() => assert.deepEqual(friends(receiver), new Set(['x', 'y'])));
  assert.equal(receiver.received.length, 2);
  const [request] = receiver.received;
  assert.ok(request);
  assert.equal(request.path, '/hooks/callbackAfterDeleteFriendCommand');
  assert.equal(request.headers.operationid, 'op1');
  assert.equal(signatureFault(request.headers, request.body, SECRET), undefined);
  assert.match(String(request.headers['webhook-id']), /^evt_[\w-]{24}$/);
});

test('a delivery continues the trace of its event, and the receiver gets its place', async (t) => {
  await using receiver = await startReceiver();
  const { id, settings } = newTenant(receiver.url);
  const { hand, dispatcher, tracing } = await startProcess(t, settings);
  dispatcher.start();
  const root = tracing.tracer.begin(id, 'root');
  await Promise.all([hand(id, 'traced', root), hand(id, 'plain')]);
  await eventually(() => assert.equal(receiver.received.length, 2));
  const step = tracing.named('webhook afterDeleteFriend');
  assert.equal(step.parent, root?.traceparent);
  await eventually(() => assert.deepEqual(step.attributes, { 'http.response.status_code': 200 }));
  const headers = receiver.received.map(({ json, headers: { traceparent } }) => [
    json.friendUserID,
    traceparent,
  ]);
  assert.deepEqual(
    new Map(headers as [string, string][]),
    new Map([
      ['traced', step.traceparent],
      ['plain', undefined],
    ]),
  );
});

test('what the receiver does not take comes again with the same id, also when the process and NATS go', async (t) => {
  let failing = true;
  await using receiver = await startReceiver((response, received) => {
    if (failing) response.writeHead(500).end('not now');
    else answerJson({})(response, received);
  });
  const { id, settings } = newTenant(receiver.url);
  const first = await startProcess(t, settings);
  const wanted = new Set(Array.from({ length: 40 }, (_, n) => `f${n}`));
  const [early, late] = [[...wanted].slice(0, 20), [...wanted].slice(20)];
  first.dispatcher.start();
  await Promise.all(early.map((friend) => first.hand(id, friend)));
  await eventually(async () => assert.ok(((await first.outcomes()).failed ?? 0) > 5));
  const { deliveries } = await first.repo.list(id, { state: 'waiting' }, 10);
  assert.ok(deliveries.length > 0);
  assert.deepEqual(
    deliveries
      .filter(({ last }) => last.attempts > 0)
      .map(({ last: { outcome, answer } }) => [outcome, answer])[0],
    ['status 500', 'not now'],
  );
  await first.stop();
  const second = await startProcess(t, settings);
  await Promise.all(late.map((friend) => second.hand(id, friend)));
  await stores.nats.kill();
  await stores.nats.restart();
  failing = false;
  receiver.received.splice(0);
  second.dispatcher.start();
  await eventually(() => assert.deepEqual(friends(receiver), wanted));
  assert.equal(new Set(idsOf(receiver.received)).size, wanted.size);
  await eventually(async () => assert.equal((await second.repo.usage(id)).waiting.deliveries, 0));
  await eventually(async () => assert.equal(await second.held(), 0));
});

test('a receiver that hangs or is overloaded delays no other tenant', async (t) => {
  const open = { now: 0, most: 0 };
  await using hanging = await startReceiver((response) => {
    open.most = Math.max(open.most, ++open.now);
    response.once('close', () => open.now--);
  });
  await using well = await startReceiver();
  const events = { afterDeleteFriend: { enable: true, timeoutMs: 15_000 } };
  const [slow, quick] = [newTenant(hanging.url, { events }), newTenant(well.url)];
  const { hand, dispatcher, repo } = await startProcess(t, slow.settings, quick.settings);
  dispatcher.start();
  const many = Array.from({ length: 600 }, (_, n) => `f${n}`);
  await Promise.all(many.map((friend) => hand(slow.id, friend)));
  await eventually(() => assert.ok(open.most >= 8));
  await Promise.all(many.slice(0, 50).map((friend) => hand(quick.id, friend)));
  await eventually(() => assert.equal(friends(well).size, 50));
  // The receiver may see the next eight before the ends of those that timed out.
  assert.ok(open.most <= 16, `${open.most} at once`);
  await eventually(async () => {
    assert.ok((await repo.usage(slow.id)).waiting.deliveries >= 600 - 256 - 8);
  });
});

test('410 switches a receiver off until its settings change', async (t) => {
  await using receiver = await startReceiver(answerJson({}, 410));
  const { id, settings } = newTenant(receiver.url);
  const { hand, dispatcher, tenants, repo } = await startProcess(t, settings);
  dispatcher.start();
  await hand(id, 'x');
  await eventually(async () => assert.equal((await repo.usage(id)).waiting.deliveries, 1));
  await hand(id, 'y');
  await eventually(async () => assert.equal((await repo.usage(id)).waiting.deliveries, 2));
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assert.equal(receiver.received.length, 1);
  receiver.answer = answerJson({});
  tenants.put({ ...settings, webhooks: { ...settings.webhooks, secret: '' } });
  await eventually(() => assert.deepEqual(friends(receiver), new Set(['x', 'y'])));
});

test('Retry-After is waited for', async (t) => {
  await using receiver = await startReceiver((response) => {
    response.writeHead(503, { 'retry-after': '2' }).end();
  });
  const { id, settings } = newTenant(receiver.url);
  const { hand, dispatcher } = await startProcess(t, settings);
  dispatcher.start();
  await hand(id, 'x');
  await eventually(() => assert.equal(receiver.received.length, 1));
  const firstAt = performance.now();
  receiver.answer = answerJson({});
  await eventually(() => assert.equal(receiver.received.length, 2));
  assert.ok(performance.now() - firstAt > 1_500);
});

test('dead deliveries are listed and replayed, one or many', async (t) => {
  await using receiver = await startReceiver();
  const { id, settings } = newTenant(receiver.url);
  const { hand, dispatcher, repo } = await startProcess(t, settings);
  receiver.answer = answerJson({}, 500);
  dispatcher.start();
  await Promise.all(['x', 'y', 'z'].map((friend) => hand(id, friend)));
  await eventually(async () => assert.equal((await repo.usage(id)).waiting.deliveries, 3));
  const { deliveries } = await repo.list(id, { state: 'waiting' }, 10);
  for (const one of deliveries) await repo.update(id, one.id, { ...one, state: 'dead' });
  receiver.answer = answerJson({});
  receiver.received.splice(0);
  const [oldest] = deliveries.toReversed();
  assert.ok(oldest);
  assert.equal(await repo.replayOne(id, oldest.id, Date.now()), true);
  await eventually(() => assert.deepEqual(idsOf(receiver.received), [oldest.id]));
  assert.equal(await repo.replay(id, { state: 'dead', event: 'afterAddFriend' }, Date.now()), 0);
  assert.equal(await repo.replay(id, { state: 'dead', event: 'afterDeleteFriend' }, Date.now()), 2);
  await eventually(() => assert.equal(friends(receiver).size, 3));
});

test('what a tenant has stored is bounded: the oldest dead deliveries go first, then the oldest that wait', async (t) => {
  const { id, settings } = newTenant('http://127.0.0.1:1');
  const { repo } = await startProcess(t, settings);
  const last = { outcome: 'x', at: 0, attempts: 0 };
  const dueMs = Date.now() + 3_600_000;
  const now = Date.now();
  const stored = (name: string, state: 'dead' | 'waiting', from: number) =>
    Array.from({ length: 300 }, (_, n) => ({
      ...{ id: `${name}${n}`, event: 'afterAddFriend', createdMs: from + n, state, dueMs, last },
      payload: Buffer.alloc(10),
    }));
  await repo.add(id, stored('d', 'dead', now + 1_000));
  await repo.add(id, stored('w', 'waiting', now));
  await repo.add(id, stored('v', 'waiting', now + 500));
  const metrics = createMetrics();
  const dropped = metrics.counter('dropped', 'x', ['reason']);
  const bounds = new StoreBounds({
    repo,
    dropped,
    log: silentLogger(),
    most: { deliveries: 400, bytes: 1e6 },
  });
  bounds.added(id);
  await bounds.enforce();
  assert.deepEqual(await repo.usage(id), {
    waiting: { deliveries: 100, bytes: 1_000 },
    dead: { deliveries: 0, bytes: 0 },
  });
  assert.deepEqual((await repo.list(id, { state: 'waiting' }, 1)).deliveries[0]?.id, 'v299');
  assert.equal((await metrics.values('dropped'))[0]?.value, 800);
});

const conversationID = 'si_a_b';

/** Appends messages of a tenant to the log. */
function appender({ log }: Pick<Bus, 'log'>, tenant: TenantId) {
  const data = { sendID: 'a', recvID: 'b', content: Buffer.from('{"content":"hi"}'), sessionType: 1 };
  return (dedup: number, contentType = 101) => {
    const clientMsgID = `c${dedup}`;
    const msgData = encode('sdkws.MsgData', make('sdkws.MsgData', { ...data, contentType, clientMsgID }));
    const record = make('log.Record', {
      ...{ dedupKey: Buffer.alloc(16, dedup), version: 1, tenant, operationID: 'op9' },
      ...{ sendID: 'a', recvID: 'b', sessionType: 1, contentType },
      entries: [make('log.Entry', { conversationID, stored: true, msgData })],
    });
    return log.append(tenant, 3, encode('log.Record', record));
  };
}

test('messages are reported from the log, the stored ones with their seq', async (t) => {
  await using receiver = await startReceiver();
  const hook = { enable: true, timeoutMs: 2_000 };
  const events = { afterSendSingleMsg: hook, afterMsgSaveDB: { ...hook, deniedTypes: [102] } };
  const { id, settings } = newTenant(receiver.url, { events });
  const { bus, store, dispatcher } = await startProcess(t, settings);
  dispatcher.start();
  const commands = () =>
    receiver.received.map(({ path }) => path.replace(/^\/hooks\/callbackAfter|Command.*$/g, ''));
  const append = appender(bus, id);
  // From when on the reader is there is not known.
  await eventually(async () => {
    await append(1, 101);
    assert.ok(commands().includes('SendSingleMsg'));
  });
  receiver.received.splice(0);
  await append(2, 1_501);
  await append(3, 113);
  const { position } = await append(4, 101);
  await eventually(() => assert.ok(commands().includes('SendSingleMsg')));
  await msgRows(store).insert([
    {
      ...{ tenant: id, conversationID, seq: 7, dedupKey: Buffer.alloc(16, 4), position, contentType: 101 },
      ...{ msgData: Buffer.alloc(1), sendID: 'a', recvID: 'b', sendTime: 1, logTime: Date.now() },
    },
  ]);
  await conversationSeqs(store).apply([{ tenant: id, conversationID, max: 7, src: position, maxTime: 1 }]);
  const saved = () =>
    receiver.received.find(({ path, json: { seq } }) => path.includes('MsgSaveDB') && seq === 7);
  await eventually(() => assert.ok(saved()));
  const request = saved();
  assert.ok(request);
  const { callbackCommand, operationID, recvID, groupID, content } = request.json;
  assert.deepEqual(
    { callbackCommand, operationID, recvID, groupID, content },
    {
      callbackCommand: 'callbackAfterMsgSaveDBCommand',
      operationID: 'op9',
      recvID: 'b',
      groupID: '',
      content: '{"content":"hi"}',
    },
  );
  const key = new URL(request.path, 'http://x').searchParams.get('key') ?? '';
  assert.deepEqual(JSON.parse(Buffer.from(key, 'base64').toString()), {
    sendID: 'a',
    recvID: 'b',
    groupID: '',
  });
});

test('a message that the log has twice is reported once, and one that is refused goes to the store', async (t) => {
  await using receiver = await startReceiver((response, { json: { clientMsgID } }) => {
    response.writeHead(clientMsgID === 'c4' ? 400 : 200).end('{}');
  });
  const events = { afterSendSingleMsg: { enable: true, timeoutMs: 2_000 } };
  const { id, settings } = newTenant(receiver.url, { events });
  const { bus, dispatcher, repo } = await startProcess(t, settings);
  dispatcher.start();
  const append = appender(bus, id);
  const reported = (clientMsgID: string) =>
    receiver.received.filter(({ json }) => json.clientMsgID === clientMsgID);
  await eventually(async () => {
    await append(1);
    assert.ok(reported('c1').length > 0);
  });
  for (const dedup of [2, 2, 3, 2, 4]) await append(dedup);
  await eventually(async () => {
    const [stored, ...others] = (await repo.list(id, { state: 'waiting' }, 10)).deliveries;
    assert.deepEqual([stored?.event, stored?.last.status, others], ['afterSendSingleMsg', 400, []]);
  });
  await eventually(() => assert.ok(reported('c3').length > 0));
  assert.deepEqual([reported('c2').length, reported('c1').length], [1, 1]);
  const [request] = reported('c2');
  const { seq, status, senderNickname, atUserList, ex, recvID } = request?.json ?? {};
  assert.deepEqual(
    { seq, status, senderNickname, atUserList, ex, recvID },
    { seq: 0, status: 0, senderNickname: '', atUserList: [], ex: '', recvID: 'b' },
    'fields without a value are there',
  );
});

test('tenants whose databases hang, with many messages, hold up the events of no other tenant', async (t) => {
  await using receiver = await startReceiver();
  const hook = { enable: true, timeoutMs: 2_000 };
  const stuck = Array.from({ length: 4 }, () =>
    newTenant('http://127.0.0.1:1', { events: { afterMsgSaveDB: hook } }),
  );
  const well = newTenant(receiver.url, { events: { afterDeleteFriend: hook, afterSendSingleMsg: hook } });
  const { bus, dispatcher, hand, held } = await startProcessWith(t, {
    settings: [...stuck, well].map(({ settings }) => settings),
    hanging: new Set(stuck.map(({ id }) => id)),
  });
  dispatcher.start();
  const appendWell = appender(bus, well.id);
  const messages = () => new Set(receiver.received.map(({ json: { clientMsgID } }) => clientMsgID));
  await eventually(async () => {
    await appendWell(1);
    assert.ok(messages().has('c1'));
  });
  const appendMany = (append: (dedup: number) => Promise<unknown>) =>
    Array.from({ length: 1_300 }, (_, n) => append(n % 256));
  await Promise.all(stuck.flatMap(({ id }) => appendMany(appender(bus, id))));
  // More than these wait for their databases, or are refused.
  await eventually(async () => assert.ok((await held()) > 1_300));
  await Promise.all([hand(well.id, 'x'), appendWell(2)]);
  await eventually(() => {
    assert.ok(friends(receiver).has('x'));
    assert.ok(messages().has('c2'));
  });
  await Promise.all([hand(well.id, 'y'), appendWell(3)]);
  await eventually(() => {
    assert.ok(friends(receiver).has('y'));
    assert.ok(messages().has('c3'));
  });
});
