import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '../bench-run.ts';

const SETTLE_MS = 5_000;
/** Connections opened first and not counted: buffers and code that the first ones bring along. */
const WARM_UP = 200;

/** Connections that do nothing but live. */
export const idle: Scenario = {
  name: 'idle connections',
  async run(bench) {
    const users = await bench.users(bench.options.connections);
    const warm = await bench.connect(users.slice(0, WARM_UP), () => ({}));
    await sleep(2_000);
    const heapBefore = await bench.target.gatewayHeap();
    const rssBefore = bench.target.gatewayRss();
    const start = performance.now();
    const rest = await bench.connect(users.slice(WARM_UP), () => ({}));
    const connectedIn = performance.now() - start;
    await sleep(SETTLE_MS);
    const rssAfter = bench.target.gatewayRss();
    const before = bench.target.usage().ours.cpuMs;
    const idleMs = bench.options.seconds * 1000;
    await sleep(idleMs);
    const cpu = bench.target.usage().ours.cpuMs - before;
    const heapAfter = await bench.target.gatewayHeap();
    const open = [...warm, ...rest].filter((connection) => connection.open).length;
    for (const connection of [...warm, ...rest]) connection.terminate();
    await sleep(2_000);
    return [
      { name: 'connections', unit: '', value: open },
      { name: 'connects', unit: '/s', value: (rest.length * 1000) / connectedIn },
      { name: 'memory per connection', unit: 'KiB', value: (rssAfter - rssBefore) / 1024 / rest.length },
      ...(heapBefore !== undefined && heapAfter !== undefined
        ? [{ name: 'heap per connection', unit: 'KiB', value: (heapAfter - heapBefore) / 1024 / rest.length }]
        : []),
      { name: 'CPU while idle, our processes', unit: 'ms/s', value: cpu / (idleMs / 1000) },
      { name: 'dropped', unit: '', value: users.length - open },
    ];
  },
};
