import { checkFacts, type Fact, SYSTEM_MARK, type Verdict } from '@im/proof';
import type { OpenRound } from './checkpoint.ts';
import { membersOf, parseProbeID, probeID, type Stream } from './streams.ts';

/** The round that facts belong to. */
export interface RoundName {
  readonly epoch: string;
  readonly number: number;
}

/**
 * What devices and the stored conversations had in the round before, so that what comes twice, a round apart, is noticed:
 * `<device or user> <message ID>`.
 */
export type Seen = ReadonlySet<string>;

/** The outcome of a round. */
export interface RoundVerdict {
  readonly verdict: Verdict;
  readonly seen: Seen;
  /** Highest stored seq by conversation, as far as it was read. */
  readonly highest: ReadonlyMap<string, number>;
}

/** A device that goes down within this time after an acknowledgement need not get the message, ms. */
const GRACE_MS = 10_000;

/**
 * Decides about one round; a pure function. What is left of earlier rounds, such as a message whose outcome was open and
 * that was stored later, is no fault of this one, unless it is there a second time.
 */
export function judgeRound(
  facts: readonly Fact[],
  { epoch, number }: RoundName,
  before: Seen = new Set(),
): RoundVerdict {
  const seen = new Set<string>();
  const highest = new Map<string, number>();
  let repeated = 0;
  const own: Fact[] = facts.map((fact) => {
    if (fact.kind !== 'got' && fact.kind !== 'pulled') return fact;
    if (fact.kind === 'pulled') {
      highest.set(fact.conversation, Math.max(highest.get(fact.conversation) ?? 0, fact.seq));
    }
    const by = fact.kind === 'got' ? fact.device : fact.user;
    const key = `${fact.kind} ${by} ${fact.id}`;
    seen.add(key);
    const known = parseProbeID(fact.id);
    if (known && known.epoch === epoch && known.round === number) return fact;
    if (before.has(key)) repeated += 1;
    return known ? { ...fact, id: `${SYSTEM_MARK}${fact.id}` } : fact;
  });
  const verdict = checkFacts(own, { graceMs: GRACE_MS, pulled: true });
  if (repeated > 0) {
    verdict.counts.doubled += repeated;
    const text = `${repeated} messages of an earlier round came again`;
    verdict.examples.push({ fault: 'doubled', conversation: 'several', text });
  }
  return { verdict, seen, highest };
}

type Pulled = Extract<Fact, { kind: 'pulled' }>;

/** What is known of a round whose prober was killed. */
export interface InterruptedRound {
  readonly open: OpenRound;
  readonly epoch: string;
  readonly users: readonly string[];
  readonly streams: readonly Stream[];
  /** What each user could read after the judged seqs. */
  readonly pulled: readonly Pulled[];
}

/**
 * Decides about a round whose prober was killed, from what was saved of it and what is stored; a pure function. Each
 * message of a stream was sent after the one before was acknowledged: so all that are stored but the last were, and what
 * was saved as acknowledged was. Nothing is known of arrivals.
 */
export function judgeInterrupted({ open, epoch, users, streams, pulled }: InterruptedRound): RoundVerdict {
  const { number: round, startedAt: at, acknowledged } = open;
  const facts: Fact[] = [...membersOf(streams, users)].map(([conversation, members]) => ({
    kind: 'members',
    at,
    conversation,
    users: members,
  }));
  const numberOf = (id: string, stream: string): number | undefined => {
    const known = parseProbeID(id);
    const isOwn = known && known.epoch === epoch && known.round === round && known.stream === stream;
    return isOwn ? known.number : undefined;
  };
  for (const { name, conversation, sender } of streams) {
    const stored = pulled.flatMap(({ id }) => numberOf(id, name) ?? []);
    const known = Math.max(acknowledged[name] ?? 0, ...stored.map((each) => each - 1));
    for (let number = 1; number <= Math.max(known, ...stored); number++) {
      const id = probeID({ epoch, round, stream: name, number });
      // The same time for all: what was sent before what in another stream is not known.
      facts.push({ kind: 'sent', at, device: sender, conversation, id });
      if (number <= known) facts.push({ kind: 'acked', at: at + 1, conversation, id });
    }
  }
  const judged = judgeRound([...facts, ...pulled], { epoch, number: round });
  for (const { name, conversation } of streams) {
    for (const user of new Set(pulled.map((fact) => fact.user))) {
      const own = pulled.filter((fact) => fact.user === user && fact.conversation === conversation);
      const numbers = own.toSorted((a, b) => a.seq - b.seq).flatMap(({ id }) => numberOf(id, name) ?? []);
      const wrong = numbers.findIndex((each, i) => i > 0 && each < (numbers[i - 1] ?? 0));
      if (wrong < 0) continue;
      const text = `message ${numbers[wrong]} of stream ${name} is stored after message ${numbers[wrong - 1]}`;
      judged.verdict.counts.reordered += 1;
      judged.verdict.examples.push({ fault: 'reordered', conversation, text });
      break;
    }
  }
  return judged;
}

/** Whether a device still misses a message that was acknowledged. */
export function isIncomplete(facts: readonly Fact[]): boolean {
  return checkFacts(facts, { graceMs: GRACE_MS, pulled: false }).counts.lost > 0;
}
