import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ControlPlane, eventually, startControlPlane } from '@im/dev-kubernetes';
import { createMetrics, silentLogger } from '@im/process';
import {
  CONFIG_MAP,
  type ConfigMap,
  createInformer,
  createKubeClient,
  type InformerOptions,
  type KubeClient,
  labelIndex,
} from '../src/index.ts';
import { startFaultProxy } from './fault-proxy.ts';

let plane: ControlPlane;
let admin: KubeClient;
let tests = 0;

before(async () => {
  plane = await startControlPlane();
  admin = await createKubeClient({ kubeconfigPath: plane.kubeconfig });
});
after(async () => {
  admin.close();
  await plane.stop();
});

/** A proxy, and an informer of config maps behind it that only sees what this test makes. */
async function setUp(options: Partial<InformerOptions<ConfigMap>> = {}) {
  const proxy = await startFaultProxy(plane);
  const client = await createKubeClient({ kubeconfigPath: proxy.kubeconfig });
  const metrics = createMetrics();
  const label = `t${++tests}`;
  const informer = createInformer({
    client,
    type: CONFIG_MAP,
    labelSelector: `test=${label}`,
    log: silentLogger(),
    metrics,
    ...options,
  });
  const stop = new AbortController();
  let running = Promise.resolve();
  const put = (name: string, value: string, labels: Record<string, string> = {}) =>
    admin.apply(
      CONFIG_MAP,
      {
        metadata: { namespace: 'default', name: `${label}-${name}`, labels: { test: label, ...labels } },
        data: { value },
      },
      { fieldManager: 'test' },
    );
  const remove = (name: string) =>
    admin.delete(CONFIG_MAP, { namespace: 'default', name: `${label}-${name}` });
  return {
    proxy,
    informer,
    metrics,
    put,
    remove,
    start() {
      running = informer.run(stop.signal);
    },
    value: (name: string) => informer.get(`default/${label}-${name}`)?.data?.value,
    restarts: async (cause: string) =>
      (await metrics.values('openim_operator_informer_restarts_total')).find(
        ({ labels }) => labels.cause === cause,
      )?.value ?? 0,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      client.close();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

test('a store follows additions, changes and deletions, and finds by index', async () => {
  await using t = await setUp({ indexes: { tier: labelIndex('tier') }, pageSize: 2 });
  for (const name of ['a', 'b', 'c', 'd', 'e']) await t.put(name, '1', { tier: name < 'c' ? 'low' : 'high' });
  const changes: string[] = [];
  t.informer.onChange((was, is) => changes.push(`${was?.data?.value ?? '-'}>${is?.data?.value ?? '-'}`));
  assert.equal(t.informer.hasSynced(), false);
  assert.equal(t.informer.ready().ready, false);
  t.start();
  await t.informer.synced;
  assert.equal(t.informer.ready().ready, true);
  assert.equal(t.informer.size, 5);
  assert.equal(t.proxy.requests.filter(({ isList }) => isList).length, 3, 'three pages of two');
  assert.equal(t.informer.byIndex('tier', 'low').length, 2);
  assert.equal(t.informer.list()[0]?.metadata.managedFields, undefined);

  await t.put('a', '2', { tier: 'high' });
  await eventually(() => assert.equal(t.value('a'), '2'));
  assert.equal(t.informer.byIndex('tier', 'low').length, 1);
  await t.remove('a');
  await eventually(() => assert.equal(t.value('a'), undefined));
  assert.equal(t.informer.byIndex('tier', 'high').length, 3);
  assert.deepEqual(changes.slice(5), ['1>2', '2>-']);
});

test('failed lists are repeated until one succeeds', async () => {
  await using t = await setUp();
  await t.put('a', '1');
  let failures = 0;
  t.proxy.setRule(({ isList }) => {
    if (!isList || ++failures > 6) return undefined;
    if (failures % 3 === 0) return { drop: 'at once' };
    return failures % 2 === 0 ? { answer: 429, headers: { 'retry-after': '1' } } : { answer: 503 };
  });
  t.start();
  await t.informer.synced;
  assert.equal(t.value('a'), '1');
  assert.ok(failures > 6);
});

test('a refused list is reported by readiness and retried until it is allowed', async () => {
  await using t = await setUp();
  t.proxy.setRule(({ isList }) => (isList ? { answer: 403, reason: 'Forbidden' } : undefined));
  t.start();
  await eventually(() => assert.match(t.informer.ready().reason ?? '', /configmaps.*Forbidden/));
  await t.put('a', '1');
  t.proxy.setRule();
  await t.informer.synced;
  assert.equal(t.value('a'), '1');
});

test('cut watches go on where they were, without a new list', async () => {
  await using t = await setUp();
  await t.put('a', '0');
  t.start();
  await t.informer.synced;
  const lists = () => t.proxy.requests.filter(({ isList }) => isList).length;
  for (let i = 1; i <= 5; i++) {
    await eventually(() => assert.equal(t.proxy.openWatches(), 1));
    t.proxy.cutWatches();
    await t.put('a', String(i));
    await eventually(() => assert.equal(t.value('a'), String(i)));
  }
  assert.equal(lists(), 1);
});

test('watches that end immediately are not reopened in a tight loop', async () => {
  await using t = await setUp();
  t.proxy.setRule(({ isWatch }) => (isWatch ? { answer: 200 } : undefined));
  t.start();
  await t.informer.synced;
  const startedAt = performance.now();
  const watches = () => t.proxy.requests.filter(({ isWatch }) => isWatch).length;
  await eventually(() => assert.ok(watches() >= 2, 'it is reopened'));
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const [count, seconds] = [watches(), (performance.now() - startedAt) / 1_000];
  assert.ok(count < 20 * seconds, `${count} watches in ${seconds} s`);
});

test('a silent watch is cut, and what it kept to itself is seen', async () => {
  await using t = await setUp({ silenceMs: 1_000 });
  t.start();
  await t.informer.synced;
  t.proxy.silenceWatches(true);
  await t.put('a', '1');
  await eventually(async () => assert.ok((await t.restarts('silent')) >= 1));
  assert.equal(t.value('a'), undefined);
  assert.ok(t.informer.ageMs() >= 1_000);
  t.proxy.silenceWatches(false);
  await eventually(() => assert.equal(t.value('a'), '1'));
});

test('an expired version leads to a new list that reports only differences', async () => {
  await using t = await setUp();
  await t.put('stays', '1');
  await t.put('goes', '1');
  t.start();
  await t.informer.synced;
  const changes: string[] = [];
  const end = t.informer.onChange((was, is) =>
    changes.push(`${was?.data?.value ?? '-'}>${is?.data?.value ?? '-'}`),
  );
  assert.equal(changes.length, 2, 'existing objects are reported at once');
  await eventually(() => assert.equal(t.proxy.openWatches(), 1));
  t.proxy.setRule(({ isWatch }) => (isWatch ? { answer: 410, reason: 'Expired' } : undefined));
  t.proxy.cutWatches();
  await t.remove('goes');
  await t.put('new', '1');
  await eventually(async () => assert.ok((await t.restarts('expired')) >= 1));
  t.proxy.setRule();
  await eventually(() => assert.equal(t.value('new'), '1'));
  assert.equal(t.value('goes'), undefined);
  assert.deepEqual(changes.slice(2).sort(), ['->1', '1>-']);
  end();
});

test('an API server that is killed and started again is followed again', async () => {
  await using t = await setUp();
  await t.put('a', '1');
  t.start();
  await t.informer.synced;
  await plane.restartApiServer({ signal: 'SIGKILL', downMs: 1_000 });
  assert.equal(t.value('a'), '1', 'readable meanwhile');
  await t.put('a', '2');
  await eventually(() => assert.equal(t.value('a'), '2'));
});

test('a server that has forgotten the version leads to a new list', async () => {
  await using t = await setUp();
  await t.put('stays', '1');
  await t.put('goes', '1');
  t.start();
  await t.informer.synced;
  await eventually(() => assert.equal(t.proxy.openWatches(), 1));
  t.proxy.partition(true);
  t.proxy.dropAll();
  await t.remove('goes');
  await t.put('new', '1');
  const { resourceVersion } = await admin.list(CONFIG_MAP);
  await compact(resourceVersion);
  // Its cache of changes is empty after the deletion.
  await plane.restartApiServer();
  t.proxy.partition(false);
  t.proxy.dropAll();
  await eventually(() => assert.equal(t.value('new'), '1'));
  assert.equal(t.value('goes'), undefined);
  assert.ok((await t.restarts('expired')) >= 1);
});

test('a server that was set back to an older state leads to a new list', async () => {
  let lists = 0;
  await using t = await setUp({
    silenceMs: 1_000,
    client: {
      ...admin,
      async list(type, options) {
        const list = await admin.list(type, options);
        // As if listed before the server lost its latest changes.
        return ++lists === 1 ? { ...list, resourceVersion: '999999999' } : list;
      },
    },
  });
  t.start();
  await t.informer.synced;
  await t.put('a', '1');
  await eventually(() => assert.equal(t.value('a'), '1'));
  // Nothing else changes afterwards, so that its watch may be silent for long once more.
  assert.ok(lists >= 2);
  assert.ok((await t.restarts('silent')) >= 1);
});

test('a watch of one namespace and one object sees nothing else', async () => {
  await using t = await setUp({
    labelSelector: undefined,
    namespace: 'kube-system',
    fieldSelector: 'metadata.name=one',
  });
  await t.put('elsewhere', '1');
  t.start();
  await t.informer.synced;
  const one = { metadata: { namespace: 'kube-system', name: 'one' }, data: { value: '1' } };
  await admin.apply(CONFIG_MAP, one, { fieldManager: 'test' });
  await admin.apply(
    CONFIG_MAP,
    { metadata: { namespace: 'kube-system', name: 'two' } },
    { fieldManager: 'test' },
  );
  await eventually(() => assert.equal(t.informer.get('kube-system/one')?.data?.value, '1'));
  assert.equal(t.informer.size, 1);
});

/** Makes the store forget what was before `revision`. */
async function compact(revision: string): Promise<void> {
  const response = await fetch(`${plane.etcdUrl}/v3/kv/compaction`, {
    method: 'POST',
    body: JSON.stringify({ revision, physical: true }),
  });
  assert.ok(response.ok, await response.text());
}
