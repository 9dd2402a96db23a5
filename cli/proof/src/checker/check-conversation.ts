import { type Devices, upDuring } from './device-history.ts';
import type { Fact } from './facts.ts';
import { SYSTEM_MARK } from './facts.ts';
import { addFinding, type Fault, type Verdict } from './verdict.ts';

/** The requirements on a run. */
export interface CheckOptions {
  /** A device that goes down within this time after an acknowledgement need not get the message, in ms. */
  readonly graceMs: number;
  /** Longest allowed time from acknowledgement to arrival, in ms; unset means any. */
  readonly deliverWithinMs?: number;
  /** While and after one of these, deliveries may take until its end plus the allowed time. */
  readonly outages?: readonly { readonly from: number; readonly to: number }[];
  /** Whether every conversation was read at the end. */
  readonly pulled: boolean;
}

export const DEFAULT_CHECK: CheckOptions = { graceMs: 10_000, pulled: true };

/** Acknowledgements of different processes are compared with this tolerance, in ms. */
const CLOCK_SLACK_MS = 2;

interface Message {
  readonly sentAt: number;
  readonly device: string;
  ackedAt: number | undefined;
  refused: boolean;
}

/**
 * Decides about one conversation and adds to `verdict`. Needs all its facts, those of one device in
 * the order in which they happened; the order between devices does not matter.
 */
export function checkConversation(
  conversation: string,
  facts: readonly Fact[],
  devices: Devices,
  options: CheckOptions,
  verdict: Verdict,
): void {
  const messages = new Map<string, Message>();
  const membership: MembersVersion[] = [];
  const arrivals = new Map<string, { at: number; seq: number; id: string }[]>();
  const pulls = new Map<string, { seq: number; id: string }[]>();
  const reads = new Map<string, { at: number; hasRead: number; max: number }[]>();
  const find = (fault: Fault, text: string) => addFinding(verdict, { fault, conversation, text });

  for (const fact of facts) {
    if (fact.kind === 'sent') {
      messages.set(fact.id, { sentAt: fact.at, device: fact.device, ackedAt: undefined, refused: false });
    }
  }
  for (const fact of facts) {
    switch (fact.kind) {
      case 'acked': {
        const message = messages.get(fact.id);
        if (!message) find('phantom', `${fact.id} was acknowledged but never sent`);
        else message.ackedAt ??= fact.at;
        break;
      }
      case 'refused': {
        const message = messages.get(fact.id);
        if (message) message.refused = true;
        break;
      }
      case 'members':
        membership.push({ startedAt: fact.startedAt ?? fact.at, at: fact.at, users: new Set(fact.users) });
        break;
      case 'got':
        push(arrivals, fact.device, fact);
        break;
      case 'pulled':
        push(pulls, fact.user, fact);
        break;
      case 'read':
        push(reads, fact.user, fact);
        break;
      case 'sent':
      case 'up':
      case 'down':
        break;
      default:
        fact satisfies never;
    }
  }
  membership.sort((a, b) => a.at - b.at);

  for (const message of messages.values()) {
    verdict.sent += 1;
    if (message.ackedAt !== undefined) verdict.acknowledged += 1;
    else if (message.refused) verdict.refused += 1;
    else verdict.open += 1;
  }

  const everMember = new Set(membership.flatMap((version) => [...version.users]));
  const memberThroughout = (user: string, from: number, to: number): boolean =>
    memberDuring(membership, user, from, to) === true;
  const real = (id: string, where: string): boolean => {
    if (id.startsWith(SYSTEM_MARK)) return false;
    const message = messages.get(id);
    if (!message) find('phantom', `${id} ${where} was never sent`);
    else if (message.refused && message.ackedAt === undefined) {
      find('phantom', `${id} ${where} had been refused`);
    }
    return message !== undefined;
  };

  const stored = checkPulls();
  checkArrivals(stored);
  if (options.pulled) checkOrderOfAcknowledgements(stored);
  checkReads();

  /** @returns the seq of every message, and the message of every seq, as the final pulls agree. */
  function checkPulls(): { seqOf: Map<string, number>; idAt: Map<number, string> } {
    const seqOf = new Map<string, number>();
    const idAt = new Map<number, string>();
    for (const [user, pulled] of pulls) {
      pulled.sort((a, b) => a.seq - b.seq);
      const own = new Map<string, number>();
      let before: number | undefined;
      for (const { seq, id } of pulled) {
        verdict.pulled += 1;
        if (before !== undefined && seq > before + 1) {
          find('lost', `seqs ${before + 1} to ${seq - 1} are missing in the final pull of ${user}`);
        }
        if (seq === before) find('doubled', `seq ${seq} came twice in the final pull of ${user}`);
        before = seq;
        if (id === '') {
          find('lost', `seq ${seq} has no message in the final pull of ${user}`);
          continue;
        }
        const earlier = own.get(id);
        if (earlier !== undefined) find('doubled', `${id} is stored as seq ${earlier} and ${seq}`);
        own.set(id, seq);
        const other = idAt.get(seq);
        if (other === undefined) {
          idAt.set(seq, id);
          real(id, `in the final pull of ${user}`);
          if (!seqOf.has(id)) seqOf.set(id, seq);
        } else if (other !== id) {
          find('reordered', `seq ${seq} is ${other} for one user and ${id} for ${user}`);
        }
      }
      if (!everMember.has(user)) find('phantom', `${user} could read the conversation of others`);
      else checkPulledByMember(user, own);
    }
    if (!options.pulled) return { seqOf, idAt };
    for (const [id, message] of messages) {
      if (message.ackedAt === undefined) continue;
      if (!seqOf.has(id)) find('lost', `${id} was acknowledged and is not stored`);
    }
    for (const [user, pulled] of pulls) {
      const seqs = new Set(pulled.map((entry) => entry.seq));
      for (const [id, seq] of seqOf) {
        const message = messages.get(id);
        if (!message || message.ackedAt === undefined || seqs.has(seq)) continue;
        if (memberThroughout(user, message.sentAt, message.ackedAt)) {
          find('lost', `${id} (seq ${seq}) is missing in the final pull of ${user}`);
        }
      }
    }
    return { seqOf, idAt };
  }

  /** Users who left must not read later messages, unless they rejoined. */
  function checkPulledByMember(user: string, pulled: ReadonlyMap<string, number>): void {
    for (const [id, seq] of pulled) {
      const message = messages.get(id);
      if (message?.ackedAt === undefined) continue;
      if (memberDuring(membership, user, message.sentAt, Number.POSITIVE_INFINITY) === false) {
        find('phantom', `${user} could read ${id} (seq ${seq}), sent when they were not in the conversation`);
      }
    }
  }

  function checkArrivals({ idAt }: { idAt: Map<number, string> }): void {
    for (const [name, got] of arrivals) {
      const device = devices.get(name);
      const seen = new Map<string, number>();
      let highest = 0;
      for (const { at, seq, id } of got) {
        verdict.delivered += 1;
        if (device && !everMember.has(device.user)) {
          find('phantom', `${id} reached ${name}, which is none of the conversation's users`);
        }
        const message = real(id, `at ${name}`) ? messages.get(id) : undefined;
        if (message?.device === name && device?.own === 'forbidden') {
          find('doubled', `${id} came back to ${name}, which had sent it`);
        }
        if (seen.has(id)) {
          if (message?.device !== name || device?.own !== 'ignored') {
            find('doubled', `${id} (seq ${seq}) reached ${name} twice`);
          }
          continue;
        }
        seen.set(id, at);
        if (message && device && everMember.has(device.user)) {
          if (memberDuring(membership, device.user, message.sentAt, at) === false) {
            find('phantom', `${id} reached ${name}, whose user was not in the conversation`);
          }
        }
        if (seq === 0) continue;
        const storedID = idAt.get(seq);
        if (storedID !== undefined && storedID !== id) {
          find('reordered', `seq ${seq} is stored as ${storedID} and reached ${name} as ${id}`);
        }
        if (seq <= highest) find('reordered', `${id} (seq ${seq}) reached ${name} after seq ${highest}`);
        else highest = seq;
      }
    }
    for (const [name, device] of devices) {
      if (!everMember.has(device.user)) continue;
      const got = new Map(arrivals.get(name)?.map((entry) => [entry.id, entry.at]));
      for (const [id, message] of messages) {
        if (message.ackedAt === undefined) continue;
        if (message.device === name && device.own !== 'expected') continue;
        if (!upDuring(device, message.sentAt, message.ackedAt + options.graceMs)) continue;
        if (!memberThroughout(device.user, message.sentAt, message.ackedAt)) continue;
        const at = got.get(id);
        if (at === undefined) {
          find('lost', `${id} was acknowledged and never reached ${name}`);
          continue;
        }
        verdict.slowestDeliveryMs = Math.max(verdict.slowestDeliveryMs, at - message.ackedAt);
        const due = dueTime(message.ackedAt);
        if (at > due) find('late', `${id} reached ${name} ${Math.round(at - due)} ms too late`);
      }
    }
  }

  function dueTime(ackedAt: number): number {
    const limit = options.deliverWithinMs;
    if (limit === undefined) return Number.POSITIVE_INFINITY;
    let due = ackedAt + limit;
    for (const outage of options.outages ?? []) {
      if (ackedAt <= outage.to && due >= outage.from) due = Math.max(due, outage.to + limit);
    }
    return due;
  }

  /** What was acknowledged before another message was sent must have the lower seq. */
  function checkOrderOfAcknowledgements({ seqOf }: { seqOf: Map<string, number> }): void {
    const placed = [...messages].flatMap(([id, { sentAt, ackedAt }]) => {
      const seq = seqOf.get(id);
      return seq === undefined ? [] : [{ id, sentAt, ackedAt: ackedAt ?? Number.POSITIVE_INFINITY, seq }];
    });
    const byAck = placed.toSorted((a, b) => a.ackedAt - b.ackedAt);
    let next = 0;
    let highest: { id: string; seq: number } | undefined;
    for (const { id, sentAt, seq } of placed.toSorted((a, b) => a.sentAt - b.sentAt)) {
      for (;;) {
        const earlier = byAck[next];
        if (!earlier || earlier.ackedAt >= sentAt - CLOCK_SLACK_MS) break;
        if (!highest || earlier.seq > highest.seq) highest = earlier;
        next += 1;
      }
      if (highest && highest.seq > seq) {
        find(
          'reordered',
          `${id} (seq ${seq}) was sent after ${highest.id} (seq ${highest.seq}) was acknowledged`,
        );
      }
    }
  }

  function checkReads(): void {
    for (const [user, positions] of reads) {
      let last = { hasRead: 0, max: 0 };
      for (const { hasRead, max } of positions.toSorted((a, b) => a.at - b.at)) {
        if (hasRead < last.hasRead) {
          find('readBack', `read position of ${user} fell from ${last.hasRead} to ${hasRead}`);
        }
        if (max < last.max) find('readBack', `highest seq for ${user} fell from ${last.max} to ${max}`);
        last = { hasRead, max };
      }
    }
  }
}

/** The members of a conversation from `at` on; users affected by a pending change may be in or out since `startedAt`. */
interface MembersVersion {
  readonly startedAt: number;
  readonly at: number;
  readonly users: ReadonlySet<string>;
}

/**
 * Whether a user was in the conversation the whole time, or out of it; undefined when that changed, or is not known.
 * @param versions in order of time.
 */
function memberDuring(
  versions: readonly MembersVersion[],
  user: string,
  from: number,
  to: number,
): boolean | undefined {
  let current: boolean | undefined;
  for (const { startedAt, at, users } of versions) {
    const member = users.has(user);
    if (at <= from) current = member;
    else if (startedAt <= to && member !== current) return undefined;
  }
  return current;
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
