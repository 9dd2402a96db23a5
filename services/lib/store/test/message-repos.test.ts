import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TenantId } from '@im/contract';
import {
  type CountedRows,
  conversationSeqs,
  MAX_MARKED,
  type MsgRow,
  msgRowChanges,
  msgRows,
  type NewMsgRow,
  parkedRecordRepo,
  retentionRepo,
  seqUsers,
} from '../src/index.ts';
import { DEDICATED, openStore, SHARED, startServers, type TestStore, untilReady } from './harness.ts';

let servers: Awaited<ReturnType<typeof startServers>>;
let opened: TestStore;
/** Names of the commands that the store sent. */
const sent: string[] = [];

before(async () => {
  servers = await startServers();
  opened = await openStore(servers.uris, {
    onCommand: ({ command }) => sent.push(Object.keys(command)[0] ?? ''),
  });
  await untilReady(opened.store);
});
after(async () => {
  await opened?.[Symbol.asyncDispose]();
  await servers?.stop();
});

function row(
  tenant: TenantId,
  conversationID: string,
  seq: number,
  extra: Partial<NewMsgRow> = {},
): NewMsgRow {
  return {
    tenant,
    conversationID,
    seq,
    dedupKey: Buffer.alloc(16, seq),
    position: 1_000 + seq,
    msgData: Buffer.from(`${tenant} ${seq}`),
    sendID: seq % 2 === 0 ? 'a' : 'b',
    recvID: seq % 2 === 0 ? 'b' : 'a',
    contentType: 101,
    sendTime: 1_700_000_000_000 + seq,
    logTime: 1_700_000_000_000 + seq * 10,
    ...extra,
  };
}
const seqsOf = (rows: readonly MsgRow[]) => rows.map(({ seq }) => seq).sort((x, y) => x - y);
const placesOf = ({ rows }: CountedRows) => rows.map(({ position, seq }) => [position, seq]).sort();
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

for (const [placement, [one, two]] of [
  ['Shared', SHARED],
  ['Dedicated', DEDICATED],
] as const) {
  describe(placement, () => {
    test('rows are inserted once, read by seq and by span, and belong to their tenant', async () => {
      const rows = msgRows(opened.store);
      const batch = [...range(1, 120).map((n) => row(one, 'si_a_b', n)), row(two, 'si_a_b', 1)];
      assert.ok((await rows.insert(batch)).every(({ kind }) => kind === 'stored'));
      assert.ok(
        (await rows.insert(batch.slice(0, 3))).every(({ kind }) => kind === 'stored'),
        'again',
      );
      const some = await rows.bySeqs(one, [
        { conversationID: 'si_a_b', seqs: [1, 10, 120, 121] },
        { conversationID: 'si_a', seqs: [1] },
      ]);
      assert.deepEqual(seqsOf(some), [1, 10, 120]);
      assert.equal(Buffer.from(some[0]?.msgData ?? []).toString(), `${one} ${some[0]?.seq}`);
      const last = await rows.span(one, 'si_a_b', { first: 5, last: 300 }, { limit: 3, descending: true });
      assert.deepEqual(
        last.map(({ seq }) => seq),
        [120, 119, 118],
      );
      const firstOnes = await rows.span(
        one,
        'si_a_b',
        { first: 9, last: 11 },
        { limit: 9, descending: false },
      );
      assert.deepEqual(
        firstOnes.map(({ seq }) => seq),
        [9, 10, 11],
      );
      assert.deepEqual(
        seqsOf(await rows.bySeqs(two, [{ conversationID: 'si_a_b', seqs: range(1, 120) }])),
        [1],
      );
    });

    test('a seq that another message holds is a conflict, and only that row is', async () => {
      const rows = msgRows(opened.store);
      await rows.insert([row(one, 'sg_conflict', 1)]);
      const outcomes = await rows.insert([
        row(one, 'sg_conflict', 1, { dedupKey: Buffer.alloc(16, 99) }),
        row(one, 'sg_conflict', 2),
      ]);
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        ['conflict', 'stored'],
      );
      assert.ok(outcomes[0]?.kind === 'conflict' && outcomes[0].existingPosition === 1_001);
      assert.equal((await rows.bySeqs(one, [{ conversationID: 'sg_conflict', seqs: [2] }])).length, 1);
    });

    test('a replay finds the seqs of positions already counted', async () => {
      const rows = msgRows(opened.store);
      await rows.insert(range(1, 500).map((n) => row(one, 'sg_replay', n)));
      const known = await rows.countedSince(one, 'sg_replay', { fromPosition: 1_498, last: 500 });
      assert.deepEqual(placesOf(known), [
        [1_498, 498],
        [1_499, 499],
        [1_500, 500],
      ]);
      assert.equal(known.isWhole, true);
      assert.deepEqual(
        known.rows.find(({ seq }) => seq === 499)?.dedupKey,
        row(one, 'sg_replay', 499).dedupKey,
      );
      const younger = { fromPosition: 9_999, fromTimeMs: 1_700_000_000_000 + 4_990, last: 500 };
      assert.deepEqual(placesOf(await rows.countedSince(one, 'sg_replay', younger)), [
        [1_499, 499],
        [1_500, 500],
      ]);
      const nothing = await rows.countedSince(two, 'sg_replay', { fromPosition: 0, last: 500 });
      assert.deepEqual(nothing, { rows: [], isWhole: false });
      assert.equal(
        await rows.lastSeqBefore(one, 'sg_replay', { first: 1, last: 500 }, 1_700_000_000_000 + 1_234),
        123,
      );
      assert.equal(await rows.lastSeqBefore(one, 'sg_replay', { first: 1, last: 500 }, 5), 0);
    });

    test('a replay of the whole log, and one that must not see what was counted later', async () => {
      const rows = msgRows(opened.store);
      await rows.insert(range(1, 700).map((n) => row(one, 'sg_all', n)));
      const all = await rows.countedSince(one, 'sg_all', { fromPosition: 0, last: 700 });
      assert.deepEqual([all.rows.length, all.isWhole], [700, true]);
      const known = await rows.countedSince(one, 'sg_all', { fromPosition: 1_398, last: 399 });
      assert.deepEqual(placesOf(known), [
        [1_398, 398],
        [1_399, 399],
      ]);
    });

    test('seqs with content are found from the end, past rows without and rows that a user deleted', async () => {
      const rows = msgRows(opened.store);
      const changes = msgRowChanges(opened.store);
      await rows.insert(range(1, 1_300).map((n) => row(one, 'sg_blank', n)));
      await changes.blank(one, 'sg_blank', range(11, 1_290));
      await changes.deleteFor(one, 'sg_blank', [9, 1_300], 'a');
      const read = (first: number, last: number, limit: number, notDeletedBy?: string) =>
        rows.seqsWithContent(
          one,
          'sg_blank',
          { first, last },
          { limit, ...(notDeletedBy && { notDeletedBy }) },
        );
      assert.deepEqual(await read(1, 1_290, 3), [10, 9, 8]);
      assert.deepEqual(await read(1, 1_290, 3, 'a'), [10, 8, 7]);
      assert.deepEqual(await read(1, 1_300, 1, 'a'), [1_299]);
      assert.deepEqual(await read(1, 1_300, 1, 'b'), [1_300]);
      assert.deepEqual(await read(11, 1_290, 5), []);
      assert.deepEqual(await read(9, 8, 5), []);
    });

    test('removal finds where the rows begin, and reports the ages of what is left', async () => {
      const rows = msgRows(opened.store);
      const changes = msgRowChanges(opened.store);
      await rows.insert(range(1, 2_500).map((n) => row(one, 'sg_old', n)));
      const before = (last: number, seq: number) =>
        rows.lastSeqBefore(one, 'sg_old', { first: 1, last }, 1_700_000_000_000 + seq * 10);
      assert.equal(await before(2_500, 1_234), 1_233);
      assert.equal(await changes.removeUpTo(one, 'sg_old', 40), 40);
      assert.equal(await changes.removeUpTo(one, 'sg_old', 1_200), 1_160);
      assert.equal(await changes.removeUpTo(one, 'sg_old', 1_200), 0);
      assert.equal(await before(2_500, 1_234), 1_233);
      assert.equal(await before(2_500, 1_201), 0, 'all older ones are removed');
      assert.equal(await before(1_210, 9_999), 1_210);
      assert.equal(await rows.lastSeqBefore(one, 'sg_none', { first: 1, last: 50 }, 9e15), 0);
      const ended = AbortSignal.abort();
      assert.equal(await retentionRepo(opened.store).removeUpTo(one, 'sg_old', 2_400, ended), 0);
      assert.equal(await changes.removeUpTo(one, 'sg_old', 2_400), 1_200);
      const left = await rows.countedSince(one, 'sg_old', { fromPosition: 0, last: 2_500 });
      assert.deepEqual([left.rows.length, left.isWhole], [100, false]);
    });

    test('read marks, revocation, deletion and blanking', async () => {
      const rows = msgRows(opened.store);
      const changes = msgRowChanges(opened.store);
      const cid = 'si_change';
      await rows.insert(range(1, 6).map((n) => row(one, cid, n)));
      const read = async (seq: number) => (await rows.bySeqs(one, [{ conversationID: cid, seqs: [seq] }]))[0];
      await changes.markSpanRead(one, cid, { first: 1, last: 3 }, 'a');
      await changes.markSeqsRead(one, cid, [5], 'a');
      assert.deepEqual(
        await Promise.all(range(1, 6).map(async (n) => (await read(n))?.isRead)),
        [true, false, true, false, true, false],
        'what the reader sent is not marked',
      );
      const by = { role: 20, userID: 'a', nickname: 'A', time: 7 };
      assert.equal(await changes.revoke(one, cid, 2, by), true);
      assert.equal(await changes.revoke(one, cid, 2, { ...by, userID: 'z' }), false);
      assert.equal(await changes.revoke(one, cid, 99, by), false);
      assert.deepEqual((await read(2))?.revoked, by);
      await changes.deleteFor(one, cid, [3, 4], 'a');
      await changes.deleteFor(one, cid, [4], 'a');
      await changes.deleteFor(one, cid, [4], 'b');
      assert.deepEqual((await read(4))?.deletedBy, ['a', 'b']);
      await changes.blank(one, cid, [6]);
      assert.equal((await read(6))?.msgData, undefined);
      assert.equal(await changes.revoke(one, cid, 6, by), false);
      const newest = await rows.seqsWithContent(one, cid, { first: 1, last: 6 }, { limit: 1 });
      assert.deepEqual(newest, [5]);
      const hidden = await rows.hiddenBySeqs(one, [{ conversationID: cid, seqs: range(1, 6) }]);
      assert.deepEqual(seqsOf(hidden), [2, 6]);
      assert.equal(await changes.removeUpTo(one, cid, 2), 2);
      assert.deepEqual(
        seqsOf(await rows.bySeqs(one, [{ conversationID: cid, seqs: range(1, 6) }])),
        [3, 4, 5, 6],
      );
    });

    test('a long span is marked as read by one command, the newest first', async () => {
      const rows = msgRows(opened.store);
      const changes = msgRowChanges(opened.store);
      const cid = 'si_long';
      await rows.insert(range(1, 2_500).map((n) => row(one, cid, n)));
      sent.length = 0;
      await changes.markSpanRead(one, cid, { first: 3, last: 2_500 }, 'a');
      assert.deepEqual(sent, ['update']);
      const state = async (seqs: number[]) =>
        new Map((await rows.bySeqs(one, [{ conversationID: cid, seqs }])).map((r) => [r.seq, r.isRead]));
      const read = await state([1, 3, 4, 1_499, 1_500, 1_501, 2_499, 2_500]);
      assert.deepEqual(
        [1, 3, 4, 1_499, 1_500, 1_501, 2_499, 2_500].map((seq) => read.get(seq)),
        [false, true, false, true, false, true, true, false],
      );
      // No more than can be done within a request, counted from the newest.
      sent.length = 0;
      await changes.markSpanRead(one, cid, { first: 1, last: 1_000 + MAX_MARKED }, 'b');
      assert.deepEqual(sent, ['update']);
      const newest = await state([1_000, 1_002]);
      assert.deepEqual([newest.get(1_000), newest.get(1_002)], [false, true]);
    });

    test('conversation truth never goes back, whichever process writes late', async () => {
      const repo = conversationSeqs(opened.store);
      const update = (max: number, src: number, tenant = one) => ({
        tenant,
        conversationID: 'sg_truth',
        max,
        src,
        maxTime: src,
      });
      await repo.apply([update(2, 20), update(9, 90, two)]);
      await repo.apply([update(1, 10)]);
      await repo.apply([update(2, 20)]);
      assert.deepEqual((await repo.get(one, ['sg_truth', 'sg_none'])).get('sg_truth'), {
        max: 2,
        src: 20,
        maxTime: 20,
        min: 0,
      });
      await Promise.all(range(3, 40).map((n) => repo.apply([update(n, n * 10)])));
      assert.equal((await repo.get(one, ['sg_truth'])).get('sg_truth')?.max, 40);
      await repo.raiseMin(one, 'sg_truth', 5);
      await repo.raiseMin(one, 'sg_truth', 3);
      await repo.raiseMin(one, 'sg_new', 4);
      for (const position of [20, 10]) {
        await repo.noteDeletion(one, ['sg_truth', 'si_new'], { position, timeMs: position * 2 });
      }
      const noted = await repo.get(one, ['sg_truth', 'si_new']);
      for (const state of noted.values()) assert.deepEqual(state.deleted, { position: 20, timeMs: 40 });
      assert.deepEqual([noted.get('sg_truth')?.min, noted.get('si_new')?.max], [5, 0]);
      await repo.apply([{ ...update(1, 1), conversationID: 'sg_new' }]);
      const both = await repo.get(one, ['sg_truth', 'sg_new']);
      assert.equal(both.get('sg_truth')?.min, 5);
      assert.deepEqual(both.get('sg_new'), { max: 1, src: 1, maxTime: 1, min: 4 });
      assert.equal((await repo.get(two, ['sg_truth'])).get('sg_truth')?.max, 9);
    });

    test('many first writers at once: the newest stands', async () => {
      const repo = conversationSeqs(opened.store);
      await Promise.all(
        range(1, 30).map((n) =>
          repo.apply([{ tenant: one, conversationID: 'sg_race', max: n, src: n, maxTime: n }]),
        ),
      );
      assert.equal((await repo.get(one, ['sg_race'])).get('sg_race')?.max, 30);
    });

    test('bounds and read positions of users', async () => {
      const repo = seqUsers(opened.store);
      const ref = (userID: string, conversationID: string, tenant = one) => ({
        tenant,
        userID,
        conversationID,
      });
      await repo.raiseRead([
        { ...ref('u', 'c1'), value: 5 },
        { ...ref('u', 'c2'), value: 6 },
        { ...ref('u', 'c1', two), value: 50 },
        { ...ref('uu', 'c1'), value: 500 },
      ]);
      await repo.raiseRead([{ ...ref('u', 'c1'), value: 3 }]);
      await repo.raiseMin([{ ...ref('u', 'c2'), value: 2 }]);
      await repo.raiseMin([{ ...ref('u', 'c3'), value: 7 }]);
      assert.deepEqual([...(await repo.ofUser(one, 'u'))].sort(), [
        ['c1', { min: 0, max: 0, read: 5 }],
        ['c2', { min: 2, max: 0, read: 6 }],
        ['c3', { min: 7, max: 0, read: 0 }],
      ]);
      assert.deepEqual([...(await repo.get(two, 'u', ['c1', 'c2']))], [['c1', { min: 0, max: 0, read: 50 }]]);
      const decide = (id: string, max: number, position: number, version = 0, min?: number) =>
        repo.setMax([{ ...ref('u', id), max, position, version, ...(min === undefined ? {} : { min }) }]);
      const boundsOf = async (id: string) => (await repo.get(one, 'u', [id])).get(id);
      await decide('c1', 9, 100);
      await decide('c1', 0, 200);
      await decide('c1', 9, 100);
      assert.equal((await boundsOf('c1'))?.max, 0, 'the later record stands');
      await decide('c9', 4, 1);
      assert.deepEqual(await boundsOf('c9'), { min: 0, max: 4, read: 0 });
      await decide('c9', 7, 2, 6);
      assert.equal((await boundsOf('c9'))?.max, 4, 'who is told to have left twice left the first time');
      await decide('c9', 0, 3, 5, 8);
      assert.deepEqual(await boundsOf('c9'), { min: 0, max: 4, read: 0 }, 'an older version changes nothing');
      await decide('c9', 0, 4, 7, 8);
      assert.deepEqual(await boundsOf('c9'), { min: 8, max: 0, read: 0 });
      await decide('$new', 5, 1, 1);
      assert.deepEqual(await boundsOf('$new'), { min: 0, max: 5, read: 0 });
    });
  });
}

test('adding records to a parked unit again changes nothing', async () => {
  const parked = parkedRecordRepo(opened.store);
  const place = { tenant: SHARED[0], conversation: 'a_b', partition: 7, fence: 1 };
  const records = [1, 2, 3].map((position) => ({
    position,
    timeMs: position,
    record: Buffer.from(`${position}`),
  }));
  await parked.add(place, 'a contradiction', records.slice(0, 2));
  await parked.add(place, 'a contradiction', records);
  await parked.add(place, 'a contradiction', []);
  const found = await parked.first(place, 10);
  assert.deepEqual(
    found.map(({ position, record }) => [position, Buffer.from(record).toString()]),
    [1, 2, 3].map((position) => [position, `${position}`]),
  );
  assert.equal((await parked.markers()).length, 1);
});
