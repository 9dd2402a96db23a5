import { setTimeout as sleep } from 'node:timers/promises';
import { connectWire, newestSeqs, type WireConnection, type WireHandlers } from '@im/client';
import type { Histogram } from './histogram.ts';
import { inParallel } from './in-parallel.ts';
import type { BenchOptions } from './options.ts';
import type { BenchTarget } from './target.ts';

/** One figure of a run. */
export interface Measure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
}

/** What a scenario works with. */
export interface BenchRun {
  readonly target: BenchTarget;
  readonly options: BenchOptions;
  /** Users `bench0` to `bench<count-1>`, registered, with tokens that are asked for once. */
  users(count: number): Promise<readonly BenchUser[]>;
  /** Users of these names, registered. */
  named(userIDs: readonly string[]): Promise<readonly BenchUser[]>;
  /** Connects users, spread over the endpoints. */
  connect(users: readonly BenchUser[], handlers: (index: number) => WireHandlers): Promise<WireConnection[]>;
  /** Shows how far a long scenario is. */
  progress(text: string): void;
  /** Notes a broken promise of the server: the bench ends with exit code 4. */
  violated(text: string): void;
}

export interface BenchUser {
  readonly userID: string;
  readonly token: string;
}

/** A scenario: one run of it gives figures under the same names each time. */
export interface Scenario {
  readonly name: string;
  /** Times that it runs where the options do not say. @default 3 */
  readonly runs?: number;
  run(bench: BenchRun): Promise<Measure[]>;
}

const PLATFORM = 5;
/** Tokens asked for at once, where the options do not say. */
export const TOKENS_AT_ONCE = 16;
const CONNECTS_AT_ONCE = 32;

export function benchRun(
  target: BenchTarget,
  options: BenchOptions,
  { progress, violated }: Pick<BenchRun, 'progress' | 'violated'>,
): BenchRun {
  const known: BenchUser[] = [];

  async function named(ids: readonly string[]): Promise<readonly BenchUser[]> {
    await target.admin.ensureUsers(ids);
    return await inParallel(ids, options.inFlight ?? TOKENS_AT_ONCE, async (userID) => ({
      userID,
      token: await target.admin.userToken(userID, PLATFORM),
    }));
  }
  async function users(count: number): Promise<readonly BenchUser[]> {
    if (known.length < count) {
      const ids = Array.from({ length: count - known.length }, (_, i) => `bench${known.length + i}`);
      known.push(...(await named(ids)));
    }
    return known.slice(0, count);
  }
  async function connect(
    list: readonly BenchUser[],
    handlers: (index: number) => WireHandlers,
  ): Promise<WireConnection[]> {
    return await inParallel(list, options.inFlight ?? CONNECTS_AT_ONCE, async ({ userID, token }, i) => {
      const endpoint = target.endpoints[i % target.endpoints.length];
      if (!endpoint) throw new Error('no endpoint');
      const { encoding, gzip } = options;
      const connection = await connectWire(
        { ws: endpoint.ws, userID, token, platformID: PLATFORM, encoding, gzip },
        handlers(i),
      );
      // As every client does; deliveries are complete from the answer on.
      await newestSeqs(connection);
      return connection;
    });
  }
  return { target, options, users, named, connect, progress, violated };
}

/** Calls `send` for every message of an even rate until `until` (ms of `performance.now()`), late ones at once. */
export async function atRate(perSecond: number, until: number, send: (n: number) => void): Promise<number> {
  const start = performance.now();
  let n = 0;
  for (;;) {
    const now = performance.now();
    if (now >= until) return n;
    for (const due = ((now - start) / 1000) * perSecond; n < due; n++) send(n);
    await sleep(Math.max(1, Math.min(4, 1000 / perSecond)));
  }
}

/** CPU and wall time between two moments. */
export interface Usage {
  readonly wallMs: number;
  readonly ours: number;
  readonly stores: number;
  readonly client: number;
}

/** Starts to measure; the result returns what was used since. */
export function startMeter(target: BenchTarget): () => Usage {
  const before = target.usage();
  const start = performance.now();
  return () => {
    const after = target.usage();
    return {
      wallMs: performance.now() - start,
      ours: after.ours.cpuMs - before.ours.cpuMs,
      stores: after.stores.cpuMs - before.stores.cpuMs,
      client: after.client.cpuMs - before.client.cpuMs,
    };
  };
}

/** Quantiles of a latency in ms. */
export function latencies(name: string, histogram: Histogram): Measure[] {
  return [
    { name: `${name} p50`, unit: 'ms', value: histogram.at(0.5) / 1000 },
    { name: `${name} p99`, unit: 'ms', value: histogram.at(0.99) / 1000 },
    { name: `${name} max`, unit: 'ms', value: histogram.max / 1000 },
  ];
}

/** CPU time per operation, by who spent it. */
export function cpuPer(what: string, usage: Usage, operations: number, unit: 'ms' | 'us' = 'ms'): Measure[] {
  const factor = unit === 'ms' ? 1 : 1000;
  const per = (ms: number) => (operations === 0 ? 0 : (ms * factor) / operations);
  return [
    { name: `CPU per ${what}, our processes`, unit, value: per(usage.ours) },
    { name: `CPU per ${what}, stores`, unit, value: per(usage.stores) },
    { name: `CPU per ${what}, server and stores`, unit, value: per(usage.ours + usage.stores) },
    { name: `CPU per ${what}, client`, unit, value: per(usage.client) },
  ];
}
