import type { WireConnection } from '../wire/index.ts';
import {
  ConnectionLost,
  loadText,
  parseLoadContent,
  scanPush,
  sendMessage,
  textMessage,
  WireError,
} from '../wire/index.ts';
import type { BenchRun, BenchUser } from './bench-run.ts';
import { Histogram } from './histogram.ts';

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

/** Pairs of users, the first of each writing to the second. */
export interface PairLoad {
  readonly pairs: number;
  readonly counts: PairCounts;
  readonly acked: Histogram;
  readonly arrived: Histogram;
  /** Sends the next message of a pair; resolves with its fate, never rejects. */
  send(pair: number): Promise<void>;
  /** Waits until every acknowledged message has arrived, at most `limitMs`. @returns how many have not. */
  drain(limitMs: number): Promise<number>;
  close(): void;
}

/** Text of a message, as long as those that the reference was measured with. */
const TEXT_BYTES = 100;

/** Connects the users of the pairs. The load checks order, losses and copies by numbers of its own. */
export async function openPairs(bench: BenchRun, pairs: number): Promise<PairLoad> {
  const users = await bench.users(pairs * 2);
  const counts: PairCounts = {
    sent: 0,
    acknowledged: 0,
    refused: 0,
    open: 0,
    delivered: 0,
    doubled: 0,
    reordered: 0,
  };
  const acked = new Histogram();
  const arrived = new Histogram();
  const run = `${process.pid}-${Math.floor(performance.now())}`;
  const next = new Uint32Array(pairs);
  const seen = Array.from({ length: pairs }, () => new Set<number>());
  const last = new Uint32Array(pairs);
  const owed = Array.from({ length: pairs }, () => new Set<number>());

  function onPush(receiver: number, data: Uint8Array): void {
    const now = wallClock();
    for (const message of scanPush(data)) {
      if (message.notification) continue;
      const load = parseLoadContent(message.content);
      if (!load?.id.startsWith(run)) continue;
      const [, pairText, numberText] = load.id.split('.');
      const pair = Number(pairText);
      const number = Number(numberText);
      // The sender's own copy.
      if (receiver !== pair) continue;
      if (seen[pair]?.has(number)) {
        counts.doubled += 1;
        continue;
      }
      seen[pair]?.add(number);
      owed[pair]?.delete(number);
      if (number < (last[pair] ?? 0)) counts.reordered += 1;
      last[pair] = Math.max(last[pair] ?? 0, number);
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
    const number = (next[pair] ?? 0) + 1;
    next[pair] = number;
    const id = `${run}.${pair}.${number}`;
    counts.sent += 1;
    const sentAt = wallClock();
    const bytes = textMessage(from.userID, { user: to.userID }, id, loadText(id, sentAt, TEXT_BYTES));
    try {
      await sendMessage(sender, bytes, { operationID: id, timeoutMs: 30_000 });
      counts.acknowledged += 1;
      acked.add((wallClock() - sentAt) * 1000);
      if (!seen[pair]?.has(number)) owed[pair]?.add(number);
    } catch (error) {
      if (error instanceof WireError) counts.refused += 1;
      else if (error instanceof ConnectionLost) counts.open += 1;
      else throw error;
    }
  }

  return {
    pairs,
    counts,
    acked,
    arrived,
    send,
    async drain(limitMs) {
      const deadline = performance.now() + limitMs;
      const missing = () => owed.reduce((sum, set) => sum + set.size, 0);
      while (missing() > 0 && performance.now() < deadline) await new Promise((done) => setTimeout(done, 50));
      return missing();
    },
    close() {
      for (const connection of connections) connection.close();
    },
  };
}

function wallClock(): number {
  return performance.timeOrigin + performance.now();
}
