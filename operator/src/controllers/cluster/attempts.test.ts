import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, type Stored } from '@im/kube';
import type { OpenIMCluster } from '../../resources/kinds.ts';
import { Attempts } from './attempts.ts';

const object = { kind: 'Ingress', metadata: { name: 'chat-gateway' } };
const { signal } = new AbortController();
const cluster = (generation: number) =>
  ({ metadata: { namespace: 'im', name: 'chat', generation } }) as Stored<OpenIMCluster>;
const answer = (status: number) => new ApiError({ status, reason: '', message: `answer ${status}` });

function setUp() {
  let [now, requests] = [0, 0];
  const attempts = new Attempts(() => now);
  return {
    attempts,
    at: (ms: number) => {
      now = ms;
    },
    requests: () => requests,
    async run(body: object, status: number | undefined, generation = 1) {
      const pass = attempts.of(cluster(generation));
      const work = async () => {
        requests++;
        if (status !== undefined) throw answer(status);
        return 'done';
      };
      return { attempted: await pass.run(object, body, work, signal), retryInMs: pass.retryInMs };
    },
  };
}

test('a refused request is repeated after waits that double up to two minutes; its problem stays known', async () => {
  const { run, at, requests } = setUp();
  const waits: number[] = [];
  let now = 0;
  for (let i = 0; i < 7; i++) {
    const { attempted, retryInMs } = await run({}, 422);
    assert.ok('problem' in attempted && attempted.problem.kind === 'refused');
    assert.equal(requests(), i + 1);
    waits.push(retryInMs);
    at(now + retryInMs - 1);
    assert.ok('problem' in (await run({}, 422)).attempted);
    assert.equal(requests(), i + 1, 'not repeated early');
    now += retryInMs;
    at(now);
  }
  assert.deepEqual(waits, [5_000, 10_000, 20_000, 40_000, 80_000, 120_000, 120_000]);
});

test('a changed request, a changed spec and a success start again', async () => {
  const { run, requests } = setUp();
  await run({ a: 1 }, 422);
  await run({ a: 2 }, 422);
  assert.equal(requests(), 2);
  await run({ a: 2 }, 422, 2);
  assert.equal(requests(), 3);
  const { attempted, retryInMs } = await run({ a: 3 }, undefined, 2);
  assert.deepEqual([attempted, retryInMs], [{ value: 'done' }, Number.POSITIVE_INFINITY]);
  assert.equal((await run({ a: 3 }, 500, 2)).retryInMs, 1_000, 'a failure is repeated sooner');
});

test('a conflict is returned and not kept', async () => {
  const { run, requests } = setUp();
  assert.ok('conflict' in (await run({}, 409)).attempted);
  assert.ok('value' in (await run({}, undefined)).attempted);
  assert.equal(requests(), 2);
});

test('a request that is not made any more does not ask for a repetition', async () => {
  const { attempts, run } = setUp();
  await run({}, 422);
  assert.equal(attempts.of(cluster(1)).retryInMs, Number.POSITIVE_INFINITY);
});
