import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withProgress } from './progress.ts';

test('short work says nothing; long work says what it does and how long it took', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const lines: string[] = [];
  const print = (line: string): void => void lines.push(line);
  assert.equal(await withProgress('quick', async () => 7, print), 7);
  assert.deepEqual(lines, []);

  const work = Promise.withResolvers<void>();
  const done = withProgress(
    'slow',
    async (progress) => {
      progress.doing('downloading');
      await work.promise;
    },
    print,
  );
  t.mock.timers.tick(2_000);
  t.mock.timers.tick(8_000);
  work.resolve();
  await done;
  assert.deepEqual(lines, ['[slow] downloading (0 s)', '[slow] downloading (0 s)', '[slow] done (0 s)']);
});

test('failed work stops talking and fails', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const lines: string[] = [];
  const failing = withProgress(
    'bad',
    async () => Promise.reject(new Error('no')),
    (line) => lines.push(line),
  );
  await assert.rejects(failing, /no/);
  t.mock.timers.tick(60_000);
  assert.deepEqual(lines, []);
});
