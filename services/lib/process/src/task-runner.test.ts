import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from './log.ts';
import { createMetrics } from './metrics.ts';
import { createTaskRunner } from './task-runner.ts';

function runner() {
  const lines: string[] = [];
  const metrics = createMetrics();
  const log = createLogger({ level: 'info', stream: { write: (line) => lines.push(line) } });
  return { tasks: createTaskRunner({ log, metrics }), lines, metrics };
}

test('a loop that fails or returns is started again, and its failures are reported', async () => {
  const { tasks, lines, metrics } = runner();
  let runs = 0;
  const third = Promise.withResolvers<void>();
  tasks.loop(
    'flaky',
    async (signal) => {
      runs++;
      if (runs === 1) throw new Error('boom');
      if (runs === 2) return;
      third.resolve();
      await sleep(60_000, undefined, { signal });
    },
    { baseMs: 1 },
  );
  await third.promise;
  await tasks.stop();
  assert.equal(runs, 3);
  assert.equal(lines.length, 1, lines.join());
  assert.match(lines[0] ?? '', /"task":"flaky".*boom/);
  assert.equal((await metrics.values('openim_background_failures_total'))[0]?.value, 1);
});

test('single tasks are bounded by name, and a failure does not escape', async () => {
  const { tasks, lines, metrics } = runner();
  const gate = Promise.withResolvers<void>();
  const refusals: string[] = [];
  const options = { limit: 1, onRefused: (reason: string) => refusals.push(reason) };
  tasks.spawn('t', () => gate.promise, options);
  tasks.spawn('t', async () => assert.fail('beyond the limit'), options);
  assert.deepEqual(refusals, ['limit']);
  assert.equal((await metrics.values('openim_background_refused_total'))[0]?.value, 1);
  gate.reject(new Error('later'));
  await sleep(1);
  assert.match(lines.join(), /later/);
  let ran = false;
  tasks.spawn(
    't',
    async () => {
      ran = true;
    },
    options,
  );
  await tasks.stop();
  assert.ok(ran, 'its place is free again');
  assert.deepEqual(refusals, ['limit']);
});

test('a refusal cannot be left out of account', async () => {
  const { tasks } = runner();
  // @ts-expect-error: the caller of spawn says what happens when it is refused.
  tasks.spawn('t', async () => {}, { limit: 1 });
  await tasks.stop();
});

test('coalesced work runs once more after its end, however often it was asked for meanwhile', async () => {
  const { tasks } = runner();
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let started = 0;
  let running = 0;
  const ask = tasks.coalesce('again', async () => {
    assert.equal(++running, 1);
    await gates[started++]?.promise;
    running--;
    if (started === 1) throw new Error('a failure does not end it');
  });
  ask();
  for (let i = 0; i < 10; i++) ask();
  assert.equal(started, 1);
  gates[0]?.resolve();
  while (started < 2) await sleep(1);
  gates[1]?.resolve();
  while (running > 0) await sleep(1);
  await sleep(5);
  assert.equal(started, 2, 'asked for ten times while one ran');
  ask();
  assert.equal(started, 3, 'at once when none runs');
  await tasks.stop();
  ask();
  assert.equal(started, 3, 'not when the process stops');
});

test('periodic work never overlaps', async () => {
  const { tasks } = runner();
  let running = 0;
  let runs = 0;
  tasks.every('tick', 2, async () => {
    assert.equal(++running, 1);
    await sleep(5);
    running--;
    runs++;
  });
  while (runs < 2) await sleep(1);
  await tasks.stop();
});

test('stopping waits for every task, then nothing starts', async () => {
  const { tasks } = runner();
  let ended = false;
  const slow = async (signal: AbortSignal) => {
    await sleep(60_000, undefined, { signal }).catch(() => undefined);
    await sleep(10);
    ended = true;
  };
  tasks.spawn('slow', slow, { onRefused: () => assert.fail('refused') });
  await tasks.stop();
  assert.equal(ended, true);
  let refused = '';
  tasks.spawn('late', async () => {}, {
    onRefused: (reason) => {
      refused = reason;
    },
  });
  assert.equal(refused, 'stopping');
});
