import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Schedule, type Worker } from './schedule.ts';
import type { Lane, Suite } from './suites.ts';

const suite = (name: string, lane: Lane, files: number, concurrency = 1): Suite => ({
  name,
  lane,
  concurrency,
  files: Array.from({ length: files }, (_, i) => `${name}${i + 1}`),
  timeoutMs: 1_000,
});

/** Lets workers run all files, each until `end` names it, and checks at each step which ones run. */
function play(suites: readonly Suite[], workers: readonly Worker[]) {
  const schedule = new Schedule(suites);
  const running = new Map<string, () => void>();
  const run = ({ file }: { file: string }) =>
    new Promise<void>((resolve) => {
      running.set(file, resolve);
    });
  const done = Promise.all(workers.map((worker) => schedule.work(worker, run)));
  return {
    done,
    running: () => [...running.keys()].sort().join(' '),
    async end(file: string) {
      const resolve = running.get(file);
      assert.ok(resolve, `${file} runs`);
      running.delete(file);
      resolve();
      await new Promise((soon) => setImmediate(soon));
    },
  };
}

const FRONT: Worker = { lanes: ['packages', 'processes'] };
const BACK: Worker = { lanes: ['processes', 'packages'], fromEnd: true };

test('a worker whose lane is empty takes files of another one, from its end', async () => {
  const { end, running, done } = play(
    [suite('a', 'packages', 2), suite('b', 'packages', 1), suite('e', 'processes', 1)],
    [FRONT, BACK],
  );
  assert.equal(running(), 'a1 e1');
  await end('e1');
  assert.equal(running(), 'a1 b1');
  await end('a1');
  assert.equal(running(), 'a2 b1');
  await end('b1');
  await end('a2');
  await done;
});

test('a suite never has more files running than it allows, and its others run later', async () => {
  const one = play([suite('a', 'packages', 3)], [FRONT, BACK]);
  assert.equal(one.running(), 'a1');
  await one.end('a1');
  assert.equal(one.running(), 'a2');
  await one.end('a2');
  await one.end('a3');
  await one.done;

  const two = play([suite('a', 'packages', 3, 2)], [FRONT, BACK, FRONT]);
  assert.equal(two.running(), 'a1 a3');
  await two.end('a3');
  assert.equal(two.running(), 'a1 a2');
  await two.end('a1');
  await two.end('a2');
  await two.done;
});

test('of processes and of Kubernetes one file runs at a time, whichever suites they are of', async () => {
  for (const lane of ['processes', 'kubernetes'] as const) {
    const { end, running, done } = play(
      [suite('a', lane, 1), suite('b', lane, 1)],
      [{ lanes: [lane] }, { lanes: [lane] }],
    );
    assert.equal(running(), 'a1');
    await end('a1');
    assert.equal(running(), 'b1');
    await end('b1');
    await done;
  }
});

test('an error of a run is that of its worker, and others go on', async () => {
  const schedule = new Schedule([suite('a', 'packages', 1), suite('b', 'packages', 2)]);
  const ran: string[] = [];
  const run = async ({ file }: { file: string }) => {
    ran.push(file);
    if (file === 'a1') throw new Error('broken');
  };
  const [front, back] = await Promise.allSettled([schedule.work(FRONT, run), schedule.work(BACK, run)]);
  assert.equal(front.status, 'rejected');
  assert.equal(back.status, 'fulfilled');
  assert.deepEqual(ran.sort(), ['a1', 'b1', 'b2']);
});
