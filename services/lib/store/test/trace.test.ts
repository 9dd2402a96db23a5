import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CallScope, type Span, sharedWork, withinCall, withinSpan } from '@im/kit';
import { recordingTracer } from '@im/testing';
import { defineCollection, type Store, type TenantDocument } from '../src/index.ts';
import { openStore, SHARED, startServers, type TestStore, untilReady } from './harness.ts';

const [TENANT] = SHARED;
const THINGS = defineCollection<TenantDocument & { n: number }>('things');
const LIMIT_MS = 30_000;

let servers: Awaited<ReturnType<typeof startServers>>;
let opened: TestStore;
let store: Store;
before(async () => {
  servers = await startServers();
  opened = await openStore(servers.uris);
  store = opened.store;
  await untilReady(store);
});
after(async () => {
  await opened?.[Symbol.asyncDispose]();
  await servers?.stop();
});

const tracing = recordingTracer();
const inCall = <T>(span: Span | undefined, work: () => Promise<T>): Promise<T> =>
  withinCall(new CallScope({ deadline: Date.now() + LIMIT_MS, ...(span && { span }) }), work);
/** The steps of a trace as they ended, in order. */
const stepsOf = (span: Span | undefined) =>
  tracing.spans
    .filter(({ parent }) => parent === span?.traceparent)
    .map(({ name, ended, error }) => `${name}${ended ? '' : ', open'}${error ? ', failed' : ''}`);

test('what a traced call asks of the database and Redis are its steps', async () => {
  const { col, key, tenant } = store.collection(TENANT, THINGS);
  const call = tracing.tracer.begin(TENANT, 'call');
  await inCall(call, async () => {
    await col.insertMany([1, 2, 3].map((n) => ({ _id: key(`a${n}`), t: tenant, n })));
    await assert.rejects(col.insertOne({ _id: key('a1'), t: tenant, n: 1 }));
    assert.equal((await col.find({ t: tenant }, { batchSize: 1 }).toArray()).length, 3);
    for await (const _ of col.find({ t: tenant })) break;
    await col.findOne({ _id: key('a1') });
    await assert.rejects(col.find({ $unknown: 1 } as never).toArray());
    await store.redis.orElse(
      (client) => client.ping(),
      () => assert.fail('Redis is away'),
    );
    await sharedWork(() => col.countDocuments({ t: tenant }));
  });
  assert.deepEqual(stepsOf(call), [
    'insertMany things',
    'insertOne things, failed',
    'find things',
    'find things',
    'findOne things',
    'find things, failed',
    'redis',
    'countDocuments things',
  ]);
});

test('calls without a trace have no steps, and of long ones the first are kept', async () => {
  const { col, key } = store.collection(TENANT, THINGS);
  const before = tracing.spans.length;
  await inCall(undefined, () => col.findOne({ _id: key('a1') }));
  await col.findOne({ _id: key('a1') });
  assert.equal(tracing.spans.length, before);
  const job = tracing.tracer.begin(TENANT, 'job');
  assert.ok(job);
  await withinSpan(job, async () => {
    for (let n = 0; n < 210; n++) await col.findOne({ _id: key('a1') });
  });
  assert.equal(stepsOf(job).length, 200);
});
