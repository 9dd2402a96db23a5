import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Daemons } from './daemons.ts';

let dir: string;
let daemons: Daemons;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'openim-daemons-'));
  daemons = new Daemons({ pids: join(dir, 'pids'), logs: join(dir, 'logs') }, 1_000);
});
after(() => rm(dir, { recursive: true }));

const pidOf = async (name: string): Promise<number> =>
  JSON.parse(await readFile(join(dir, 'pids', `${name}.json`), 'utf8')).pid;
const shell = (name: string, script: string) => ({ name, command: '/bin/sh', args: ['-c', script] });

test('a daemon is started once, found by any process, and stopped', async () => {
  const spec = shell('once', 'echo hello $NAME; exec sleep 60');
  await daemons.start({ ...spec, env: { NAME: 'there' } });
  const pid = await pidOf('once');
  const later = new Daemons({ pids: join(dir, 'pids'), logs: join(dir, 'logs') });
  assert.ok(await later.isRunning('once'));
  await later.start(spec);
  assert.equal(await pidOf('once'), pid);
  await later.untilReady('once', 5_000, async () =>
    assert.match(await readFile(later.logFile('once'), 'utf8'), /hello there/),
  );
  await later.stop(['once', 'never-started']);
  assert.equal(await daemons.isRunning('once'), false);
});

test('a process that has the pid by chance is left alone', async () => {
  await daemons.start(shell('victim', 'exec sleep 60'));
  const pid = await pidOf('victim');
  await writeFile(join(dir, 'pids', 'gone.json'), JSON.stringify({ pid, startTicks: '1' }));
  assert.equal(await daemons.isRunning('gone'), false);
  await daemons.stop(['gone']);
  assert.ok(await daemons.isRunning('victim'));
  await daemons.stop(['victim']);
});

test('the end of a daemon ends the wait for it, with the end of its log', async () => {
  await daemons.start(shell('broken', 'echo no such flag; exit 1'));
  const startedAt = performance.now();
  await assert.rejects(
    daemons.untilReady('broken', 30_000, () => Promise.reject(new Error('no answer'))),
    /broken ended: no answer\n--- end of .*broken\.log ---\nno such flag/,
  );
  assert.ok(performance.now() - startedAt < 10_000);
});

test('one that ignores SIGTERM is killed', { timeout: 30_000 }, async () => {
  await daemons.start(shell('deaf', 'trap "" TERM; while :; do sleep 0.1; done'));
  await sleep(200);
  await daemons.stop(['deaf']);
  assert.equal(await daemons.isRunning('deaf'), false);
});
