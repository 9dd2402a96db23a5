import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TenantId } from '@im/contract';
import { type Document, MongoClient } from 'mongodb';
import {
  conversationSeqs,
  type MsgCursor,
  type MsgPage,
  type MsgPlace,
  type MsgQuery,
  type MsgRow,
  msgIndexes,
  msgRows,
  msgSearch,
} from '../src/index.ts';
import type { SentCommand } from '../src/mongo.ts';
import { MSG_ROWS } from '../src/repos/msg-row.ts';
import { DEDICATED, openStore, SHARED, startServers, type TestStore, untilReady } from './harness.ts';

const T0 = Date.UTC(2026, 0, 10);
const KINDS = ['si_', 'sg_', 'sn_'];
const CHATS = 300;
const FULL = process.env.FULL === '1';
const MESSAGES = FULL ? 1_000_000 : 6_000;
const SENDERS = FULL ? 5_000 : 100;
/** The server of development reads all that matches the first fields of an index. */
const BUDGET = FULL ? { ms: 25_000 } : {};

const [plain, neighbour] = SHARED;
const [indexed] = DEDICATED;

let servers: Awaited<ReturnType<typeof startServers>>;
let opened: TestStore;
let sent: SentCommand[] = [];

before(async () => {
  servers = await startServers();
  opened = await openStore(servers.uris, {
    onCommand: (command) => {
      if ('find' in command.command || 'aggregate' in command.command) sent.push(command);
    },
  });
  await untilReady(opened.store);
  await msgIndexes(opened.store).set(indexed, true);
});
after(async () => {
  await opened?.[Symbol.asyncDispose]();
  await servers?.stop();
});

/** Message `i` of the test: a second after the one before, of sender `i % SENDERS`, in one of {@link CHATS} groups. */
function rowOf(tenant: TenantId, i: number) {
  const conversationID = `sg_g${i % CHATS}`;
  return {
    tenant,
    conversationID,
    seq: Math.floor(i / CHATS) + 1,
    dedupKey: Buffer.alloc(16, i % 251),
    position: i,
    msgData: Buffer.from(`message ${i} of the test`),
    sendID: `u${i % SENDERS}`,
    recvID: '',
    contentType: i % 50 === 0 ? 102 : 101,
    sendTime: T0 + i * 1_000,
    logTime: T0 + i * 1_000,
  };
}

async function fill(tenant: TenantId, count: number): Promise<void> {
  const rows = msgRows(opened.store);
  for (let i = 0; i < count; i += 2_000) {
    await rows.insert(Array.from({ length: Math.min(2_000, count - i) }, (_, k) => rowOf(tenant, i + k)));
  }
  const updates = Array.from({ length: Math.min(CHATS, count) }, (_, chat) => {
    const max = Math.ceil((count - chat) / CHATS);
    return { tenant, conversationID: `sg_g${chat}`, max, src: max, maxTime: T0 };
  });
  await conversationSeqs(opened.store).apply(updates);
}

/** What the server examined and returned for the queries since the last call. */
async function examined(): Promise<{ docs: number; keys: number; returned: number }> {
  const queries = sent;
  sent = [];
  await using client = new MongoClient(servers.uris.mongo);
  const sum = { docs: 0, keys: 0, returned: 0 };
  for (const { database, command } of queries) {
    const explain = Object.fromEntries(
      Object.entries(command).filter(([name]) => !/^(lsid|\$|txnNumber|readConcern|cursor)/.test(name)),
    );
    if ('aggregate' in explain) explain.cursor = {};
    // What a client has read of a larger answer.
    else if (explain.limit === undefined && typeof explain.batchSize === 'number')
      explain.limit = explain.batchSize;
    const answer = await client.db(database).command({ explain, verbosity: 'executionStats' });
    const stats: Document = answer.executionStats ?? answer.stages?.[0]?.$cursor?.executionStats;
    sum.docs += stats.totalDocsExamined;
    sum.keys += stats.totalKeysExamined;
    if (stats.totalDocsExamined > 0) sum.returned += stats.nReturned;
  }
  return sum;
}

interface Asked {
  readonly places?: readonly MsgPlace[];
  readonly query?: MsgQuery;
  readonly limit?: number;
  readonly keep?: (row: MsgRow) => MsgRow | undefined;
}

/** All pages of a search. */
async function all(tenant: TenantId, asked: Asked, options = {}): Promise<MsgPage<MsgRow>[]> {
  const search = msgSearch(opened.store, { ...BUDGET, ...options });
  const { places = KINDS, query = {}, limit = 100, keep = (row) => row } = asked;
  const pages: MsgPage<MsgRow>[] = [];
  let after: MsgCursor | undefined;
  do {
    const page = await search.page(tenant, { places, query }, { limit, ...(after && { after }) }, keep);
    pages.push(page);
    after = page.next;
    assert.ok(pages.length < 1_000, 'never ends');
  } while (after);
  return pages;
}

const seconds = (pages: readonly MsgPage<MsgRow>[]) =>
  pages.flatMap(({ hits }) => hits.map(({ sendTime }) => (sendTime - T0) / 1_000));

test('searches of a tenant with indexes read what they return, whatever they ask for', async () => {
  await fill(indexed, MESSAGES);
  const place = (group: number): MsgPlace => ({
    conversationID: `sg_g${group}`,
    span: { first: 1, last: Math.ceil(MESSAGES / CHATS) },
  });
  const middle = T0 + (MESSAGES / 2) * 1_000;
  const half = { start: middle, end: middle + 1_800_000 };
  const asked: Record<string, Asked> = {
    'all, newest first': { limit: 100 },
    'half an hour': { query: { period: half }, limit: 1_000 },
    'half an hour of a sender': { query: { period: half, sendID: 'u7' } },
    'a sender': { query: { sendID: 'u7' } },
    'pictures of a sender': { query: { sendID: 'u50', contentType: 102 } },
    'pictures of half an hour': { query: { period: half, contentType: 102 } },
    'a conversation': { places: [place(3)], limit: 1_000 },
  };
  for (const [name, what] of Object.entries(asked)) {
    sent = [];
    const started = performance.now();
    const search = msgSearch(opened.store, BUDGET);
    const { places = KINDS, query = {}, limit = 100 } = what;
    const page = await search.page(indexed, { places, query }, { limit }, (row) => row);
    const ms = performance.now() - started;
    assert.ok(page.hits.length > 0, name);
    const { docs, keys, returned } = await examined();
    if (FULL)
      console.log(
        `${name}: ${page.hits.length} hits in ${ms.toFixed(0)} ms, ${docs} documents and ${keys} keys examined, ${returned} returned`,
      );
    assert.ok(docs <= returned + 5, `${name}: ${docs} documents examined for ${returned}`);
    assert.ok(returned <= page.hits.length + 5, `${name}: ${returned} returned for ${page.hits.length} hits`);
  }
});

test('pages go on where the one before ended: nothing twice, nothing left out, by index and without', async () => {
  const count = 2_600;
  await fill(plain, count);
  await fill(neighbour, 50);
  for (const tenant of [plain, indexed]) {
    const total = tenant === plain ? count : MESSAGES;
    const query = { sendID: 'u7', period: { start: T0 + 500_000, end: T0 + 2_500_000 } };
    const expected = Array.from({ length: Math.min(total, 2_600) }, (_, i) => i).filter(
      (i) => i % SENDERS === 7 && i >= 500 && i < 2_500,
    );
    for (const options of [{}, { keys: 1_500 }]) {
      const pages = await all(tenant, { query, limit: 12 }, options);
      const found = seconds(pages);
      if (tenant === indexed) assert.deepEqual(found, expected.toReversed(), 'newest first');
      assert.deepEqual(
        found.toSorted((a, b) => a - b),
        expected,
      );
      for (const { order } of pages) assert.equal(order, tenant === plain ? 'conversation' : 'sender');
    }
    const everything = seconds(
      await all(tenant, { limit: 700, query: { period: { start: T0, end: T0 + 2_000_000 } } }),
    );
    assert.equal(new Set(everything).size, everything.length);
    assert.equal(everything.length, 2_000);
  }
});

test('messages of one time are told apart by their keys', async () => {
  const rows = Array.from({ length: 1_200 }, (_, i) => ({
    ...rowOf(indexed, i),
    conversationID: 'sg_same',
    seq: i + 1,
    sendID: 'same',
    sendTime: T0 - 1_000,
  }));
  await msgRows(opened.store).insert(rows);
  const period = { start: T0 - 1_000, end: T0 };
  for (const query of [{ period }, { sendID: 'same' }]) {
    const pages = await all(indexed, { query, limit: 400 });
    const found = pages.flatMap(({ hits }) => hits.map(({ seq }) => seq));
    assert.deepEqual(
      found,
      Array.from({ length: 1_200 }, (_, i) => 1_200 - i),
    );
  }
});

test('a search is cut when its budget is spent, says how far it came, and resumes', async () => {
  const keep = (row: MsgRow) => (Buffer.from(row.msgData ?? '').includes('message 17 of') ? row : undefined);
  for (const tenant of [plain, indexed]) {
    const pages = await all(
      tenant,
      { keep, query: { period: { start: T0, end: T0 + 2_600_000 } } },
      { keys: 1_000 },
    );
    assert.ok(pages.length >= 2, `${pages.length} pages`);
    for (const page of pages) assert.ok(page.examined <= 1_000);
    assert.deepEqual(seconds(pages), [17]);
  }
});

test('a search by pages that was cut goes on when it is asked for again, for any page, and others begin anew', async () => {
  const search = msgSearch(opened.store, { keys: 1_000 });
  const ask = async (name: string, skip: number) => {
    const where = { name, parts: [{ places: KINDS, query: {} }] };
    const { hits, total, complete } = await search.find(plain, where, { skip, limit: 10 }, (row) => row);
    const times = hits.map(({ sendTime }) => (sendTime - T0) / 1_000);
    return { times, total, complete };
  };
  const first = await ask('all', 0);
  assert.deepEqual([first.times.length, first.total, first.complete], [10, 1_000, false]);
  const second = await ask('all', 2_590);
  assert.deepEqual(second, { times: [], total: 2_000, complete: false });
  assert.equal((await ask('other', 0)).total, 1_000);
  const whole = { total: 2_600, complete: true };
  const from = (at: number) => Array.from({ length: 10 }, (_, i) => at + i);
  assert.deepEqual(await ask('all', 0), { times: from(0), ...whole });
  assert.deepEqual(await ask('all', 2_590), { times: from(2_590), ...whole }, 'read no second time');
});

test('blanked messages are no hits, and a page that has enough ends early', async () => {
  const { col, key } = opened.store.collection(plain, MSG_ROWS);
  await col.updateOne({ _id: key('sg_g1', '1'.padStart(16, '0')) }, { $set: { x: true }, $unset: { d: '' } });
  const places: MsgPlace[] = [{ conversationID: 'sg_g1', span: { first: 1, last: 5 } }];
  const found = (await all(plain, { places })).flatMap(({ hits }) => hits.map(({ seq }) => seq));
  assert.deepEqual(found, [5, 4, 3, 2]);
  const page = await msgSearch(opened.store).page(
    plain,
    { places, query: {} },
    { limit: 100, full: () => true },
    (row) => row.seq,
  );
  assert.deepEqual([page.hits, page.next?.key], [[5], ['sg_g1', '5'.padStart(16, '0')]]);
});

test('the indexes are made and removed as wanted; a cursor of one that is gone is refused', async () => {
  const indexes = msgIndexes(opened.store);
  const search = msgSearch(opened.store, BUDGET);
  const first = await search.page(indexed, { places: KINDS, query: {} }, { limit: 1 }, (row) => row);
  assert.equal(first.next?.order, 'time');
  await indexes.set(indexed, true);
  await indexes.set(indexed, false);
  await indexes.set(indexed, false);
  assert.equal(await msgIndexes(opened.store).usable(indexed), false);
  const later = msgSearch(opened.store, BUDGET).page(
    indexed,
    { places: KINDS, query: {} },
    { limit: 1, ...(first.next && { after: first.next }) },
    (row) => row,
  );
  await assert.rejects(later, { code: 1001, detail: /^cursor is of an index/ });
});

test('a search that saw nothing in its time is an error, not the end of the messages', async () => {
  const search = msgSearch(opened.store, { ms: 0 });
  await assert.rejects(
    search.page(plain, { places: KINDS, query: {} }, { limit: 1 }, (row) => row),
    { code: 90002, detail: /^the search took longer/ },
  );
});
