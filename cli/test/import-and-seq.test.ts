import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DeadLetter } from '@im/admin-api';
import { createBus } from '@im/bus';
import { parseConfig, tenantId } from '@im/contract';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { readDevState } from '../src/dev/state.ts';
import { EXIT } from '../src/exit-codes.ts';
import { type Dev, json, run, startDev } from './openimctl.ts';

const dir = mkdtempSync(join(tmpdir(), 'im-import-'));
const data = join(dir, 'data');
const here = ['--data-dir', data];

/** Appends bytes to the message log of a running dev, as a client of its NATS. */
async function appendToLog(dataDir: string, text: string): Promise<void> {
  const { stores } = readDevState(dataDir) ?? {};
  const { nats } = parseConfig({ nats: { servers: stores?.['nats.servers'] }, tenants: [] });
  const [log, metrics] = [silentLogger(), createMetrics()];
  const tasks = createTaskRunner({ log, metrics });
  const bus = createBus(nats, { log, metrics, tasks, instanceId: 'test' });
  await bus.start();
  try {
    await bus.log.append(tenantId('default'), bus.partitionOf('a_b'), Buffer.from(text));
  } finally {
    await bus.stop(AbortSignal.timeout(2_000));
    await tasks.stop();
  }
}

describe('import of users, and positions in conversations', () => {
  let dev: Dev;
  before(async () => {
    dev = await startDev(data);
  });
  after(async () => {
    await dev.end('SIGTERM');
    rmSync(dir, { recursive: true, force: true });
  });

  test('users of a file are created once; a dry run and a conflict write nothing', async () => {
    const file = join(dir, 'users.csv');
    const ids = Array.from({ length: 230 }, (_, index) => `user_${index}`);
    writeFileSync(file, `userID,nickname\r\n${ids.map((id) => `${id},"${id}, the user"`).join('\r\n')}\r\n`);
    const imported = ['user', 'import', ...here, '--file', file];
    assert.deepEqual(await json(...imported, '--dry-run'), {
      ...{ users: 230, wouldCreate: 230, skipped: 0, dryRun: true },
    });
    assert.equal((await run(['user', 'get', 'user_0', ...here])).code, EXIT.refused);

    await json('user', 'create', 'user_7', ...here);
    const stopped = await run(imported);
    assert.equal(stopped.code, EXIT.refused);
    assert.match(
      stopped.stderr,
      /1 of 230 users exist already: user_7 \(line 9\); nothing was written; --conflict skip/,
    );
    assert.equal((await run(['user', 'get', 'user_0', ...here])).code, EXIT.refused);

    const skipped = join(dir, 'skipped.csv');
    assert.deepEqual(await json(...imported, '--conflict', 'skip', '--skipped', skipped), {
      ...{ users: 230, created: 229, skipped: 1, dryRun: false },
    });
    assert.equal(
      readFileSync(skipped, 'utf8'),
      'userID,nickname,faceURL,ex\r\nuser_7,"user_7, the user",,\r\n',
    );
    const last = await run(['user', 'get', 'user_229', ...here, '-o', 'jsonpath={.user.nickname}']);
    assert.equal(last.stdout, 'user_229, the user\n');

    const faulty = await run(['user', 'import', ...here, '--file', '-'], { input: 'userID\nok\nnot ok\n' });
    assert.equal(faulty.code, EXIT.usage);
    assert.match(faulty.stderr, /--file: -: line 3: userID: not ok is not/);
  });

  test('bounds and read positions of a conversation are shown, and every seq of it is read', async () => {
    await json('user', 'create', 'alice', 'bob', ...here);
    const sent = ['send', ...here, '--from', 'alice', '--to', 'bob', '--count', '120', 'hello'];
    assert.equal((await run(sent)).code, EXIT.ok);
    const received = ['recv', ...here, '--as', 'bob', '--timeout', '1s'];
    await run(received);
    const chat = 'si_alice_bob';
    const seen = async () =>
      (await json<{ maxSeq: number }[]>('seq', 'inspect', 'bob', chat, ...here))[0] ?? { maxSeq: 0 };
    for (let at = 0; (await seen()).maxSeq < 120; at++) assert.ok(at < 50, 'all are stored');
    assert.deepEqual(await seen(), {
      conversationID: chat,
      minSeq: 1,
      maxSeq: 120,
      hasReadSeq: 0,
      unread: 120,
    });
    const [sender] = await json<{ unread: number }[]>('seq', 'inspect', 'alice', chat, ...here);
    assert.equal(sender?.unread, 0);

    const [audit] = await json<Record<string, unknown>[]>('seq', 'audit', 'bob', chat, ...here);
    assert.deepEqual(audit, {
      ...{ conversationID: chat, minSeq: 1, maxSeq: 120, hasReadSeq: 0, messages: 120, placeholders: 0 },
      ...{ gaps: [], doubled: 0, faults: [] },
    });
    const [lately] = await json<{ messages: number }[]>('seq', 'audit', 'bob', chat, '--last', '5', ...here);
    assert.equal(lately?.messages, 5);
  });

  test('dead letters are listed and retried', async () => {
    const listed = await json<{ deliveries: unknown[] }>('deadletter', 'list', ...here, '--since', '6h');
    assert.deepEqual(listed.deliveries, []);
    assert.deepEqual(await json('deadletter', 'retry', '--all', ...here), { replayed: 0 });
    const unnamed = await run(['deadletter', 'retry', ...here]);
    assert.equal(unnamed.code, EXIT.usage);
    assert.match(unnamed.stderr, /name a delivery, or all dead ones by --all; not both/);
    assert.equal(
      (await run(['deadletter', 'show', 'evt_missing', '--reason', 'a test', ...here])).code,
      EXIT.refused,
    );
  });

  test('messages that could not be stored are listed, shown and stored after all', async () => {
    const kinds = ['--kind', 'message'];
    const letters = async () =>
      (await json<{ letters: DeadLetter[] }>('deadletter', 'list', ...kinds, ...here)).letters;
    assert.deepEqual(await letters(), []);
    await appendToLog(data, 'not a record');
    for (let at = 0; (await letters()).length === 0; at++) assert.ok(at < 50, 'transfer keeps it');
    const [first] = await letters();
    assert.partialDeepStrictEqual(first, { isReadable: false, retryTime: 0 });
    const id = first?.letterID ?? '';
    assert.match((await run(['deadletter', 'list', ...kinds, ...here])).stdout, new RegExp(`^${id} `, 'm'));
    const shown = await run(['deadletter', 'show', id, '--reason', 'a test', ...here]);
    assert.match(shown.stdout, /^bytes: +12$/m, shown.stderr);
    const dry = await run(['deadletter', 'retry', '--all', ...kinds, ...here, '--dry-run']);
    assert.match(dry.stdout, /^messages: +1$/m, dry.stderr);
    // It still cannot be read, and is kept under another id.
    assert.deepEqual(await json('deadletter', 'retry', '--all', ...kinds, '--reason', 'mended', ...here), {
      retried: 1,
    });
    for (let at = 0; (await letters())[0]?.letterID === id || (await letters()).length === 0; at++)
      assert.ok(at < 50, 'transfer reads it again');
    const { records } = await json<{ records: { act: string; targetID: string; reason: string }[] }>(
      ...['audit', 'list', '--act', 'deadletter.retry', ...here],
    );
    assert.deepEqual(
      records.map(({ targetID, reason }) => [targetID, reason]),
      [[id, 'mended']],
    );
    assert.deepEqual(await json('deadletter', 'list', '--kind', 'parked', ...here), { parked: [] });
    const wrong = await run(['deadletter', 'list', ...kinds, '--event', 'x', ...here]);
    assert.equal(wrong.code, EXIT.usage);
  });
});
