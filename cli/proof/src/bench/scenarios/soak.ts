import { setTimeout as sleep } from 'node:timers/promises';
import type { LogInfo } from '@im/bus';
import { queueKey, SESSION } from '@im/protocol';
import {
  atRate,
  type BenchRun,
  type BenchUser,
  cpuPer,
  latencies,
  type Measure,
  type Scenario,
  startMeter,
} from '../bench-run.ts';
import { MemorySamples } from '../memory-samples.ts';
import { type WatchedLog, watchLog } from '../message-log.ts';
import type { OwnServer } from '../own-server.ts';
import { openPairs, type PairLoad } from '../pair-load.ts';
import { pidsOf, processUsage, totalUsage } from '../process-usage.ts';

const PAIRS = 100;
const DRAIN_MS = 60_000;
const MINUTE_MS = 60_000;
/** Minutes of a run that is shorter than ten of them. */
const LEAST_ROWS = 10;
/** Messages in flight at which the load pauses: a server that far behind will not catch up. */
const MOST_UNDER_WAY = 100_000;
const MIB = 1024 * 1024;

/** A steady load for long: is anything refused, does the log stay flat, does memory grow? */
export const soak: Scenario = {
  name: 'soak',
  runs: 1,
  async run(bench) {
    const { own } = bench.target;
    await using log = own && (await watchLog(own));
    const idleTransfers = (bench.options.transfers ?? 1) > 1;
    if (idleTransfers && !(own && log)) {
      throw new Error('--transfers needs an own server: leave out --api');
    }
    const users = await bench.named(userIDs(bench, idleTransfers ? log : undefined));
    const load = await openPairs(bench, PAIRS, { users, textBytes: bench.options.soak.bytes });
    try {
      return await new Soak(bench, load, log).run();
    } finally {
      load.close();
    }
  },
};

/** Users by pairs; with a log, such that all chats are in one of its partitions. */
function userIDs(bench: BenchRun, log: WatchedLog | undefined): BenchUser['userID'][] {
  const partitionOf = (a: string, b: string) =>
    log?.partitionOf(queueKey({ sessionType: SESSION.Single, sendID: a, recvID: b, groupID: '' }));
  const wanted = partitionOf('soak0', 'soak0r0');
  const ids = Array.from({ length: PAIRS }, (_, i) => {
    const from = `soak${i}`;
    let n = 0;
    while (partitionOf(from, `${from}r${n}`) !== wanted) n += 1;
    return [from, `${from}r${n}`];
  }).flat();
  if (wanted !== undefined) bench.progress(`all messages are in partition ${wanted}; the others are idle`);
  return ids;
}

/** One run of the scenario. */
class Soak {
  readonly #bench: BenchRun;
  readonly #load: PairLoad;
  readonly #log: WatchedLog | undefined;
  readonly #memory = new MemorySamples();
  #highestLogShare = 0;
  #highestLag = 0;
  #purges = 0;
  #firstPosition = 0;
  #heldBack = 0;

  constructor(bench: BenchRun, load: PairLoad, log: WatchedLog | undefined) {
    this.#bench = bench;
    this.#load = load;
    this.#log = log;
  }

  async run(): Promise<Measure[]> {
    const { seconds, rate } = this.#bench.options.soak;
    const stop = startMeter(this.#bench.target);
    const startedAt = performance.now();
    const until = startedAt + seconds * 1000;
    const watching = this.#watch(startedAt, until);
    let behind = false;
    await atRate(rate, until, (n) => {
      if (n % rate === 0) behind = this.#load.underWay > MOST_UNDER_WAY;
      if (behind) this.#heldBack += 1;
      else void this.#load.send(n % PAIRS);
    });
    await watching;
    const lost = await this.#load.drain(DRAIN_MS);
    const usage = stop();
    this.#bench.progress('reading every conversation to the end');
    const stored = await this.#load.readStored();
    const { counts, refusals, seqGaps, acked, arrived } = this.#load;
    const promises: Measure[] = [
      { name: 'refused', unit: '', value: counts.refused + this.#heldBack },
      { name: 'without an answer', unit: '', value: counts.open },
      { name: 'lost', unit: '', value: Math.max(lost, stored.missing) },
      { name: 'doubled', unit: '', value: counts.doubled },
      { name: 'reordered', unit: '', value: counts.reordered + stored.disordered },
      { name: 'seqs left out', unit: '', value: seqGaps },
    ];
    const codes = [...refusals].map(([code, n]) => `${n} with ${code}`).join(', ');
    for (const { name, value } of promises) {
      if (value > 0) this.#bench.violated(`${name}: ${value}${name === 'refused' ? ` (${codes})` : ''}`);
    }
    const slopes = Object.entries(this.#memory.slopes()).map(
      ([name, bytes]): Measure => ({ name: `memory of ${name} grows`, unit: 'MiB/h', value: bytes / MIB }),
    );
    return [
      { name: 'acknowledged', unit: '/s', value: counts.acknowledged / seconds },
      { name: 'stored', unit: '', value: stored.stored },
      ...promises,
      ...latencies('acknowledged', acked),
      ...latencies('delivered', arrived),
      ...cpuPer('message', usage, counts.acknowledged),
      { name: 'highest share of the log', unit: '%', value: this.#highestLogShare * 100 },
      { name: 'intervals with a purge', unit: '', value: this.#purges },
      { name: 'highest lag', unit: 'records', value: this.#highestLag },
      ...slopes,
    ];
  }

  /** A line each minute, or ten of a short run. */
  async #watch(startedAt: number, until: number): Promise<void> {
    const every = Math.min(MINUTE_MS, (until - startedAt) / LEAST_ROWS);
    let before = { ...this.#load.counts };
    for (let at = startedAt + every; at <= until + 1; at += every) {
      await sleep(Math.max(0, at - performance.now()));
      const counts = { ...this.#load.counts };
      const minutes = (performance.now() - startedAt) / MINUTE_MS;
      const cells = [
        `${minutes.toFixed(1)} min`,
        `acknowledged ${counts.acknowledged - before.acknowledged}`,
        `refused ${counts.refused - before.refused + this.#heldBack}`,
        `delivered ${counts.delivered - before.delivered}`,
        `under way ${this.#load.underWay}`,
        `doubled ${counts.doubled}`,
        `reordered ${counts.reordered}`,
        ...(await this.#logCells()),
        ...this.#memoryCells(performance.now() - startedAt),
      ];
      before = counts;
      this.#bench.progress(cells.join(' | '));
    }
  }

  async #logCells(): Promise<string[]> {
    const { own } = this.#bench.target;
    if (!this.#log || !own) return [];
    const info: LogInfo = await this.#log.info();
    const share = info.maxBytes > 0 ? info.bytes / info.maxBytes : 0;
    const purged = this.#firstPosition === 0 ? 0 : info.firstPosition - this.#firstPosition;
    this.#firstPosition = info.firstPosition;
    if (purged > 0) this.#purges += 1;
    const lag = await lagOf(own);
    this.#highestLogShare = Math.max(this.#highestLogShare, share);
    this.#highestLag = Math.max(this.#highestLag, lag);
    return [
      `log ${(info.bytes / MIB).toFixed(0)} MiB = ${(share * 100).toFixed(1)} %`,
      `purged ${purged} records`,
      `lag ${lag} records`,
    ];
  }

  #memoryCells(atMs: number): string[] {
    const bytes: Record<string, number> = { client: processUsage(process.pid)?.rssBytes ?? 0 };
    const { own } = this.#bench.target;
    for (const each of own?.processes ?? []) bytes[each.name] = totalUsage(pidsOf([each])).rssBytes;
    if (own) {
      const { nats, mongo, redis, s3 } = own.stores;
      for (const [name, { pid }] of Object.entries({ nats, mongo, redis, s3 })) {
        if (pid !== undefined) bytes[name] = processUsage(pid)?.rssBytes ?? 0;
      }
    }
    if (!own) bytes.server = this.#bench.target.usage().ours.rssBytes;
    this.#memory.add(atMs, bytes);
    const shown = Object.entries(bytes).map(([name, rss]) => `${name} ${Math.round(rss / MIB)}`);
    return [`MiB: ${shown.join(' ')}`];
  }
}

/** Records that no transfer has folded yet. */
async function lagOf(server: OwnServer): Promise<number> {
  const folding = server.processes.filter(({ plan }) =>
    plan.roles.some((role) => role === 'transfer' || role === 'all'),
  );
  const lags = await Promise.all(
    folding.map(async (each) => (await each.metrics()).sum('openim_transfer_lag_records')),
  );
  return lags.reduce((sum, lag) => sum + lag, 0);
}
