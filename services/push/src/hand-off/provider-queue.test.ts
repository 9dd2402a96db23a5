import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allOf, type Device, type Notification, type Outcome } from '@im/push-providers';
import { fakeProvider } from '../../test/fake-provider.ts';
import { ProviderQueue } from './provider-queue.ts';

const notification: Notification = {
  tenant: 't1',
  operationID: 'op',
  title: 'a',
  body: 'b',
  sound: '',
  ttlSeconds: 1,
  collapseID: 'c',
  id: 'd',
  data: {},
};
const devices = (count: number): Device[] =>
  Array.from({ length: count }, (_, i) => ({ userID: `u${i}`, platformID: 2, kind: 'fcm', token: `t${i}` }));
const limits = { concurrency: 4, devicesPerSecond: 0 };
const kinds = async (outcomes: readonly { outcomes: Promise<readonly Outcome[]> }[]) =>
  (await Promise.all(outcomes.map((one) => one.outcomes))).flat().map(({ kind }) => kind);

test('devices go in parts of what the provider takes at once, a few requests at a time', async () => {
  let running = 0;
  let most = 0;
  const provider = fakeProvider({
    maxDevices: 3,
    async answer({ devices: part }) {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      return allOf(part, { kind: 'taken' });
    },
  });
  const queue = new ProviderQueue({ provider, limits });
  assert.deepEqual(await kinds(queue.submit(notification, devices(31))), Array(31).fill('taken'));
  assert.deepEqual([provider.pushed.length, most, queue.waiting], [11, 4, 0]);
});

test('no more devices are in doubt than requests are allowed, however slowly outcomes are kept', async () => {
  let doubtful = 0;
  let most = 0;
  const provider = fakeProvider({
    async answer({ devices: part }) {
      doubtful += part.length;
      most = Math.max(most, doubtful);
      return allOf(part, { kind: 'taken' });
    },
  });
  const queue = new ProviderQueue({ provider, limits });
  const submissions = queue.submit(notification, devices(50), async (part) => {
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    doubtful -= part.length;
  });
  assert.deepEqual(await kinds(submissions), Array(50).fill('taken'));
  assert.deepEqual([most, doubtful], [4, 0]);
});

test('outcomes that cannot be kept hold up no other devices', async () => {
  const queue = new ProviderQueue({ provider: fakeProvider(), limits });
  const submissions = queue.submit(notification, devices(20), async ([device]) => {
    if (device?.userID === 'u0') throw new Error('the store is away');
  });
  const found = await Promise.allSettled(submissions.map(({ outcomes }) => outcomes));
  assert.equal(found.filter(({ status }) => status === 'rejected').length, 1);
});

test('what a provider cannot take now waits in bounded number', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const provider = fakeProvider({
    async answer({ devices: part }) {
      await promise;
      return allOf(part, { kind: 'taken' });
    },
  });
  const queue = new ProviderQueue({ provider, limits });
  const submissions = queue.submit(notification, devices(3_000));
  assert.equal(queue.waiting, 2_000);
  resolve();
  const found = await kinds(submissions);
  assert.deepEqual(
    [found.filter((kind) => kind === 'taken').length, found.filter((kind) => kind === 'later').length],
    [2_004, 996],
  );
});

test('while a provider asks for a pause, everything is put off at once', async () => {
  const provider = fakeProvider({
    answer: ({ devices: part }, call) =>
      allOf(
        part,
        call === 1 ? { kind: 'later', reason: 'x', afterMs: 60_000, provider: true } : { kind: 'taken' },
      ),
  });
  const queue = new ProviderQueue({ provider, limits: { ...limits, concurrency: 1 } });
  const outcomes = await Promise.all(queue.submit(notification, devices(5)).map((one) => one.outcomes));
  assert.equal(provider.pushed.length, 1);
  for (const [outcome] of outcomes) assert.ok(outcome?.kind === 'later' && outcome.afterMs >= 55_000);
  assert.ok(queue.paused);
  assert.deepEqual(await kinds(queue.submit(notification, devices(1))), ['later']);
  assert.equal(provider.pushed.length, 1);
});

test('a provider that does not answer is left alone after a few calls', async () => {
  const errors: unknown[] = [];
  const provider = fakeProvider({ answer: () => new Promise(() => {}) });
  const queue = new ProviderQueue({ provider, limits, callMs: 20, onError: (error) => errors.push(error) });
  assert.deepEqual(await kinds(queue.submit(notification, devices(40))), Array(40).fill('later'));
  assert.ok(provider.pushed.length < 12, `${provider.pushed.length} calls`);
  assert.ok(queue.paused && errors.length === provider.pushed.length);
});

test('what waits can be withdrawn; what was sent keeps its outcome', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const provider = fakeProvider({
    async answer({ devices: part }) {
      await promise;
      return allOf(part, { kind: 'taken' });
    },
  });
  const queue = new ProviderQueue({ provider, limits: { ...limits, concurrency: 1 } });
  const submissions = queue.submit(notification, devices(3));
  queue.withdraw(submissions);
  resolve();
  assert.deepEqual(await kinds(submissions), ['taken', 'later', 'later']);
  assert.equal(queue.waiting, 0);
});

test('a rate limits devices, not requests', async () => {
  const provider = fakeProvider({ maxDevices: 10 });
  const queue = new ProviderQueue({ provider, limits: { concurrency: 4, devicesPerSecond: 100 } });
  const started = performance.now();
  await kinds(queue.submit(notification, devices(120)));
  assert.ok(performance.now() - started >= 150, 'the burst is 100, the rest waits');
});
