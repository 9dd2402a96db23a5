import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@im/dev-kubernetes';
import { createLogger, createMetrics, notReady, READY } from '@im/process';
import type { ControllerOptions } from './controller.ts';
import { createController } from './controller.ts';
import { ApiError, TerminalError } from './errors.ts';
import type { ChangeListener, Informer } from './informer.ts';
import { keyOf, ownerKeys } from './keys.ts';
import type { KubeObject, Stored } from './objects.ts';
import { DEPLOYMENT, POD } from './resource-types.ts';
import { createStore } from './store.ts';

function make(reconcile: ControllerOptions['reconcile'], options: Partial<ControllerOptions> = {}) {
  const lines: string[] = [];
  const log = createLogger({ level: 'debug', stream: { write: (line) => lines.push(line) } });
  const metrics = createMetrics();
  const backoff = { baseMs: 10, maxMs: 20 };
  const controller = createController({ name: 'test', reconcile, log, metrics, backoff, ...options });
  const stop = new AbortController();
  const results = async () =>
    Object.fromEntries(
      (await metrics.values('openim_operator_reconciles_total')).map(({ labels, value }) => [
        labels.result,
        value,
      ]),
    );
  return { controller, stop, lines, results };
}

/** An informer with a given content. */
function fakeInformer() {
  const store = createStore<KubeObject>();
  const listeners = new Set<ChangeListener<KubeObject>>();
  const synced = Promise.withResolvers<void>();
  let isSynced = false;
  const informer: Informer<KubeObject> = {
    ...store,
    size: 0,
    type: POD,
    run: async () => {},
    synced: synced.promise,
    hasSynced: () => isSynced,
    ready: () => (isSynced ? READY : notReady('not yet')),
    ageMs: () => 0,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return {
    informer,
    sync() {
      isSynced = true;
      synced.resolve();
    },
    change(before: Stored<KubeObject> | undefined, after: Stored<KubeObject> | undefined) {
      for (const listener of listeners) listener(before, after);
    },
  };
}

function child(name: string, owner?: string): Stored<KubeObject> {
  const ownerReferences = owner
    ? [{ apiVersion: 'apps/v1', kind: 'Deployment', name: owner, uid: owner }]
    : [];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'n', uid: name, resourceVersion: '1', ownerReferences },
  };
}

test('a conflict is repeated without a word and is no failure', async () => {
  let runs = 0;
  const { controller, stop, lines, results } = make(async () => {
    runs++;
    if (runs < 4) throw new ApiError({ status: 409, reason: 'Conflict', message: 'modified' });
    return {};
  });
  controller.enqueue('a/b');
  const running = controller.run(stop.signal);
  await eventually(() => assert.equal(runs, 4));
  await eventually(async () => assert.deepEqual(await results(), { conflict: 3, success: 1 }));
  stop.abort();
  await running;
  assert.deepEqual(
    lines.filter((line) => /"level":"?(warn|error|40|50)/.test(line)),
    [],
  );
});

test('failures are repeated until success; a result asks for another time', async () => {
  const at: number[] = [];
  const { controller, stop, results, lines } = make(async () => {
    at.push(performance.now());
    if (at.length < 3) throw new Error('not yet');
    if (at.length === 4) stop.abort();
    return { requeueAfterMs: 50 };
  });
  controller.enqueue('n/a');
  await controller.run(stop.signal);
  assert.equal(at.length, 4);
  assert.ok((at[3] ?? 0) - (at[2] ?? 0) >= 49);
  assert.deepEqual(await results(), { error: 2, success: 2 });
  assert.match(lines.join(), /"key":"n\/a".*not yet.*"failures":2/);
});

test('a terminal error is not repeated before the next change', async () => {
  let runs = 0;
  const { controller, stop, results } = make(async () => {
    runs++;
    throw new TerminalError('the spec makes no sense');
  });
  controller.enqueue('n/a');
  const running = controller.run(stop.signal);
  await sleep(80);
  assert.equal(runs, 1);
  controller.enqueue('n/a');
  await eventually(async () => assert.deepEqual(await results(), { terminal: 2 }));
  assert.equal(runs, 2);
  stop.abort();
  await running;
});

test('a reconcile is aborted at its deadline and retried', async () => {
  let runs = 0;
  const { controller, stop, lines } = make(
    async (_key, signal) => {
      if (++runs === 2) stop.abort();
      await sleep(10_000, undefined, { signal });
      return undefined;
    },
    { deadlineMs: 30 },
  );
  controller.enqueue('n/a');
  await controller.run(stop.signal);
  assert.equal(runs, 2);
  assert.match(lines.join(), /reached its deadline/);
});

test('a stop cuts reconciles short, awaits them, and leaves them to the next run', async () => {
  let ended = 0;
  let runs = 0;
  const first = make(async (_key, signal) => {
    runs++;
    if (runs === 2) {
      next.abort();
      return undefined;
    }
    setTimeout(() => first.stop.abort(), 10);
    await sleep(10_000, undefined, { signal }).catch(() => {});
    await sleep(30);
    ended++;
    throw new Error('cut short');
  });
  const next = new AbortController();
  first.controller.enqueue('n/a');
  await first.controller.run(first.stop.signal);
  assert.equal(ended, 1);
  await first.controller.run(next.signal);
  assert.equal(runs, 2);
  assert.deepEqual(await first.results(), { stopped: 1, success: 1 });
});

test('nothing is reconciled before all informers have synced', async () => {
  const [one, two] = [fakeInformer(), fakeInformer()];
  const seen: string[] = [];
  const { controller, stop } = make(async (key) => {
    seen.push(key);
    return undefined;
  });
  controller.watches(one.informer);
  controller.watches(two.informer);
  const running = controller.run(stop.signal);
  one.sync();
  one.change(undefined, child('a'));
  await sleep(20);
  assert.deepEqual(seen, []);
  two.sync();
  await eventually(() => assert.deepEqual(seen, ['n/a']));
  stop.abort();
  await running;

  const never = make(async () => undefined);
  never.controller.watches(fakeInformer().informer);
  setTimeout(() => never.stop.abort(), 10);
  await never.controller.run(never.stop.signal);
});

test('children lead to their owners, before and after a change; irrelevant changes to none', async () => {
  const children = fakeInformer();
  children.sync();
  const seen: string[] = [];
  const { controller, stop } = make(async (key) => {
    seen.push(key);
    return undefined;
  });
  controller.watches(children.informer, ownerKeys(DEPLOYMENT));
  const running = controller.run(stop.signal);
  children.change(child('a', 'old'), child('a', 'new'));
  children.change(child('b'), undefined);
  await eventually(() => assert.deepEqual(seen, ['n/old', 'n/new']));

  const others = fakeInformer();
  controller.watches(
    others.informer,
    undefined,
    (_before, after) => after !== undefined && keyOf(after) === 'n/c',
  );
  others.change(undefined, child('d'));
  others.change(undefined, child('c'));
  await eventually(() => assert.deepEqual(seen.slice(2), ['n/c']));
  stop.abort();
  await running;
});
