/**
 * CPU time and latency of the fold alone: records appended at a steady rate, one process that folds
 * them, a feed that takes the deliveries.
 *
 *     node services/transfer/bench/main.ts [rate,rate,…] [seconds] [conversations]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { type Bus, createBus } from '@im/bus';
import { DEFAULT_TENANT, parseConfig } from '@im/contract';
import { type Backend, startMongo, startNats, startRedis } from '@im/dev-stores';
import { newInstanceId, sleep } from '@im/kit';
import { createLogger, createMetrics, createTaskRunner } from '@im/process';
import { encode, make } from '@im/protocol';
import type { Usage } from './fold-process.ts';

const CLOCK_TICK_MS = 10;
const TEXT_BYTES = 300;

const rates = (process.argv[2] ?? '200,1000,2500').split(',').map(Number);
const seconds = Number(process.argv[3] ?? 15);
const conversations = Number(process.argv[4] ?? 200);

/** CPU time of another process, ms. Linux. */
async function cpuMsOf(pid: number | undefined): Promise<number> {
  if (pid === undefined) return 0;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MS;
}

function record(id: number): { key: string; bytes: Uint8Array } {
  const pair = id % conversations;
  const [from, to] = id % 2 === 0 ? [`user${pair}a`, `user${pair}b`] : [`user${pair}b`, `user${pair}a`];
  const conversationID = `si_user${pair}a_user${pair}b`;
  const clientMsgID = `${id}`;
  const msgData = encode(
    'sdkws.MsgData',
    make('sdkws.MsgData', {
      sendID: from,
      recvID: to,
      clientMsgID,
      sessionType: 1,
      contentType: 101,
      sendTime: Date.now(),
      content: Buffer.alloc(TEXT_BYTES, 'x'),
    }),
  );
  const bytes = encode(
    'log.Record',
    make('log.Record', {
      dedupKey: createHash('sha256').update(`${process.pid}:${id}`).digest().subarray(0, 16),
      version: 1,
      tenant: DEFAULT_TENANT,
      operationID: clientMsgID,
      sendID: from,
      recvID: to,
      sessionType: 1,
      contentType: 101,
      sendTime: Date.now(),
      entries: [
        make('log.Entry', {
          conversationID,
          stored: true,
          msgData,
          userIDs: [to, from],
          senderReads: true,
          conversationOwners: [from, to],
          offlinePush: true,
        }),
      ],
    }),
  );
  return { key: `user${pair}a_user${pair}b`, bytes };
}

async function usageOf(child: ChildProcess): Promise<Usage> {
  const answer = once(child, 'message');
  child.send('usage');
  const [usage] = await answer;
  return usage as Usage;
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

let nextId = 0;

async function run(
  bus: Bus,
  child: ChildProcess,
  nats: Backend,
  mongo: Backend,
  rate: number,
): Promise<void> {
  const sentAt = new Map<string, number>();
  const delays: number[] = [];
  const acks: number[] = [];
  let delivered = 0;
  const feed = bus.deliveries.feed({
    onDelivery({ operationID }) {
      delivered++;
      const at = sentAt.get(operationID);
      if (at !== undefined) delays.push(performance.now() - at);
    },
    onGap: (reason) => console.error(reason),
  });
  for (let i = 0; i < conversations; i++) {
    feed.addUser(DEFAULT_TENANT, `user${i}a`);
    feed.addUser(DEFAULT_TENANT, `user${i}b`);
  }
  await feed.barrier();
  // First messages of conversations cost more than later ones, and come once.
  const first = Array.from({ length: conversations }, () => {
    const { key, bytes } = record(nextId++);
    return bus.log.append(DEFAULT_TENANT, bus.partitionOf(key), bytes);
  });
  await Promise.all(first);
  while (delivered < 2 * first.length) await sleep(5);
  delivered = 0;
  const before = await usageOf(child);
  const [natsBefore, mongoBefore] = await Promise.all([cpuMsOf(nats.pid), cpuMsOf(mongo.pid)]);
  const startedAt = performance.now();
  const appends: Promise<void>[] = [];
  let sent = 0;
  while (performance.now() - startedAt < seconds * 1_000) {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * rate);
    for (; sent < due; sent++) {
      const id = nextId++;
      const { key, bytes } = record(id);
      const at = performance.now();
      sentAt.set(`${id}`, at);
      appends.push(
        bus.log.append(DEFAULT_TENANT, bus.partitionOf(key), bytes).then(() => {
          acks.push(performance.now() - at);
        }),
      );
    }
    await sleep(1);
  }
  await Promise.all(appends);
  const limit = performance.now() + 30_000;
  while (delivered < 2 * sent && performance.now() < limit) await sleep(5);
  const after = await usageOf(child);
  const per = (ms: number) => (ms / sent).toFixed(3);
  const natsMs = (await cpuMsOf(nats.pid)) - natsBefore;
  const mongoMs = (await cpuMsOf(mongo.pid)) - mongoBefore;
  for (const list of [acks, delays]) list.sort((a, b) => a - b);
  const ms = (list: readonly number[], share: number) => percentile(list, share).toFixed(1);
  const steps = after.stages.map((stage, i) => {
    const first = before.stages[i] ?? { count: 0, meanMs: 0 };
    const count = stage.count - first.count;
    const sum = stage.count * stage.meanMs - first.count * first.meanMs;
    return `${stage.stage} ${(count === 0 ? 0 : sum / count).toFixed(1)} ms × ${count}`;
  });
  console.log(
    `${rate}/s  sent ${sent} delivered ${delivered}/${2 * sent}  ack ${ms(acks, 0.5)}/${ms(acks, 0.99)} ms` +
      `  delivery ${ms(delays, 0.5)}/${ms(delays, 0.99)}/${ms(delays, 1)} ms` +
      `  cpu-ms per message: transfer ${per(after.cpuMs - before.cpuMs)} nats ${per(natsMs)} mongo ${per(mongoMs)}` +
      `  rss ${Math.round(after.rssBytes / 1_048_576)} MiB\n    ${steps.join(', ')}`,
  );
  await feed.stop();
}

const dir = await mkdtemp(join(tmpdir(), 'transfer-bench-'));
const [nats, mongo, redis] = await Promise.all([
  startNats({ dir: join(dir, 'nats') }),
  startMongo({ dir: join(dir, 'mongo') }),
  startRedis({ dir: join(dir, 'redis') }),
]);
try {
  const log = createLogger({ level: 'warn' });
  const metrics = createMetrics();
  const tasks = createTaskRunner({ log, metrics });
  const config = parseConfig({ nats: { servers: [nats.uri] } }).nats;
  const bus = createBus(config, { log, metrics, tasks, instanceId: newInstanceId() });
  await bus.start();
  while (!bus.ready().ready) await sleep(20);
  const addresses = JSON.stringify({ nats: nats.uri, mongo: mongo.uri, redis: redis.uri });
  const child = fork(new URL('./fold-process.ts', import.meta.url), [addresses], {
    execArgv: process.env.BENCH_PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_PROFILE}`] : [],
  });
  await once(child, 'message');
  for (const rate of rates) await run(bus, child, nats, mongo, rate);
  child.send('end');
  await once(child, 'exit');
  await bus.stop(AbortSignal.timeout(1_000));
  await tasks.stop();
} finally {
  await Promise.all([nats, mongo, redis].map((server) => server.kill()));
  await rm(dir, { recursive: true, force: true });
}
