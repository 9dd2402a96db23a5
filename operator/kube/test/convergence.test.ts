import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlPlane, eventually, startControlPlane } from '@im/dev-kubernetes';
import { CONFIG_MAP, createKubeClient, type KubeClient, keyOf } from '../src/index.ts';
import { type Fault, startFaultProxy } from './fault-proxy.ts';
import { parent, startToyOperator } from './toy-operator.ts';

let plane: ControlPlane;
let admin: KubeClient;

before(async () => {
  plane = await startControlPlane();
  admin = await createKubeClient({ kubeconfigPath: plane.kubeconfig });
});
after(async () => {
  admin.close();
  await plane.stop();
});
beforeEach(() => plane.kubectl('delete', 'configmaps', '-l', 'role'));

const put = (name: string, count: string, text = '') =>
  admin.apply(CONFIG_MAP, parent(name, count, text), { fieldManager: 'user' });

/** Children by key: their text and version. */
async function children() {
  const { items } = await admin.list(CONFIG_MAP, { labelSelector: 'role=child' });
  return Object.fromEntries(
    items.map((child) => [keyOf(child), { text: child.data?.text, version: child.metadata.resourceVersion }]),
  );
}

async function assertChildren(wanted: Record<string, [count: number, text: string]>): Promise<void> {
  const expected = Object.entries(wanted).flatMap(([name, [count, text]]) =>
    Array.from({ length: count }, (_, i) => [`default/${name}-${i}`, text]),
  );
  const found = Object.entries(await children()).map(([key, { text }]) => [key, text]);
  assert.deepEqual(found.sort(), expected.sort());
}

test('children follow their parents; strangers’ changes are set back; a restart writes nothing', async () => {
  await using proxy = await startFaultProxy(plane);
  await put('a', '3', 'x');
  const first = await startToyOperator(proxy.kubeconfig, 'first');
  await eventually(() => assertChildren({ a: [3, 'x'] }));
  await put('a', '1', 'y');
  await put('b', '2', 'z');
  await eventually(() => assertChildren({ a: [1, 'y'], b: [2, 'z'] }));
  await admin.delete(CONFIG_MAP, { namespace: 'default', name: 'b-1' });
  await admin.patch(CONFIG_MAP, { namespace: 'default', name: 'a-0' }, { data: { text: 'stolen' } });
  await eventually(() => assertChildren({ a: [1, 'y'], b: [2, 'z'] }));

  await sleep(500);
  const before = await children();
  await first.stop();
  const second = await startToyOperator(proxy.kubeconfig, 'second');
  await eventually(() => assert.ok(second.reconciled.length >= 2));
  await sleep(500);
  assert.deepEqual(await children(), before, 'the same versions');

  const seen = proxy.requests.length;
  await put('a', '1', 'y');
  await sleep(1_000);
  const writes = proxy.requests
    .slice(seen)
    .filter(({ method, url }) => method !== 'GET' && !url.includes('/leases'));
  assert.deepEqual(writes, [], 'a manifest applied again leads to no write');
  await second.stop();
});

test('an invalid parent is reported once, and reconciled when it is corrected', async () => {
  const operator = await startToyOperator(plane.kubeconfig, 'only');
  await put('wrong', 'many');
  await eventually(() => assert.ok(operator.reconciled.includes('default/wrong')));
  await sleep(1_500);
  assert.equal(operator.reconciled.filter((key) => key === 'default/wrong').length, 1);
  await eventually(async () => {
    assert.match(
      await plane.kubectl('describe', 'configmap', 'wrong'),
      /Warning +Wrong .*toy +count is no number/,
    );
  });
  await put('wrong', '1', 'x');
  await eventually(() => assertChildren({ wrong: [1, 'x'] }));
  await operator.stop();
});

test('two replicas converge through random faults, partitions and a killed API server', async (context) => {
  const proxies = [await startFaultProxy(plane), await startFaultProxy(plane)];
  const operators = await Promise.all(
    proxies.map((proxy, i) => startToyOperator(proxy.kubeconfig, `replica-${i}`)),
  );
  const faults: Fault[] = [
    { answer: 503 },
    { answer: 500 },
    { answer: 429, headers: { 'retry-after': '1' } },
    { answer: 410, reason: 'Expired' },
    { drop: 'at once' },
    { drop: 'afterwards' },
    { delayMs: 700 },
  ];
  const pick = <E>(list: readonly E[]): E | undefined => list[Math.floor(Math.random() * list.length)];
  for (const proxy of proxies) proxy.setRule(() => (Math.random() < 0.3 ? pick(faults) : undefined));

  const wanted: Record<string, [number, string]> = {};
  const end = performance.now() + 15_000;
  const restart = sleep(5_000).then(() => plane.restartApiServer({ signal: 'SIGKILL', downMs: 1_000 }));
  let rounds = 0;
  while (performance.now() < end) {
    const name = `p${Math.floor(Math.random() * 5)}`;
    const want: [number, string] = [Math.floor(Math.random() * 5), `round ${++rounds}`];
    await put(name, String(want[0]), want[1]).then(
      () => {
        wanted[name] = want;
      },
      // The API server is away; whether it was written will be seen.
      async () => {
        await restart;
        await put(name, String(want[0]), want[1]);
        wanted[name] = want;
      },
    );
    const proxy = pick(proxies);
    proxy?.cutWatches();
    if (rounds % 5 === 0) {
      proxy?.partition(true);
      await sleep(Math.random() * 3_000);
      proxy?.partition(false);
      proxy?.dropAll();
    }
    await sleep(Math.random() * 200);
  }
  await restart;
  for (const proxy of proxies) proxy.setRule();
  const calm = performance.now();
  await eventually(() => assertChildren(wanted), 60_000);
  context.diagnostic(
    `${rounds} changes; converged ${Math.round(performance.now() - calm)} ms after the last fault`,
  );
  await eventually(() => assert.equal(operators.filter((operator) => operator.isLeader()).length, 1));
  await Promise.all(operators.map((operator) => operator.stop()));
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
});
