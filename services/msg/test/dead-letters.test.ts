import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decode, encode, type log, make } from '@im/protocol';
import { type DeadLetterRepo, deadLetterRepo, msgRows, parkedRecordRepo } from '@im/store';
import { buildRecord, dedupKey } from '../src/send/record.ts';
import { by, byAdmin, type Fixture, ONE, startFixture, TWO, text } from './harness.ts';

let f: Fixture;
let letters: DeadLetterRepo;
before(async () => {
  f = await startFixture();
  letters = deadLetterRepo(f.store);
});
after(() => f?.[Symbol.asyncDispose]());

const CHAT = 'si_a_b';

/** The record of a message, as the log had it when its row was refused. */
function recordOf(words: string): log.Record {
  const message = text('a', 'b', words, { sendTime: 1_000, options: { history: true } });
  const key = dedupKey(ONE, message);
  return buildRecord(by('a'), key, message, false, 0).record;
}

async function keep(position: number, record: Uint8Array, entry = 0, tenant = ONE): Promise<void> {
  const message = { conversationID: CHAT, sendID: 'a', contentType: 101 };
  const known = entry < 0 ? {} : { message };
  await letters.add({ tenant, position, entry, reason: 'refused', record, partition: 0, ...known });
}

const list = async (limit = 0, cursor = '', ctx = byAdmin()) =>
  await f.msg.searchDeadLetters(ctx, make('msg.SearchDeadLettersReq', { limit, cursor }));
const retry = (id: string, ctx = byAdmin()) =>
  f.msg.replayDeadLetter(ctx, make('msg.ReplayDeadLetterReq', { id }));

test('they are listed page by page without what they say, and read one by one', async () => {
  for (const [position, words] of [
    [9, 'nine'],
    [10, 'ten'],
    [100, 'hundred'],
  ] as const)
    await keep(position, encode('log.Record', recordOf(words)));
  const first = await list(2);
  assert.deepEqual(
    first.letters.map(({ id, conversationID, sendID, reason, message }) => [
      id,
      conversationID,
      sendID,
      reason,
      message,
    ]),
    [
      ['100:0', CHAT, 'a', 'refused', null],
      ['10:0', CHAT, 'a', 'refused', null],
    ],
  );
  const rest = await list(2, first.cursor);
  assert.deepEqual([rest.letters.map(({ id }) => id), rest.cursor], [['9:0'], '']);
  const { letter } = await f.msg.getDeadLetter(byAdmin(), make('msg.GetDeadLetterReq', { id: '10:0' }));
  assert.match(Buffer.from(letter?.message?.content ?? []).toString(), /ten/);
  assert.deepEqual((await list(0, '', byAdmin({ tenant: TWO }))).letters, []);
  for (const [id, code, ctx] of [
    ['7:0', 1004, byAdmin()],
    ['10:0', 1004, byAdmin({ tenant: TWO })],
    ['x', 1001, byAdmin()],
    ['10:0', 1002, by('a')],
  ] as const)
    await assert.rejects(retry(id, ctx), { code }, id);
  await assert.rejects(list(1, 'x'), { code: 1001 });
});

test('a retry stores the message as the newest of its conversation, and ends the letter', async () => {
  const record = recordOf('again');
  // What the record changed besides took effect when it was read.
  record.addedUserIDs = ['c'];
  await keep(20, encode('log.Record', record));
  const before = f.log.delivered.length;
  await retry('20:0');
  const [stored, ...more] = f.log.delivered.slice(before);
  assert.ok(stored && more.length === 0);
  assert.match(Buffer.from(stored.message.content).toString(), /again/);
  assert.deepEqual([stored.conversationID, stored.record.addedUserIDs], [CHAT, []]);
  assert.notDeepEqual(Buffer.from(stored.record.dedupKey), Buffer.from(record.dedupKey));
  const rows = await msgRows(f.store).bySeqs(ONE, [{ conversationID: CHAT, seqs: [stored.seq] }]);
  assert.equal(rows.length, 1);
  assert.ok(!(await list()).letters.some(({ id }) => id === '20:0'));
  await assert.rejects(retry('20:0'), { code: 1004 });
});

test('two retries of one letter have one key, and a retry without an end is shown', async () => {
  const bytes = encode('log.Record', recordOf('twice'));
  await keep(30, bytes);
  const before = f.log.delivered.length;
  await retry('30:0');
  await keep(30, bytes);
  await letters.beginRetry(ONE, '30:0', new Date(5_000));
  assert.equal((await list()).letters.find(({ id }) => id === '30:0')?.retryTime, 5_000);
  await retry('30:0');
  const keys = f.log.delivered
    .slice(before)
    .map(({ record }) => Buffer.from(record.dedupKey).toString('hex'));
  assert.equal(keys.length, 2);
  assert.equal(new Set(keys).size, 1);
});

test('a record that cannot be read goes into the log as it is, where its partition is known', async () => {
  const bytes = encode('log.Record', recordOf('of a newer version'));
  await keep(40, bytes, -1);
  const before = f.log.delivered.length;
  await retry('40:-1');
  assert.deepEqual(decode('log.Record', bytes), f.log.delivered[before]?.record);
  await letters.add({ tenant: ONE, position: 41, entry: -1, reason: 'damaged', record: Buffer.from('?') });
  await assert.rejects(retry('41:-1'), /kept by an earlier version/);
  const { letter } = await f.msg.getDeadLetter(byAdmin(), make('msg.GetDeadLetterReq', { id: '41:-1' }));
  assert.deepEqual([letter?.bytes, letter?.message, letter?.entry], [1, null, -1]);
  assert.equal(letter?.conversationID, '', 'what is not known is at its default');
});

test('what is parked is listed with the number of records that wait', async () => {
  const parked = parkedRecordRepo(f.store);
  const records = [1, 2, 3].map((position) => ({ position, timeMs: 1, record: Buffer.from('x') }));
  await parked.add({ tenant: ONE, conversation: 'a_b', partition: 3, fence: 1 }, 'contradiction', records);
  await parked.add(
    { tenant: ONE, conversation: 'c_d', partition: 4, fence: 1 },
    'contradiction',
    records.slice(0, 1),
  );
  await parked.add(
    { tenant: TWO, conversation: '', partition: 3, fence: 1 },
    'its database is down',
    records,
  );
  const ask = async (ctx: ReturnType<typeof byAdmin>, limit = 0, cursor = '') =>
    f.msg.searchParked(ctx, make('msg.SearchParkedReq', { limit, cursor }));
  const first = await ask(byAdmin(), 1);
  assert.deepEqual(
    first.parked.map(({ conversation, records: waiting, reason }) => [conversation, waiting, reason]),
    [['a_b', 3, 'contradiction']],
  );
  const { parked: rest, cursor } = await ask(byAdmin(), 1, first.cursor);
  assert.deepEqual([rest.map(({ conversation }) => conversation), cursor], [['c_d'], '']);
  assert.equal((await ask(byAdmin({ tenant: TWO }))).parked[0]?.conversation, '');
  await assert.rejects(ask(by('a')), { code: 1002 });
});
