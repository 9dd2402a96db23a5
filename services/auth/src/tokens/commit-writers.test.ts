import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import type { GroupCommitWriter, WriterSessionRepo, WriterSessions } from '@im/store';
import { eventually } from '@im/testing';
import { commitWriters } from './commit-writers.ts';

function harness(
  others: () => WriterSessions[] = () => [],
  renewed: () => Promise<void> = async () => {},
  allOrNone = true,
) {
  const log = silentLogger();
  const tasks = createTaskRunner({ log, metrics: createMetrics() });
  let opened = 0;
  const open = (): GroupCommitWriter => ({
    sessionId: new Uint8Array([opened++]),
    write: async () => true,
    writeAllOrNone: async () => true,
    close: async () => undefined,
  });
  const stored: WriterSessions[] = [];
  const ended: string[] = [];
  const sessions: WriterSessionRepo = {
    async renew(own) {
      await renewed();
      stored.push(own);
    },
    others: async () => others(),
    async end(stale) {
      ended.push(...stale.map(({ process }) => process));
    },
    removeOld: async () => undefined,
  };
  const writers = commitWriters({
    groupCommit: { open, allOrNone },
    sessions,
    tasks,
    log,
    blockedMs: 10,
    deadAfterMs: 20,
  });
  return { writers, stored, ended, tasks };
}

test('sessions are stored before the first commit, and not with each', async () => {
  const { writers, stored, tasks } = harness();
  await writers.use(async ({ sessionId }) => {
    assert.equal(stored.length, 1);
    assert.ok(stored[0]?.sessionIds.includes(sessionId));
    return true;
  });
  for (let i = 0; i < 20; i++) assert.equal(await writers.use(async () => true), true);
  assert.equal(stored.length, 1);
  await tasks.stop();
});

test('nothing is committed while the sessions cannot be stored', async () => {
  const { writers, tasks } = harness(undefined, () => Promise.reject(new Error('away')));
  assert.equal(await writers.use(async () => assert.fail('committed')), undefined);
  await tasks.stop();
});

test('on a server that cannot do it nothing is committed', async () => {
  const { writers, stored, tasks } = harness(undefined, undefined, false);
  assert.equal(await writers.use(async () => assert.fail('committed')), undefined);
  assert.equal(stored.length, 0);
  await tasks.stop();
});

test('a commit that finds no free writer is left to its caller, at once', async () => {
  const { writers, tasks } = harness();
  const slow = Promise.withResolvers<boolean>();
  const used = [1, 2, 3].map(() => writers.use(() => slow.promise));
  assert.equal(await writers.use(async () => true), undefined);
  slow.resolve(true);
  assert.deepEqual(await Promise.all(used), [true, true, true]);
  assert.equal(await writers.use(async () => true), true);
  await tasks.stop();
});

test('a write that takes long ends the sessions of processes that show no life, and of no others', async () => {
  let beat = 0;
  const sessionIds = [new Uint8Array(16)];
  const others = () => [
    { process: 'alive', beat: beat++, sessionIds },
    { process: 'dead', beat: 7, sessionIds },
  ];
  const { writers, ended, tasks } = harness(others);
  await writers.watched(Promise.resolve());
  await sleep(60);
  assert.deepEqual(ended, [], 'a quick write looks for nothing');
  const write = Promise.withResolvers<void>();
  const watched = writers.watched(write.promise);
  await eventually(() => assert.deepEqual(ended, ['dead']));
  write.resolve();
  await watched;
  await tasks.stop();
});
