import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { TenantId } from '@im/contract';
import { createMetrics } from '@im/process';
import {
  conversationSeqs,
  cronRunRepo,
  type MsgRow,
  messageCounter,
  msgRows,
  msgSearch,
  msgStats,
  type NewMsgRow,
  STATISTICS_JOB,
  statBatches,
  userRepo,
} from '../src/index.ts';
import { CONVERSATION_SEQS } from '../src/repos/conversation-seqs.ts';
import type { StatBatch } from '../src/repos/stat-batch.ts';
import { foldParts, STAT_PARTS } from '../src/repos/stat-part.ts';
import { DEDICATED, openStore, SHARED, startServers, type TestStore, untilReady } from './harness.ts';

const DAY_MS = 86_400_000;
/** Noon of a day long ago. */
const NOON = Date.UTC(2024, 1, 28, 12);

let servers: Awaited<ReturnType<typeof startServers>>;
let opened: TestStore;
/** Collections that were read, one entry per query. */
const queried: string[] = [];

before(async () => {
  servers = await startServers();
  opened = await openStore(servers.uris, {
    onCommand: ({ command }) => {
      const name: unknown = command.find ?? command.aggregate;
      if (typeof name === 'string') queried.push(name);
    },
  });
  await untilReady(opened.store);
});
beforeEach(() => {
  queried.length = 0;
});
after(async () => {
  await opened?.[Symbol.asyncDispose]();
  await servers?.stop();
});

/** Messages of one conversation, seq 1 and up, one per entry: who sent it and when. */
async function fill(
  tenant: TenantId,
  conversationID: string,
  messages: readonly (readonly [sendID: string, time: number])[],
): Promise<void> {
  const rows = messages.map(
    ([sendID, time], i): NewMsgRow => ({
      tenant,
      conversationID,
      seq: i + 1,
      dedupKey: Buffer.alloc(16, i),
      position: i + 1,
      msgData: Buffer.from('x'),
      sendID,
      recvID: sendID === 'a' ? 'b' : 'a',
      contentType: 101,
      sendTime: time,
      logTime: time,
    }),
  );
  await msgRows(opened.store).insert(rows);
}

/** Stores messages and counts them, as cron does. */
async function fillAndCount(
  tenant: TenantId,
  chats: Readonly<Record<string, readonly (readonly [sendID: string, time: number])[]>>,
): Promise<void> {
  for (const [conversationID, messages] of Object.entries(chats)) {
    await fill(tenant, conversationID, messages);
    const max = messages.length;
    await conversationSeqs(opened.store).apply([{ tenant, conversationID, max, src: max, maxTime: NOON }]);
  }
  const { signal } = new AbortController();
  const budget = { messages: 10_000, until: Number.POSITIVE_INFINITY, signal };
  assert.ok((await messageCounter(opened.store).count(tenant, 0, budget)).isComplete);
}

test('counts of messages are read for whole days, once, however often they are asked for', async () => {
  const [tenant, other] = SHARED;
  let now = Date.now();
  const stats = msgStats(opened.store, createMetrics(), { now: () => now });
  const period = { start: NOON - (NOON % DAY_MS), end: NOON + 2 * DAY_MS - (NOON % DAY_MS) };
  const unknown = await stats.bySender(tenant, period, false);
  assert.deepEqual([unknown.by.size, unknown.total, await stats.countedTo(tenant)], [0, 0, 0]);
  const [asked] = await cronRunRepo(opened.store).requests(10);
  assert.deepEqual(asked, { job: STATISTICS_JOB, tenant });

  await fillAndCount(tenant, {
    si_a_b: [
      ['a', NOON],
      ['b', NOON + DAY_MS],
      ['a', NOON + DAY_MS],
      ['a', now - 3 * 3_600_000],
    ],
    sg_g: [
      ['a', NOON],
      ['c', NOON],
    ],
  });
  await fillAndCount(other, { si_a_b: [['a', NOON]] });
  const singles = await stats.bySender(tenant, period, false);
  assert.deepEqual(
    [Object.fromEntries(singles.by), singles.days, singles.total],
    [{ a: 2, b: 1 }, { '2024-02-28': 1, '2024-02-29': 2 }, 3],
  );
  const all = await stats.bySender(tenant, period, true);
  assert.deepEqual([Object.fromEntries(all.by), all.total], [{ a: 3, b: 1, c: 1 }, 5]);
  assert.deepEqual(Object.fromEntries((await stats.byGroup(tenant, period)).by), { g: 2 });

  queried.length = 0;
  await Promise.all([stats.bySender(tenant, period, true), stats.byGroup(tenant, period)]);
  assert.deepEqual(new Set(queried), new Set(['stat_state']), 'results are kept');
  const half = { start: NOON + 1, end: period.end };
  assert.equal((await stats.bySender(tenant, half, true)).total, 5, 'days that are touched are whole');
  queried.length = 0;
  now += 2 * DAY_MS;
  assert.equal((await stats.bySender(tenant, { ...period, end: now }, false)).total, 4);
  assert.ok(!queried.includes('msg'), 'no message is looked at');
  await assert.rejects(stats.bySender(tenant, { start: 1, end: now }, false), {
    code: 1001,
    detail: /^start and end are more than/,
  });
});

test('callers at once share an answer, and one that is too large is refused', async () => {
  const [tenant] = DEDICATED;
  const from = (sendID: string) => [sendID, NOON] as const;
  await fillAndCount(tenant, { si_a_1: [from('a'), from('b')], si_a_2: [from('c')], sg_g: [from('d')] });
  const period = { start: NOON - 1, end: NOON + 1 };
  const quick = msgStats(opened.store, createMetrics());
  queried.length = 0;
  await Promise.all(Array.from({ length: 10 }, () => quick.bySender(tenant, period, false)));
  assert.equal(queried.filter((name) => name === 'stat_part').length, 2);
  const small = msgStats(opened.store, createMetrics(), { maxEntries: 0 });
  assert.equal((await small.bySender(tenant, period, false)).total, 3, 'one document is always read');
  const slow = msgStats(opened.store, createMetrics(), { answerMs: -1 });
  await assert.rejects(slow.byGroup(tenant, period), { code: 1001, detail: /closer together/ });
});

test('a batch follows the one that its maker saw, and is written once, by whichever process', async () => {
  const [, tenant] = SHARED;
  const { state, begin, apply } = statBatches(opened.store, tenant);
  const batchOf = (sendID: string, single: number): StatBatch => ({
    days: [
      {
        ...{ day: 1, single, group: 0, notification: 0, types: { 101: single } },
        users: { ids: [sendID], single: [single], group: [0] },
        groups: { ids: [], count: [] },
      },
    ],
    counted: { ids: ['si_a_z'], seqs: [single] },
    at: '',
  });
  await fill(tenant, 'si_a_z', [['a', NOON]]);
  await conversationSeqs(opened.store).apply([
    { tenant, conversationID: 'si_a_z', max: 9, src: 9, maxTime: NOON },
  ]);
  const seen = await state();
  assert.equal(await begin(seen, batchOf('a', 3), 1), true);
  const pending = await state();
  assert.deepEqual([pending.isPending, pending.batch], [true, seen.batch + 1]);
  assert.equal(await begin(pending, batchOf('b', 4), 1), false, 'the batch before is not written yet');
  await Promise.all([apply(), apply()]);
  await apply();
  assert.equal(await begin(seen, batchOf('late', 5), 1), false, 'another process was faster');
  const next = await state();
  assert.equal(await begin(next, batchOf('b', 4), 1), true);
  await apply();
  for (const old of [seen, pending, next]) assert.equal(await begin(old, batchOf('late', 5), 1), false);
  assert.deepEqual([(await state()).total, (await state()).isPending], [seen.total + 7, false]);
  // The other conversation of the tenant is of another day.
  const parts = opened.store.collection(tenant, STAT_PARTS);
  const found = await foldParts(
    parts,
    { first: 1, last: 1 },
    () => new Map<string, number>(),
    (sum, { users }) =>
      users.ids.forEach((id, i) => void sum.set(id, (sum.get(id) ?? 0) + (users.single[i] ?? 0))),
  );
  assert.deepEqual(Object.fromEntries(found), { a: 3, b: 4 });
  const conversations = opened.store.collection(tenant, CONVERSATION_SEQS);
  const marked = await conversations.col.findOne({ _id: conversations.key('si_a_z') });
  assert.equal(marked?.counted, 4);
});

test('registrations are counted by day in the server, and kept for a minute', async () => {
  const [tenant] = SHARED;
  const users = userRepo(opened.store);
  const user = (userID: string, createTime: number) => ({
    userID,
    nickname: userID,
    faceURL: '',
    ex: '',
    createTime,
    appMangerLevel: 0,
    globalRecvMsgOpt: 0,
  });
  await users.insert(tenant, [user('a', NOON), user('b', NOON + 1), user('c', NOON + DAY_MS)]);
  const counted = await users.registered(tenant, NOON + 1, NOON + 2 * DAY_MS);
  assert.deepEqual(counted, { total: 3, before: 1, days: { '2024-02-28': 1, '2024-02-29': 1 } });
  queried.length = 0;
  await users.registered(tenant, NOON + 1, NOON + 2 * DAY_MS);
  assert.deepEqual(queried, []);
});

test('a search finds everything, however many conversations and messages there are', async () => {
  const [, tenant] = DEDICATED;
  const search = msgSearch(opened.store);
  const keep = (row: MsgRow) => row;
  for (let i = 0; i < 620; i++) await fill(tenant, `si_a_x${String(i).padStart(3, '0')}`, [['a', NOON + i]]);
  await fill(
    tenant,
    'sg_g',
    Array.from({ length: 2_100 }, (_, i) => ['c', NOON + 10_000 + i] as const),
  );
  const chats = Array.from({ length: 620 }, (_, i) => [`si_a_x${String(i).padStart(3, '0')}`, 1] as const);
  await conversationSeqs(opened.store).apply(
    [...chats, ['sg_g', 2_100] as const].map(([conversationID, max]) => {
      return { tenant, conversationID, max, src: max, maxTime: NOON };
    }),
  );
  const everywhere = { name: 'everywhere', parts: [{ places: ['si_', 'sg_'], query: {} }] };
  const first = await search.find(tenant, everywhere, { skip: 0, limit: 2 }, keep);
  assert.deepEqual([first.total, first.hits.map(({ sendTime }) => sendTime - NOON)], [2_720, [0, 1]]);
  const last = await search.find(tenant, everywhere, { skip: 2_718, limit: 10 }, keep);
  assert.deepEqual(
    last.hits.map(({ conversationID, seq }) => [conversationID, seq]),
    [
      ['sg_g', 2_099],
      ['sg_g', 2_100],
    ],
  );
  const named = Array.from({ length: 250 }, (_, i) => ({
    conversationID: `si_a_x${String(i * 2).padStart(3, '0')}`,
    span: { first: 1, last: 9 },
  }));
  const some = await search.find(
    tenant,
    {
      name: 'some',
      parts: [
        {
          places: named,
          query: { sendID: 'a', recvID: 'b', period: { start: NOON + 2, end: NOON + 9_000 } },
        },
        { places: [{ conversationID: 'sg_g', span: { first: 2, last: 3 } }], query: { contentType: 101 } },
      ],
    },
    { skip: 248, limit: 10 },
    keep,
  );
  assert.deepEqual(
    [some.total, some.hits.map(({ sendTime }) => sendTime - NOON)],
    [251, [498, 10_001, 10_002]],
  );
  const nowhere = { name: 'nowhere', parts: [{ places: [], query: {} }] };
  assert.deepEqual(await search.find(tenant, nowhere, { skip: 0, limit: 5 }, keep), {
    total: 0,
    hits: [],
    complete: true,
  });
});
