import type { ScannedMessage, WireConnection } from '@im/client';
import {
  ConnectionLost,
  loadText,
  parseLoadContent,
  pullRange,
  readPositions,
  scanPush,
  sendMessage,
  textMessage,
  WireError,
} from '@im/client';
import { chatConversationID, SESSION } from '@im/protocol';
import type { BenchRun, BenchUser } from './bench-run.ts';
import { Histogram } from './histogram.ts';
import { PairLedger } from './pair-ledger.ts';

/** What became of the messages of a load. */
export interface PairCounts {
  sent: number;
  acknowledged: number;
  /** Refused with an error code, such as back-pressure. */
  refused: number;
  /** Neither acknowledged nor refused. */
  open: number;
  /** Arrived at the receiver for the first time. */
  delivered: number;
  doubled: number;
  reordered: number;
}

/** What the final read of all conversations found. */
export interface StoredCounts {
  /** Messages of this load that are stored. */
  stored: number;
  /** Acknowledged, and not stored. */
  missing: number;
  /** Stored at a seq that does not follow the numbers before it, or twice. */
  disordered: number;
}

/** Pairs of users, the first of each writing to the second. */
export interface PairLoad {
  readonly pairs: number;
  readonly counts: PairCounts;
  /** Refused messages by error code. */
  readonly refusals: ReadonlyMap<number, number>;
  readonly acked: Histogram;
  readonly arrived: Histogram;
  /** Messages whose fate is open. */
  readonly underWay: number;
  /** Arrivals whose seq does not follow the one before it. */
  readonly seqGaps: number;
  /** Sends the next message of a pair; resolves with its fate, never rejects. */
  send(pair: number): Promise<void>;
  /** Waits until every acknowledged message has arrived, at most `limitMs`. @returns how many have not. */
  drain(limitMs: number): Promise<number>;
  /** Reads what this load stored, from its first message to the end of every conversation. */
  readStored(): Promise<StoredCounts>;
  close(): void;
}

/** Size and content of the messages of a load. */
export interface PairLoadOptions {
  /** Length of a text. @default 100, as long as those that the reference was measured with */
  readonly textBytes?: number;
  /** Sender, receiver, sender, receiver …; the users of the bench by default. */
  readonly users?: readonly BenchUser[];
}

/** Conversations that are read at once at the end. */
const READS_AT_ONCE = 4;

/** Connects the users of the pairs. The load checks order, losses and copies by its own numbers. */
export async function openPairs(
  bench: BenchRun,
  pairs: number,
  { textBytes = 100, users: given }: PairLoadOptions = {},
): Promise<PairLoad> {
  const users = given ?? (await bench.users(pairs * 2));
  const counts: PairCounts = {
    sent: 0,
    acknowledged: 0,
    refused: 0,
    open: 0,
    delivered: 0,
    doubled: 0,
    reordered: 0,
  };
  const refusals = new Map<number, number>();
  const acked = new Histogram();
  const arrived = new Histogram();
  const run = `${process.pid}-${Math.floor(performance.now())}`;
  const ledgers = Array.from({ length: pairs }, () => new PairLedger());
  const ledgerOf = (pair: number) => ledgers[pair] as PairLedger;
  const sum = (of: (ledger: PairLedger) => number) => ledgers.reduce((n, each) => n + of(each), 0);

  /** Number of a message of this load, undefined for any other. */
  function numberOf(message: ScannedMessage): { pair: number; number: number; sentAt: number } | undefined {
    const load = message.notification ? undefined : parseLoadContent(message.content);
    if (!load?.id.startsWith(run)) return undefined;
    const [, pair, number] = load.id.split('.');
    return { pair: Number(pair), number: Number(number), sentAt: load.sentAt };
  }
  function onPush(receiver: number, data: Uint8Array): void {
    const now = wallClock();
    for (const message of scanPush(data)) {
      const load = numberOf(message);
      // The sender's own copy belongs to no receiver.
      if (load === undefined || load.pair !== receiver) continue;
      const ledger = ledgerOf(load.pair);
      const arrival = ledger.arrive(load.number, message.seq);
      if (arrival === 'doubled') {
        counts.doubled += 1;
        continue;
      }
      if (arrival === 'reordered') counts.reordered += 1;
      counts.delivered += 1;
      arrived.add((now - load.sentAt) * 1000);
    }
  }
  // Sender and receiver of a pair are on different gateways where there are several.
  const connections = await bench.connect(users, (i) => ({
    push: (data) => onPush(i % 2 ? (i - 1) / 2 : -1, data),
  }));

  async function send(pair: number): Promise<void> {
    const sender = connections[pair * 2] as WireConnection;
    const from = users[pair * 2] as BenchUser;
    const to = users[pair * 2 + 1] as BenchUser;
    const ledger = ledgerOf(pair);
    const number = ledger.send();
    const id = `${run}.${pair}.${number}`;
    counts.sent += 1;
    const sentAt = wallClock();
    const bytes = textMessage(from.userID, { user: to.userID }, id, loadText(id, sentAt, textBytes));
    try {
      await sendMessage(sender, bytes, { operationID: id, timeoutMs: 30_000 });
      counts.acknowledged += 1;
      acked.add((wallClock() - sentAt) * 1000);
      ledger.acknowledge(number);
    } catch (error) {
      if (error instanceof WireError) {
        counts.refused += 1;
        refusals.set(error.code, (refusals.get(error.code) ?? 0) + 1);
        ledger.refuse(number);
      } else if (error instanceof ConnectionLost) counts.open += 1;
      else throw error;
    }
  }

  async function readPair(pair: number, found: StoredCounts): Promise<void> {
    const receiver = connections[pair * 2 + 1] as WireConnection;
    const [sendID, recvID] = [users[pair * 2]?.userID ?? '', receiver.userID];
    const conversation = chatConversationID({ sessionType: SESSION.Single, sendID, recvID, groupID: '' });
    const max = (await readPositions(receiver))[conversation]?.maxSeq ?? 0;
    let last = 0;
    const first = Math.max(1, ledgerOf(pair).firstSeq);
    for await (const message of pullRange(receiver, conversation, first, max)) {
      const load = numberOf(message);
      if (load === undefined) continue;
      found.stored += 1;
      if (load.number <= last) found.disordered += 1;
      last = Math.max(last, load.number);
    }
  }

  return {
    pairs,
    counts,
    refusals,
    acked,
    arrived,
    get underWay() {
      return sum((each) => each.underWay);
    },
    get seqGaps() {
      return sum((each) => each.seqGaps);
    },
    send,
    async drain(limitMs) {
      const deadline = performance.now() + limitMs;
      const missing = () => sum((each) => each.owed);
      while (missing() > 0 && performance.now() < deadline) await new Promise((done) => setTimeout(done, 50));
      return missing();
    },
    async readStored() {
      const found: StoredCounts = { stored: 0, missing: 0, disordered: 0 };
      let next = 0;
      const worker = async (): Promise<void> => {
        for (let pair = next++; pair < pairs; pair = next++) await readPair(pair, found);
      };
      await Promise.all(Array.from({ length: READS_AT_ONCE }, worker));
      found.missing = Math.max(0, counts.acknowledged - found.stored);
      return found;
    },
    close() {
      for (const connection of connections) connection.close();
    },
  };
}

function wallClock(): number {
  return performance.timeOrigin + performance.now();
}
