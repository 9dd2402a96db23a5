import type { Cluster, ServerProcess } from '@im/dev-cluster';
import { CHAOS_TIMES, type ChaosTimes, PAUSE_TIMES } from './mode.ts';

/** The faults of a run, and how they are repaired. */
export interface ChaosFault {
  readonly name: string;
  readonly times: ChaosTimes;
  /** Index of the gateway whose clients lose their connections, so that SDKs catch up by themselves. */
  readonly cutGateway?: number;
  strike(cluster: Cluster): Promise<void>;
  /** Resolves when the fault is repaired. */
  heal(cluster: Cluster): Promise<void>;
}

function killedProcess(
  name: string,
  pick: (cluster: Cluster) => Promise<ServerProcess> | ServerProcess,
  cutGateway?: number,
): ChaosFault {
  let killed: ServerProcess | undefined;
  return {
    name: `kill -9 ${name}`,
    times: CHAOS_TIMES,
    cutGateway,
    async strike(cluster) {
      killed = await pick(cluster);
      await killed.kill();
    },
    async heal() {
      killed?.start();
      await killed?.untilReady();
    },
  };
}

function killedStore(name: 'nats' | 'redis' | 'mongo', title: string): ChaosFault {
  return {
    name: `kill -9 ${title}`,
    times: CHAOS_TIMES,
    strike: (cluster) => cluster.stores[name].kill(),
    heal: (cluster) => cluster.stores[name].restart(),
  };
}

/** The transfer that owns more partitions than the other. */
async function busiestTransfer(cluster: Cluster): Promise<ServerProcess> {
  const transfers = cluster.processes.filter((transfer) => transfer.plan.roles.includes('transfer'));
  const owned = await Promise.all(
    transfers.map(async (transfer) => ({
      transfer,
      partitions: (await transfer.metrics()).sum('openim_transfer_partitions'),
    })),
  );
  const busiest = owned.toSorted((a, b) => b.partitions - a.partitions)[0];
  if (!busiest) throw new Error('no transfer runs');
  return busiest.transfer;
}

let paused: ServerProcess | undefined;

/** Every fault of the chaos test, one a run. */
export const CHAOS_FAULTS: readonly ChaosFault[] = [
  killedProcess('gateway', (cluster) => cluster.process('gateway-1'), 0),
  killedProcess('rpc', (cluster) => cluster.process('rpc-1')),
  killedProcess('transfer', busiestTransfer),
  killedProcess('push', (cluster) => cluster.process('push')),
  killedStore('nats', 'NATS'),
  killedStore('redis', 'Redis'),
  {
    name: 'FLUSHALL Redis',
    times: CHAOS_TIMES,
    strike: (cluster) => flushAll(cluster.stores.redis.uri),
    heal: async () => {},
  },
  killedStore('mongo', 'MongoDB'),
  {
    name: `SIGSTOP transfer ${(PAUSE_TIMES.healAt - PAUSE_TIMES.strikeAt) / 1000} s`,
    times: PAUSE_TIMES,
    async strike(cluster) {
      paused = await busiestTransfer(cluster);
      paused.pause();
    },
    async heal() {
      paused?.resume();
    },
  },
];

/** One inline command needs no client library. */
async function flushAll(uri: string): Promise<void> {
  const { connect } = await import('node:net');
  const url = new URL(uri);
  const socket = connect(Number(url.port), url.hostname);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let answer = '';
  socket.on('error', reject);
  socket.on('data', (chunk) => {
    answer += chunk.toString('utf8');
    if (answer.includes('\n') && (url.password === '' || answer.split('\n').length > 2)) resolve(answer);
  });
  const login = url.password === '' ? '' : `AUTH ${decodeURIComponent(url.password)}\r\n`;
  socket.write(`${login}FLUSHALL\r\n`);
  const text = await promise;
  socket.destroy();
  if (text.includes('-')) throw new Error(`Redis refused FLUSHALL: ${text.trim()}`);
}
