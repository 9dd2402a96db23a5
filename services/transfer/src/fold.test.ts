import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { make } from '@im/protocol';
import { DedupWindow } from './dedup-window.ts';
import { type Conversation, fold, maxAt, type PlacedRecord } from './fold.ts';

const T = 1_800_000_000_000;

function placed(
  position: number,
  message: string,
  entries: readonly [string, boolean][],
  timeMs = T,
): PlacedRecord {
  return {
    position,
    timeMs,
    record: make('log.Record', {
      dedupKey: createHash('sha256').update(message).digest().subarray(0, 16),
      entries: entries.map(([conversationID, stored]) => make('log.Entry', { conversationID, stored })),
    }),
  };
}

function conversations(known: Record<string, Partial<Conversation>> = {}) {
  const map = new Map<string, Conversation>();
  return (id: string): Conversation => {
    let found = map.get(id);
    if (found === undefined) {
      found = { max: 0, src: 0, maxTime: 0, counted: new Map(), ...known[id] };
      map.set(id, found);
    }
    return found;
  };
}

const seqs = (folded: ReturnType<typeof fold>) => folded?.map((f) => f.seq);

test('stored entries count up without gaps, per conversation', () => {
  const of = conversations();
  const dedup = new DedupWindow();
  assert.deepEqual(seqs(fold(placed(1, 'a', [['si', true]]), dedup, of)), [1]);
  assert.deepEqual(seqs(fold(placed(2, 'b', [['sg', true]]), dedup, of)), [1]);
  assert.deepEqual(seqs(fold(placed(3, 'c', [['si', true]]), dedup, of)), [2]);
  assert.deepEqual(
    seqs(
      fold(
        placed(4, 'd', [
          ['si', true],
          ['n', false],
        ]),
        dedup,
        of,
      ),
    ),
    [3, 0],
  );
  assert.deepEqual(seqs(fold(placed(5, 'e', [['n', true]]), dedup, of)), [1]);
});

test('a repetition uses no seq', () => {
  const of = conversations();
  const dedup = new DedupWindow();
  fold(placed(1, 'a', [['si', true]]), dedup, of);
  assert.equal(fold(placed(2, 'a', [['si', true]], T + 1_000), dedup, of), undefined);
  assert.deepEqual(seqs(fold(placed(3, 'b', [['si', true]]), dedup, of)), [2]);
});

test('what was counted before keeps its seq and is not counted again', () => {
  const of = conversations({
    si: {
      max: 7,
      src: 20,
      counted: new Map([
        [18, 6],
        [20, 7],
      ]),
    },
  });
  const dedup = new DedupWindow();
  const again = fold(placed(18, 'a', [['si', true]]), dedup, of);
  assert.deepEqual(
    again?.map(({ seq, fresh }) => ({ seq, fresh })),
    [{ seq: 6, fresh: false }],
  );
  const fresh = fold(placed(21, 'b', [['si', true]]), dedup, of);
  assert.deepEqual(
    fresh?.map(({ seq, fresh: f }) => ({ seq, f })),
    [{ seq: 8, f: true }],
  );
});

test('workers that begin anywhere compute the same rows', () => {
  const names = ['si_a_b', 'sg_g', 'n_g'];
  const log = Array.from({ length: 2_000 }, (_, i) =>
    placed(i + 1, `m${i % 7 === 6 ? i - 3 : i}`, [[names[i % 3] as string, i % 5 !== 4]], T + i * 100),
  );
  const rows = (results: (readonly [number, ReturnType<typeof fold>])[]) =>
    results.flatMap(([at, f]) =>
      (f ?? []).filter((x) => x.seq > 0).map((x) => `${at} ${x.entry.conversationID} ${x.seq}`),
    );
  const first = new DedupWindow();
  const full = conversations();
  const states: Record<string, Conversation>[] = [];
  const reference = log.map((record) => {
    states.push(Object.fromEntries(names.map((id) => [id, { ...full(id) }])));
    return [record.position, fold(record, first, full)] as const;
  });
  const expected = rows(reference);
  for (const [start, known] of [
    [500, 500],
    [900, 1_000],
    [0, 1_500],
  ] as const) {
    const counted = (id: string) =>
      new Map(
        expected
          .map((row) => row.split(' '))
          .filter(([at, conversation]) => conversation === id && Number(at) <= known)
          .map(([at, , seq]) => [Number(at), Number(seq)] as const),
      );
    const of = conversations(
      Object.fromEntries(names.map((id) => [id, { ...states[known]?.[id], counted: counted(id) }])),
    );
    const dedup = new DedupWindow();
    for (const record of log.slice(0, start)) dedup.seen(record.record.dedupKey, record.timeMs);
    const again = log.slice(start).map((record) => [record.position, fold(record, dedup, of)] as const);
    assert.deepEqual(
      rows(again),
      expected.filter((row) => Number(row.split(' ')[0]) > start),
    );
  }
});

test('the max of an earlier moment leaves out what was counted later', () => {
  const conversation: Conversation = {
    max: 9,
    src: 30,
    maxTime: 0,
    counted: new Map([
      [10, 7],
      [20, 8],
      [30, 9],
    ]),
  };
  assert.equal(maxAt(conversation, 30), 9);
  assert.equal(maxAt(conversation, 25), 8);
  assert.equal(maxAt(conversation, 10), 7);
  assert.equal(maxAt(conversation, 99), 9);
});
