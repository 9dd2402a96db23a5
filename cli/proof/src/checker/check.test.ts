import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CheckOptions } from './check-conversation.ts';
import { checkFacts, checkLogs } from './check-logs.ts';
import { decodeFact, encodeFact, type Fact } from './facts.ts';
import { openRecorder } from './recorder.ts';
import { FAULTS, type Fault, isClean, verdictTable } from './verdict.ts';

const CHAT = 'si_a_b';

/** A faultless run: users a and b write by turns, each on one device, and read everything at the end. */
function cleanRun(count = 20): Fact[] {
  const facts: Fact[] = [
    { kind: 'up', at: 0, device: 'a1', user: 'a', own: 'expected' },
    { kind: 'up', at: 0, device: 'b1', user: 'b', own: 'expected' },
    { kind: 'members', at: 0, conversation: CHAT, users: ['a', 'b'] },
  ];
  for (let seq = 1; seq <= count; seq++) {
    const at = seq * 100;
    const device = seq % 2 ? 'a1' : 'b1';
    const id = `m${seq}`;
    facts.push({ kind: 'sent', at, device, conversation: CHAT, id });
    facts.push({ kind: 'acked', at: at + 5, conversation: CHAT, id });
    facts.push({ kind: 'got', at: at + 20, device: 'a1', conversation: CHAT, seq, id });
    facts.push({ kind: 'got', at: at + 30, device: 'b1', conversation: CHAT, seq, id });
    facts.push({ kind: 'read', at: at + 40, user: 'a', conversation: CHAT, hasRead: seq - 1, max: seq });
  }
  for (const user of ['a', 'b']) {
    for (let seq = 1; seq <= count; seq++) {
      facts.push({ kind: 'pulled', user, conversation: CHAT, seq, id: `m${seq}` });
    }
  }
  return facts;
}

type Got = Extract<Fact, { kind: 'got' }>;
type PulledFact = Extract<Fact, { kind: 'pulled' }>;
const isGot = (device: string, seq: number) => (f: Fact) =>
  f.kind === 'got' && f.device === device && f.seq === seq;
const isPulled = (user: string, seq: number) => (f: Fact) =>
  f.kind === 'pulled' && f.user === user && f.seq === seq;

function without(facts: Fact[], match: (f: Fact) => boolean): Fact[] {
  const kept = facts.filter((f) => !match(f));
  assert.equal(kept.length < facts.length, true, 'the planted fault matched nothing');
  return kept;
}
function changed<T extends Fact>(facts: Fact[], match: (f: Fact) => boolean, change: Partial<T>): Fact[] {
  assert.ok(facts.some(match), 'the planted fault matched nothing');
  return facts.map((f) => (match(f) ? ({ ...f, ...change } as Fact) : f));
}
function swapped(facts: Fact[], one: (f: Fact) => boolean, other: (f: Fact) => boolean): Fact[] {
  const i = facts.findIndex(one);
  const j = facts.findIndex(other);
  assert.ok(i >= 0 && j >= 0, 'the planted fault matched nothing');
  const result = [...facts];
  [result[i], result[j]] = [facts[j] as Fact, facts[i] as Fact];
  return result;
}

function expectFaults(
  facts: Fact[],
  expected: Partial<Record<Fault, number>>,
  options?: Partial<CheckOptions>,
) {
  const verdict = checkFacts(facts, options);
  const counts = Object.fromEntries(
    FAULTS.filter((f) => verdict.counts[f]).map((f) => [f, verdict.counts[f]]),
  );
  assert.deepEqual(counts, expected, verdict.examples.map((e) => e.text).join('\n'));
}

test('a faultless run is clean, and counted', () => {
  const verdict = checkFacts(cleanRun(), { deliverWithinMs: 1_000 });
  assert.ok(isClean(verdict), verdict.examples.map((e) => e.text).join('\n'));
  assert.equal(verdict.sent, 20);
  assert.equal(verdict.acknowledged, 20);
  assert.equal(verdict.delivered, 40);
  assert.equal(verdict.pulled, 40);
  assert.equal(verdict.slowestDeliveryMs, 25);
  assert.equal(verdict.longestGapMs, 100);
});

test('lost: acknowledged, never delivered to a live device', () => {
  expectFaults(without(cleanRun(), isGot('b1', 7)), { lost: 1 });
});

test('lost: the last message of all', () => {
  expectFaults(without(cleanRun(), isGot('b1', 20)), { lost: 1 });
});

test('lost: acknowledged, not stored', () => {
  const facts = cleanRun().filter((f) => !(f.kind === 'pulled' && f.seq === 20));
  expectFaults(facts, { lost: 1 });
});

test('lost: a hole in the final pull of one user', () => {
  expectFaults(without(cleanRun(), isPulled('b', 9)), { lost: 2 });
});

test('lost: a placeholder where a message was acknowledged', () => {
  const facts = changed<PulledFact>(cleanRun(), (f) => f.kind === 'pulled' && f.seq === 9, { id: '' });
  expectFaults(facts, { lost: 3 });
});

test('lost: no message was pulled', () => {
  expectFaults(
    cleanRun().filter((f) => f.kind !== 'pulled'),
    { lost: 20 },
  );
  expectFaults(
    cleanRun().filter((f) => f.kind !== 'pulled'),
    {},
    { pulled: false },
  );
});

test('doubled: pushed twice', () => {
  const facts = cleanRun();
  facts.push({ ...(facts.find(isGot('b1', 4)) as Got), at: 9_000 });
  expectFaults(facts, { doubled: 1 });
});

test('doubled: stored under two seqs', () => {
  const facts = cleanRun();
  for (const user of ['a', 'b']) facts.push({ kind: 'pulled', user, conversation: CHAT, seq: 21, id: 'm3' });
  expectFaults(facts, { doubled: 2 });
});

test('doubled: own message called back', () => {
  const facts = changed<Extract<Fact, { kind: 'up' }>>(
    cleanRun(),
    (f) => f.kind === 'up' && f.device === 'a1',
    { own: 'forbidden' },
  );
  expectFaults(facts, { doubled: 10 });
});

test('reordered: two messages arrive in the wrong order', () => {
  expectFaults(swapped(cleanRun(), isGot('b1', 4), isGot('b1', 5)), { reordered: 1 });
});

test('reordered: a seq means different messages to different users', () => {
  let facts = changed<PulledFact>(cleanRun(), isPulled('b', 4), { id: 'm5' });
  facts = changed<PulledFact>(facts, (f) => f.kind === 'pulled' && f.user === 'b' && f.seq === 5, {
    id: 'm4',
  });
  expectFaults(facts, { reordered: 2 });
});

test('reordered: a live device saw another seq than the stored one', () => {
  let facts = changed<Got>(cleanRun(), isGot('b1', 20), { seq: 21 });
  facts = facts.concat({ kind: 'pulled', user: 'a', conversation: CHAT, seq: 21, id: '!1201' });
  expectFaults(facts, { reordered: 1 });
});

test('reordered: sent after an acknowledgement, and yet before it', () => {
  const flip = (f: Fact): Fact => {
    if ((f.kind === 'got' || f.kind === 'pulled') && (f.seq === 10 || f.seq === 11)) {
      return { ...f, id: f.seq === 10 ? 'm11' : 'm10' };
    }
    return f;
  };
  expectFaults(cleanRun().map(flip), { reordered: 1 });
});

test('phantom: delivered and stored, never sent', () => {
  const facts = cleanRun();
  facts.push({ kind: 'got', at: 9_000, device: 'a1', conversation: CHAT, seq: 21, id: 'ghost' });
  facts.push({ kind: 'pulled', user: 'a', conversation: CHAT, seq: 21, id: 'ghost' });
  expectFaults(facts, { phantom: 2 });
});

test('phantom: refused, and delivered all the same', () => {
  const facts = cleanRun().map(
    (f): Fact =>
      f.kind === 'acked' && f.id === 'm20'
        ? { kind: 'refused', at: f.at, conversation: CHAT, id: 'm20', code: 1302 }
        : f,
  );
  expectFaults(facts, { phantom: 3 });
});

test('phantom: delivered to another user', () => {
  const facts = cleanRun();
  facts.push({ kind: 'up', at: 0, device: 'c1', user: 'c', own: 'expected' });
  facts.push({ kind: 'got', at: 130, device: 'c1', conversation: CHAT, seq: 1, id: 'm1' });
  expectFaults(facts, { phantom: 1 });
});

test('read positions and highest seqs must not fall', () => {
  const facts = cleanRun();
  facts.push({ kind: 'read', at: 8_000, user: 'a', conversation: CHAT, hasRead: 7, max: 20 });
  facts.push({ kind: 'read', at: 8_001, user: 'a', conversation: CHAT, hasRead: 7, max: 18 });
  expectFaults(facts, { readBack: 2 });
});

test('late: beyond the limit, unless an outage explains it', () => {
  const facts = changed<Got>(cleanRun(), isGot('b1', 20), { at: 9_000 });
  expectFaults(facts, { late: 1 }, { deliverWithinMs: 1_000 });
  expectFaults(facts, {}, { deliverWithinMs: 1_000, outages: [{ from: 2_500, to: 8_500 }] });
  expectFaults(facts, { late: 1 }, { deliverWithinMs: 1_000, outages: [{ from: 3_500, to: 8_500 }] });
});

test('a message with an unknown outcome may appear or not, but not twice', () => {
  const open = cleanRun().filter((f) => !(f.kind === 'acked' && f.id === 'm20'));
  assert.equal(checkFacts(open).open, 1);
  expectFaults(open, {});
  expectFaults(
    open.filter((f) => !((f.kind === 'got' || f.kind === 'pulled') && f.id === 'm20')),
    {},
  );
  expectFaults([...open, { kind: 'pulled', user: 'a', conversation: CHAT, seq: 21, id: 'm20' }], {
    doubled: 1,
  });
});

test('a device that is down is owed nothing', () => {
  const facts = cleanRun().filter((f) => !(f.kind === 'got' && f.device === 'b1' && f.seq > 10));
  expectFaults(facts, { lost: 10 });
  expectFaults([...facts, { kind: 'down', at: 1_050, device: 'b1' }], {}, { graceMs: 20 });
});

test('members are owed what was sent while they were members', () => {
  const facts = cleanRun();
  facts.push({ kind: 'up', at: 0, device: 'c1', user: 'c', own: 'expected' });
  facts.push({ kind: 'members', at: 950, conversation: CHAT, users: ['a', 'b', 'c'] });
  facts.push({ kind: 'members', at: 1_250, conversation: CHAT, users: ['a', 'b'] });
  expectFaults(facts, { lost: 3 });
  for (const seq of [10, 11, 12]) {
    facts.push({ kind: 'got', at: seq * 100 + 40, device: 'c1', conversation: CHAT, seq, id: `m${seq}` });
  }
  expectFaults(facts, {});
});

test('facts survive their lines, and a split by conversation changes no verdict', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'im-checker-test-'));
  try {
    const { file } = (() => {
      using recorder = openRecorder(join(dir, 'one.log'));
      for (let i = 0; i < 10; i++) {
        for (const fact of without(cleanRun(), isGot('b1', 7))) {
          recorder.add('conversation' in fact ? { ...fact, conversation: `c${i}` } : fact);
        }
      }
      return recorder;
    })();
    for (const fact of cleanRun()) assert.deepEqual(decodeFact(encodeFact(fact).trimEnd()), fact);
    const whole = await checkLogs([file]);
    const parts = await checkLogs([file], { bucketBytes: 10_000 });
    assert.equal(whole.counts.lost, 10);
    assert.deepEqual(parts.counts, whole.counts);
    assert.equal(parts.sent, 200);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a line that is no fact is an error', () => {
  assert.throws(() => decodeFact('["z",1]'), /unknown kind/);
  assert.throws(() => decodeFact('{}'), /not a fact/);
  assert.throws(() => decodeFact('["a","x","c","i"]'), /cell 1 is not a number/);
});

test('the table names the runs', () => {
  const table = verdictTable([{ name: 'kill -9 gateway', verdict: checkFacts(cleanRun()) }]);
  assert.match(table, /^run +sent +acknowledged +lost/);
  assert.match(table, /kill -9 gateway +20 +20 +0 +0 +0 +0 +0 +0 +0\.03 s +0\.10 s/);
});

test('users who left must get and read nothing sent afterwards, unless they rejoined', () => {
  const left: Fact = { kind: 'members', at: 1_090, startedAt: 1_050, conversation: CHAT, users: ['a'] };
  const facts = cleanRun();
  const late = (f: Fact) => f.kind === 'pulled' && f.user === 'b' && f.seq > 10;
  const gotLate = (f: Fact) => f.kind === 'got' && f.device === 'b1' && f.seq > 10;
  const own = (f: Fact) => 'id' in f && Number(f.id.slice(1)) > 10 && Number(f.id.slice(1)) % 2 === 0;
  const gone = [...facts.filter((f) => !late(f) && !gotLate(f) && !own(f)), left].map((f): Fact => {
    // Only a writes then, so that seqs go on.
    if ((f.kind !== 'got' && f.kind !== 'pulled') || f.seq <= 10) return f;
    return { ...f, seq: 10 + (f.seq - 9) / 2 };
  });
  assert.ok(isClean(checkFacts(gone)), JSON.stringify(checkFacts(gone).examples));
  const pulled: Fact = { kind: 'pulled', user: 'b', conversation: CHAT, seq: 11, id: 'm11' };
  assert.equal(checkFacts([...gone, pulled]).counts.phantom, 1);
  const got: Fact = { kind: 'got', at: 1_130, device: 'b1', conversation: CHAT, seq: 11, id: 'm11' };
  assert.equal(checkFacts([...gone, got]).counts.phantom, 1);
  const back: Fact = { kind: 'members', at: 9_000, startedAt: 8_990, conversation: CHAT, users: ['a', 'b'] };
  assert.equal(checkFacts([...gone, back, pulled]).counts.phantom, 0, 'history shows again');
});

test('while a membership change is pending, a message may or may not reach the users affected', () => {
  const joins: Fact = {
    kind: 'members',
    at: 1_090,
    startedAt: 990,
    conversation: CHAT,
    users: ['a', 'b', 'c'],
  };
  const facts = [
    ...cleanRun(),
    joins,
    { kind: 'up', at: 0, device: 'c1', user: 'c', own: 'expected' } as Fact,
  ];
  // m10 was sent in the meantime; later messages must arrive.
  assert.equal(checkFacts(facts, { pulled: false }).counts.lost, 10);
  const got: Fact = { kind: 'got', at: 1_020, device: 'c1', conversation: CHAT, seq: 10, id: 'm10' };
  assert.equal(checkFacts([...facts, got], { pulled: false }).counts.phantom, 0);
  const early: Fact = { kind: 'got', at: 950, device: 'c1', conversation: CHAT, seq: 9, id: 'm9' };
  assert.equal(checkFacts([...facts, early], { pulled: false }).counts.phantom, 1);
  const line = encodeFact(joins);
  assert.deepEqual(decodeFact(line), joins);
});
