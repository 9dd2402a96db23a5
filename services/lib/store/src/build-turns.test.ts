import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep } from '@im/kit';
import { BuildTurns, MAX_OVERDUE } from './build-turns.ts';

/** Builds that end when they are told to. */
function startBuilds(turns: BuildTurns, count: number) {
  const begun: PromiseWithResolvers<void>[] = [];
  const ended = Array.from({ length: count }, () =>
    turns.use(() => {
      const build = Promise.withResolvers<void>();
      begun.push(build);
      return build.promise;
    }),
  );
  const untilBegun = async (number: number) => {
    while (begun.length < number) await sleep(1);
  };
  return { begun, ended, untilBegun };
}

test('builds have their turns one after the other, whether the one before succeeds or not', async () => {
  const { begun, ended, untilBegun } = startBuilds(new BuildTurns(), 3);
  await untilBegun(1);
  begun[0]?.reject(new Error('refused'));
  await assert.rejects(ended[0] as Promise<void>, /refused/);
  await untilBegun(2);
  await sleep(5);
  assert.equal(begun.length, 2);
  begun[1]?.resolve();
  await untilBegun(3);
  begun[2]?.resolve();
  await ended[2];
});

test('builds that never end keep no other waiting, until there are too many of them', async () => {
  const { begun, ended, untilBegun } = startBuilds(new BuildTurns({ turnMs: 1 }), MAX_OVERDUE + 3);
  await untilBegun(MAX_OVERDUE + 1);
  await sleep(5);
  assert.equal(begun.length, MAX_OVERDUE + 1);
  begun[0]?.resolve();
  await untilBegun(MAX_OVERDUE + 2);
  await sleep(5);
  assert.equal(begun.length, MAX_OVERDUE + 2);
  for (let n = 1; n < MAX_OVERDUE + 3; n++) {
    await untilBegun(n + 1);
    begun[n]?.resolve();
  }
  await Promise.all(ended);
});
