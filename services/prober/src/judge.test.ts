import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fact } from '@im/proof';
import { judgeInterrupted, judgeRound } from './judge.ts';
import { probeID, type Stream, streamsOf, usersOf } from './streams.ts';

const EPOCH = 'e0';
const USERS = usersOf(EPOCH);
const STREAMS = streamsOf(USERS, 'g');
const [TO, FROM] = STREAMS as [Stream, Stream];
const [A = '', B = ''] = USERS;
const round = { epoch: EPOCH, number: 7 };
const id = (stream: Stream, number: number, of = 7) =>
  probeID({ epoch: EPOCH, round: of, stream: stream.name, number });

/** Facts of messages from A to B, numbered from 1, that arrived everywhere. */
function perfect(count: number): Fact[] {
  const { conversation } = TO;
  const facts: Fact[] = [{ kind: 'members', at: 1, conversation, users: [A, B] }];
  for (const user of [A, B]) facts.push({ kind: 'up', at: 1, device: user, user, own: 'expected' });
  for (let n = 1; n <= count; n++) {
    const at = 100 * n;
    facts.push({ kind: 'sent', at, device: A, conversation, id: id(TO, n) });
    facts.push({ kind: 'acked', at: at + 5, conversation, id: id(TO, n) });
    for (const device of [A, B])
      facts.push({ kind: 'got', at: at + 10, device, conversation, seq: n, id: id(TO, n) });
    for (const user of [A, B]) facts.push({ kind: 'pulled', user, conversation, seq: n, id: id(TO, n) });
  }
  return facts;
}

test('a round without a fault is clean; its stored seqs and what was seen are returned', () => {
  const { verdict, highest, seen } = judgeRound(perfect(3), round);
  assert.deepEqual(verdict.counts, {
    lost: 0,
    doubled: 0,
    reordered: 0,
    phantom: 0,
    readBack: 0,
    late: 0,
  });
  assert.equal(verdict.acknowledged, 3);
  assert.equal(verdict.delivered, 6);
  assert.deepEqual([...highest], [[TO.conversation, 3]]);
  assert.equal(seen.size, 12);
});

test('one message that did not arrive, arrived twice or in another order is found', () => {
  const without = perfect(3).filter((fact) => !(fact.kind === 'got' && fact.device === B && fact.seq === 2));
  assert.equal(judgeRound(without, round).verdict.counts.lost, 1);
  const again: Fact = {
    kind: 'got',
    at: 900,
    device: B,
    conversation: TO.conversation,
    seq: 3,
    id: id(TO, 3),
  };
  assert.equal(judgeRound([...perfect(3), again], round).verdict.counts.doubled, 1);
  const swapped = perfect(3).toSorted((a, b) => {
    const place = (fact: Fact) => (fact.kind === 'got' && fact.device === B ? -fact.seq : 0);
    return place(a) - place(b);
  });
  assert.ok(judgeRound(swapped, round).verdict.counts.reordered > 0);
});

test('what an earlier round left open may come later, but not a second time', () => {
  const late: Fact = {
    kind: 'got',
    at: 50,
    device: B,
    conversation: TO.conversation,
    seq: 0,
    id: id(TO, 9, 6),
  };
  const first = judgeRound([...perfect(2), late], round);
  assert.equal(first.verdict.counts.doubled + first.verdict.counts.phantom, 0);
  const second = judgeRound([...perfect(2), late], round, first.seen);
  // The late one, and all of the round itself are not judged again: only what is of another round counts.
  assert.equal(second.verdict.counts.doubled, 1);
});

const pulled = (stream: Stream, ids: readonly string[]): Extract<Fact, { kind: 'pulled' }>[] =>
  [A, B].flatMap((user) =>
    ids.map((each, i) => ({
      kind: 'pulled' as const,
      user,
      conversation: stream.conversation,
      seq: i + 1,
      id: each,
    })),
  );
const interrupted = (ids: readonly string[], acknowledged: Record<string, number>) =>
  judgeInterrupted({
    open: { number: 7, startedAt: 1_000, acknowledged },
    epoch: EPOCH,
    users: USERS,
    streams: STREAMS,
    pulled: pulled(TO, ids),
  }).verdict;

test('an interrupted round is judged by what is stored and what was saved', () => {
  // Both directions share a conversation; which of the two was first is not known.
  const ids = [id(FROM, 1), id(TO, 1), id(TO, 2), id(FROM, 2), id(TO, 3)];
  const clean = interrupted(ids, { [TO.name]: 1 });
  assert.deepEqual(Object.values(clean.counts), [0, 0, 0, 0, 0, 0], JSON.stringify(clean.examples));
  // The third of one stream and the second of the other may not have been acknowledged.
  assert.deepEqual([clean.sent, clean.acknowledged], [5, 3]);

  const hole = interrupted([id(TO, 1), id(TO, 3)], {});
  assert.ok(hole.counts.lost > 0, 'the second one was acknowledged, as the third was sent');
  const tail = interrupted([id(TO, 1)], { [TO.name]: 2 });
  assert.ok(tail.counts.lost > 0, 'what was saved as acknowledged is stored');
  const twice = interrupted([id(TO, 1), id(TO, 1), id(TO, 2)], {});
  assert.ok(twice.counts.doubled > 0);
  const order = interrupted([id(TO, 2), id(TO, 1)], {});
  assert.equal(order.counts.reordered, 1);
});
