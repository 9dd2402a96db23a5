import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBackground } from './background.ts';
import { createLogger } from './log.ts';
import { createMetrics } from './metrics.ts';

function runner() {
  const lines: string[] = [];
  const metrics = createMetrics();
  const log = createLogger({ level: 'info', stream: { write: (line) => lines.push(line) } });
  return { background: createBackground({ log, metrics }), lines, metrics };
}

test('a loop that fails or returns is started again, and its failures are told', async () => {
  const { background, lines, metrics } = runner();
  let runs = 0;
  const third = Promise.withResolvers<void>();
  background.loop(
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
  await background.stop();
  assert.equal(runs, 3);
  assert.equal(lines.length, 1, lines.join());
  assert.match(lines[0] ?? '', /"task":"flaky".*boom/);
  assert.equal((await metrics.values('im_background_failures_total'))[0]?.value, 1);
});

test('single tasks are bounded by name, and a failure does not escape', async () => {
  const { background, lines, metrics } = runner();
  const gate = Promise.withResolvers<void>();
  assert.equal(
    background.spawn('t', () => gate.promise, { limit: 1 }),
    true,
  );
  assert.equal(
    background.spawn('t', async () => {}, { limit: 1 }),
    false,
  );
  assert.equal((await metrics.values('im_background_refused_total'))[0]?.value, 1);
  gate.reject(new Error('later'));
  await sleep(1);
  assert.match(lines.join(), /later/);
  assert.equal(
    background.spawn('t', async () => {}, { limit: 1 }),
    true,
  );
  await background.stop();
});

test('periodic work never overlaps', async () => {
  const { background } = runner();
  let running = 0;
  let runs = 0;
  background.every('tick', 2, async () => {
    assert.equal(++running, 1);
    await sleep(5);
    running--;
    runs++;
  });
  await sleep(50);
  await background.stop();
  assert.ok(runs >= 2, `${runs} runs`);
});

test('stopping waits for every task, then nothing starts', async () => {
  const { background } = runner();
  let ended = false;
  background.spawn('slow', async (signal) => {
    await sleep(60_000, undefined, { signal }).catch(() => undefined);
    await sleep(10);
    ended = true;
  });
  await background.stop();
  assert.equal(ended, true);
  assert.equal(
    background.spawn('late', async () => {}),
    false,
  );
});
