import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchRun, Measure, Scenario } from '../bench-run.ts';
import { liveBytesOf } from '../live-heap.ts';
import type { OwnServer } from '../own-server.ts';
import { pidsOf, totalUsage } from '../process-usage.ts';
import { single } from './single.ts';

/** Longest wait for all processes to have new tenants. */
const IN_FORCE_MS = 300_000;
const POLL_MS = 20;
/** Time for what new tenants cause at first, such as accounts of administrators and indexes. */
const SETTLE_MS = 20_000;
/** Tenants that are added one after the other to those that are there. */
const SINGLE_ADDITIONS = 5;
const FIGURES = ['CPU per message, our processes', 'CPU per message, stores', 'acknowledged p99', 'lost'];

/** What tenants cost that do nothing: memory of each process, and CPU of the messages of another one. */
export function idleTenants(count: number, rate: number): Scenario {
  return {
    name: `${count} idle tenants`,
    runs: 1,
    async run(bench) {
      const { own } = bench.target;
      if (!own) throw new Error('tenants are added to an own server alone');
      const load = single(rate);
      const measured = async (when: string): Promise<Measure[]> => {
        bench.progress(`${load.name}, ${when}`);
        const figures = await load.run(bench);
        const idle = await idleCpu(bench);
        return [
          ...figures.filter(({ name }) => FIGURES.includes(name)),
          { name: 'CPU while idle, our processes', unit: 'ms/s', value: idle },
        ].map((figure) => ({ ...figure, name: `${figure.name}, ${when}` }));
      };
      const before = await measured('without them');
      const heapBefore = await memory(own);
      const ids = Array.from({ length: count }, (_, i) => `idle-${i}`);
      const present = await tenantsIn(own);
      const addedIn = await addAll(own, ids, present + count);
      bench.progress(`${count} tenants in all processes after ${Math.round(addedIn)} ms`);
      await sleep(SETTLE_MS);
      const after = await measured(`with ${count}`);
      const heapAfter = await memory(own);
      const times: number[] = [];
      for (let i = 0; i < SINGLE_ADDITIONS; i++)
        times.push(await addAll(own, [`one-more-${i}`], present + count + i + 1));
      return [
        ...before,
        ...after,
        ...heapAfter.flatMap(({ name, heap, rss }, i) => {
          const old = heapBefore[i];
          const each = (now: number, then = 0) => (now - then) / 1_024 / count;
          return [
            { name: `heap per tenant, ${name}`, unit: 'KiB', value: each(heap, old?.heap) },
            { name: `resident memory per tenant, ${name}`, unit: 'KiB', value: each(rss, old?.rss) },
          ];
        }),
        { name: `${count} tenants in all processes`, unit: 'ms', value: addedIn },
        { name: 'one more in all processes, slowest', unit: 'ms', value: Math.max(...times) },
      ];
    },
  };
}

/** CPU of an idle server, ms per second. */
async function idleCpu({ target, options }: BenchRun): Promise<number> {
  await sleep(2_000);
  const before = target.usage().ours.cpuMs;
  await sleep(options.seconds * 1_000);
  return (target.usage().ours.cpuMs - before) / options.seconds;
}

async function memory({ processes }: OwnServer) {
  const found: { readonly name: string; readonly heap: number; readonly rss: number }[] = [];
  for (const process of processes) {
    const heap = await liveBytesOf(process.log());
    found.push({ name: process.name, heap, rss: totalUsage(pidsOf([process])).rssBytes });
  }
  return found;
}

/** The fewest tenants that a process has. */
async function tenantsIn({ processes }: OwnServer): Promise<number> {
  const counts = await Promise.all(
    processes.map(async (process) => {
      const { tenants } = JSON.parse((await process.ops('/status')).text) as { tenants?: { count: number } };
      return tenants?.count ?? 0;
    }),
  );
  return Math.min(...counts);
}

/** Adds tenants. @returns the time until every process has them, ms */
async function addAll(own: OwnServer, ids: readonly string[], total: number): Promise<number> {
  const start = performance.now();
  own.addTenants(ids);
  while ((await tenantsIn(own)) < total) {
    if (performance.now() - start > IN_FORCE_MS) throw new Error('not all processes take the tenants over');
    await sleep(POLL_MS);
  }
  return performance.now() - start;
}
