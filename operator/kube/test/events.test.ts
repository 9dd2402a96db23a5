import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ControlPlane, eventually, startControlPlane } from '@im/dev-kubernetes';
import { createMetrics, silentLogger } from '@im/process';
import { CONFIG_MAP, createEventRecorder, createKubeClient, EVENT, type KubeClient } from '../src/index.ts';
import { startFaultProxy } from './fault-proxy.ts';

let plane: ControlPlane;
let admin: KubeClient;
let objects = 0;

before(async () => {
  plane = await startControlPlane();
  admin = await createKubeClient({ kubeconfigPath: plane.kubeconfig });
});
after(async () => {
  admin.close();
  await plane.stop();
});

async function setUp() {
  const name = `subject-${++objects}`;
  const proxy = await startFaultProxy(plane);
  const client = await createKubeClient({ kubeconfigPath: proxy.kubeconfig });
  const metrics = createMetrics();
  const recorder = createEventRecorder({
    client,
    component: 'test-operator',
    instance: 'pod-1',
    log: silentLogger(),
    metrics,
  });
  const stop = new AbortController();
  const running = recorder.run(stop.signal);
  const about = await admin.create(CONFIG_MAP, { metadata: { namespace: 'default', name } });
  const stored = async () => {
    const list = await admin.list(EVENT, {
      namespace: 'default',
      fieldSelector: `involvedObject.name=${name}`,
    });
    return list.items.map(({ type, reason, message, count }) => ({ type, reason, message, count }));
  };
  const finish = async () => {
    stop.abort();
    await running;
  };
  return {
    proxy,
    recorder,
    about,
    name,
    stored,
    finish,
    count: async (result: string) =>
      (await metrics.values('openim_operator_events_total')).find(({ labels }) => labels.result === result)
        ?.value ?? 0,
    async [Symbol.asyncDispose]() {
      await finish();
      client.close();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

test('an event names object, reason and reporter; repetitions are counted on it', async () => {
  await using t = await setUp();
  const text = { type: 'Normal', reason: 'Drained', message: 'gateway a is empty' } as const;
  t.recorder.event(t.about, text);
  await eventually(async () => assert.deepEqual(await t.stored(), [{ ...text, count: 1 }]));
  for (let i = 0; i < 20; i++) t.recorder.event(t.about, text);
  await eventually(async () => assert.deepEqual(await t.stored(), [{ ...text, count: 21 }]));
  t.recorder.event(t.about, { type: 'Warning', reason: 'Drained', message: 'gateway b is stuck' });
  await eventually(async () => assert.equal((await t.stored()).length, 2));

  const described = await plane.kubectl('describe', 'configmap', t.name);
  assert.match(described, /Normal +Drained +.*\(x21 over .*test-operator +gateway a is empty/);
});

test('an event that expired at the server is created again', async () => {
  await using t = await setUp();
  const text = { type: 'Normal', reason: 'Again', message: 'x' } as const;
  t.recorder.event(t.about, text);
  await eventually(async () => assert.equal((await t.stored()).length, 1));
  await plane.kubectl('delete', 'events', '--all');
  t.recorder.event(t.about, text);
  await eventually(async () => assert.deepEqual(await t.stored(), [{ ...text, count: 2 }]));
});

test('a flood about one object is cut off, and events of other objects still pass', async () => {
  await using t = await setUp();
  const other = await admin.create(CONFIG_MAP, {
    metadata: { namespace: 'default', name: `${t.name}-other` },
  });
  for (let i = 0; i < 500; i++)
    t.recorder.event(t.about, { type: 'Normal', reason: 'Flood', message: `n ${i}` });
  t.recorder.event(other, { type: 'Normal', reason: 'Quiet', message: 'still here' });
  await eventually(async () => {
    const { items } = await admin.list(EVENT, { namespace: 'default', fieldSelector: 'reason=Quiet' });
    assert.equal(items.length, 1);
  });
  assert.equal((await t.stored()).length, 25);
  assert.equal(await t.count('dropped'), 475);
});

test('an unavailable API server delays events but loses none; lost responses duplicate none', async () => {
  await using t = await setUp();
  let requests = 0;
  t.proxy.setRule(({ method }) => {
    if (method !== 'POST') return undefined;
    requests++;
    if (requests <= 2) return { answer: 503 };
    return requests === 3 ? { drop: 'afterwards' } : undefined;
  });
  t.recorder.event(t.about, { type: 'Normal', reason: 'Late', message: 'x' });
  await eventually(async () => assert.equal(await t.count('sent'), 1));
  assert.equal((await t.stored()).length, 1);
  assert.equal(requests, 4);
});

test('a stop sends what is queued, and does not wait for a server that hangs', async () => {
  await using t = await setUp();
  for (let i = 0; i < 5; i++)
    t.recorder.event(t.about, { type: 'Normal', reason: 'Last', message: `n ${i}` });
  await t.finish();
  assert.equal((await t.stored()).length, 5);

  await using hanging = await setUp();
  hanging.proxy.partition(true);
  hanging.recorder.event(hanging.about, { type: 'Normal', reason: 'Lost', message: 'x' });
  const startedAt = performance.now();
  await hanging.finish();
  assert.ok(performance.now() - startedAt < 8_000);
});

test('an event about nothing sensible is not an error of the caller', async () => {
  await using t = await setUp();
  t.recorder.event({}, { type: 'Normal', reason: 'Odd', message: 'x'.repeat(5_000) });
  t.recorder.event(t.about, { type: 'Normal', reason: 'Long', message: 'ü'.repeat(5_000) });
  await eventually(async () => assert.equal((await t.stored())[0]?.reason, 'Long'));
});
