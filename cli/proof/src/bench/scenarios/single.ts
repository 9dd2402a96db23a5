import {
  atRate,
  type BenchRun,
  cpuPer,
  latencies,
  type Measure,
  type Scenario,
  startMeter,
} from '../bench-run.ts';
import { type Hook, hookTenant } from '../hooked-tenant.ts';
import { openPairs, type PairLoad } from '../pair-load.ts';

const PAIRS = 100;
/** Load before the figures count: connections, caches and compiled code are warm. */
const WARM_UP_MS = 5_000;
const WARM_UP_RATE = 200;
const DRAIN_MS = 30_000;

/**
 * One message at a time from one user to another, at a fixed rate; rate 0 is a closed loop with 100 in flight.
 * @param hook webhook that is called for each message; none by default.
 */
export function single(rate: number, hook?: Hook): Scenario {
  const load = rate === 0 ? 'single, closed loop' : `single, ${rate}/s`;
  return {
    name: hook === undefined ? load : `${load}, ${hook}-hook`,
    async run(bench) {
      if (hook === undefined) return run(bench, rate);
      if (!bench.target.own) throw new Error('webhooks are measured at an own server alone');
      await using hooked = await hookTenant(bench.target.own, 'default', hook);
      const figures = await run(bench, rate);
      return [...figures, { name: `${hook}-hook called`, unit: '', value: hooked.calls }];
    },
  };
}

async function run(bench: BenchRun, rate: number): Promise<Measure[]> {
  const warm = await openPairs(bench, PAIRS);
  await atRate(WARM_UP_RATE, performance.now() + WARM_UP_MS, (n) => void warm.send(n % PAIRS));
  await warm.drain(5_000);
  warm.close();
  const load = await openPairs(bench, PAIRS);
  try {
    return await measure(bench, load, rate);
  } finally {
    load.close();
  }
}

async function measure(bench: BenchRun, load: PairLoad, rate: number): Promise<Measure[]> {
  const stop = startMeter(bench.target);
  const until = performance.now() + bench.options.seconds * 1000;
  const flights: Promise<void>[] = [];
  if (rate === 0) {
    for (let pair = 0; pair < load.pairs; pair++) {
      flights.push(
        (async () => {
          while (performance.now() < until) await load.send(pair);
        })(),
      );
    }
  } else {
    await atRate(rate, until, (n) => flights.push(load.send(n % load.pairs)));
  }
  const deliveredInTime =
    rate === 0 ? await whenOver(until, () => load.counts.delivered) : load.counts.delivered;
  await Promise.all(flights);
  const lost = await load.drain(DRAIN_MS);
  const usage = stop();
  const { counts } = load;
  return [
    { name: 'acknowledged', unit: '/s', value: counts.acknowledged / bench.options.seconds },
    { name: 'delivered while sending', unit: '/s', value: deliveredInTime / bench.options.seconds },
    ...latencies('acknowledged', load.acked),
    ...latencies('delivered', load.arrived),
    ...cpuPer('message', usage, counts.acknowledged),
    { name: 'lost', unit: '', value: lost },
    { name: 'doubled', unit: '', value: counts.doubled },
    { name: 'reordered', unit: '', value: counts.reordered },
    { name: 'refused', unit: '', value: counts.refused + counts.open },
  ];
}

async function whenOver<T>(until: number, read: () => T): Promise<T> {
  await new Promise((done) => setTimeout(done, Math.max(0, until - performance.now())));
  return read();
}
