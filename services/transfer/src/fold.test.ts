import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { make } from '@im/protocol';
import type { CountedRow } from '@im/store';
import { Counted, LogChangedError } from './counted.ts';
import { DedupWindow } from './dedup-window.ts';
import { type Conversation, countedAt, fold, maxAt, type PlacedRecord } from './fold.ts';
import { toPosition } from './log-epoch.ts';

const T = 1_800_000_000_000;

const keyOf = (message: string) => createHash('sha256').update(message).digest().subarray(0, 16);

/** What was counted of a conversation, by position: seq and message. */
function countedOf(
  seqs: readonly (readonly [position: number, seq: number, message?: string])[],
  { src = Math.max(...seqs.map(([at]) => at)), epoch = 0, isWhole = true, timeMs = T } = {},
): Counted {
  const rows: CountedRow[] = seqs.map(([position, seq, message]) => {
    const dedupKey = message === undefined ? undefined : keyOf(message);
    return { position, seq, timeMs, dedupKey };
  });
  return new Counted('si', src, epoch, { rows, isWhole });
}

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
      dedupKey: keyOf(message),
      entries: entries.map(([conversationID, stored]) => make('log.Entry', { conversationID, stored })),
    }),
  };
}

function conversations(known: Record<string, Partial<Conversation>> = {}) {
  const map = new Map<string, Conversation>();
  return (id: string): Conversation => {
    let found = map.get(id);
    if (found === undefined) {
      found = { max: 0, src: 0, maxTime: 0, counted: undefined, ...known[id] };
      map.set(id, found);
    }
    return found;
  };
}

const seqs = (folded: ReturnType<typeof fold>) => folded?.map((f) => f.seq);

test('stored entries count up without gaps, per conversation', () => {
  const conversationOf = conversations();
  const dedup = new DedupWindow();
  assert.deepEqual(seqs(fold(placed(1, 'a', [['si', true]]), dedup, conversationOf)), [1]);
  assert.deepEqual(seqs(fold(placed(2, 'b', [['sg', true]]), dedup, conversationOf)), [1]);
  assert.deepEqual(seqs(fold(placed(3, 'c', [['si', true]]), dedup, conversationOf)), [2]);
  assert.deepEqual(
    seqs(
      fold(
        placed(4, 'd', [
          ['si', true],
          ['n', false],
        ]),
        dedup,
        conversationOf,
      ),
    ),
    [3, 0],
  );
  assert.deepEqual(seqs(fold(placed(5, 'e', [['n', true]]), dedup, conversationOf)), [1]);
});

test('a repetition uses no seq', () => {
  const conversationOf = conversations();
  const dedup = new DedupWindow();
  fold(placed(1, 'a', [['si', true]]), dedup, conversationOf);
  assert.equal(fold(placed(2, 'a', [['si', true]], T + 1_000), dedup, conversationOf), undefined);
  assert.deepEqual(seqs(fold(placed(3, 'b', [['si', true]]), dedup, conversationOf)), [2]);
});

test('what was counted before keeps its seq and is not counted again', () => {
  const conversationOf = conversations({
    si: {
      max: 7,
      src: 20,
      counted: countedOf([
        [18, 6, 'a'],
        [20, 7, 'c'],
      ]),
    },
  });
  const dedup = new DedupWindow();
  const again = fold(placed(18, 'a', [['si', true]]), dedup, conversationOf);
  assert.deepEqual(
    again?.map(({ seq, fresh }) => ({ seq, fresh })),
    [{ seq: 6, fresh: false }],
  );
  const fresh = fold(placed(21, 'b', [['si', true]]), dedup, conversationOf);
  assert.deepEqual(
    fresh?.map(({ seq, fresh: f }) => ({ seq, f })),
    [{ seq: 8, f: true }],
  );
});

test('workers that begin anywhere compute the same rows', () => {
  const names = ['si_a_b', 'sg_g', 'n_g'];
  const messageAt = (i: number) => `m${i % 7 === 6 ? i - 3 : i}`;
  const log = Array.from({ length: 2_000 }, (_, i) =>
    placed(i + 1, messageAt(i), [[names[i % 3] as string, i % 5 !== 4]], T + i * 100),
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
      countedOf(
        expected
          .map((row) => row.split(' '))
          .filter(([at, conversation]) => conversation === id && Number(at) <= known)
          .map(([at, , seq]) => [Number(at), Number(seq), messageAt(Number(at) - 1)] as const),
        { src: states[known]?.[id]?.src ?? 0 },
      );
    const conversationOf = conversations(
      Object.fromEntries(names.map((id) => [id, { ...states[known]?.[id], counted: counted(id) }])),
    );
    const dedup = new DedupWindow();
    for (const record of log.slice(0, start)) dedup.seen(record.record.dedupKey, record.timeMs);
    const again = log
      .slice(start)
      .map((record) => [record.position, fold(record, dedup, conversationOf)] as const);
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
    counted: countedOf([
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

test('a log that holds another record where one was counted is noticed; rows that are missing or have no key say nothing', () => {
  const rows = [
    [18, 6, 'a'],
    [20, 7, 'c'],
  ] as const;
  const at = (position: number, message: string, counted: Counted) => () =>
    fold(
      placed(position, message, [['si', true]]),
      new DedupWindow(),
      conversations({ si: { max: 7, src: 20, counted } }),
    );
  assert.throws(at(20, 'x', countedOf(rows)), LogChangedError);
  // Seqs 6 and 7 stand at 18 and 20: there is none for 19.
  assert.throws(at(19, 'x', countedOf(rows)), LogChangedError);
  assert.deepEqual(seqs(at(19, 'x', countedOf(rows, { isWhole: false }))()), [0]);
  assert.deepEqual(seqs(at(20, 'x', countedOf([[20, 7]]))()), [7]);
  assert.deepEqual(seqs(at(21, 'x', countedOf(rows))()), [8]);
});

test('what was counted in an earlier epoch keeps its seq, whatever its position now', () => {
  const counted = countedOf(
    [
      [18, 6, 'a'],
      [20, 7, 'c'],
    ],
    { src: 20, epoch: 1 },
  );
  const conversationOf = conversations({ si: { max: 7, src: 20, counted } });
  const dedup = new DedupWindow();
  const at = (n: number, message: string, timeMs = T) =>
    placed(toPosition(1, n), message, [['si', true]], timeMs);
  assert.equal(countedAt(at(3, 'a'), conversationOf), 18);
  assert.equal(maxAt(conversationOf('si'), countedAt(at(3, 'a'), conversationOf)), 6);
  assert.deepEqual(seqs(fold(at(3, 'a'), dedup, conversationOf)), [6]);
  assert.deepEqual(seqs(fold(at(4, 'b'), dedup, conversationOf)), [8]);
  // The same content at another time is another record; the window decides whether it is a duplicate.
  assert.deepEqual(seqs(fold(at(5, 'c', T + 1), dedup, conversationOf)), [9]);
});
