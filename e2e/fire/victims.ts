import type { Cluster, Part } from '@im/dev-cluster';
import { FIRE_TIMES, type FireTimes, PAUSE_TIMES } from './mode.ts';

/** What is broken in a run, and how it is mended. */
export interface Victim {
  readonly name: string;
  readonly times: FireTimes;
  /** Index of the gateway whose clients lose their connections, so that SDKs catch up by themselves. */
  readonly cutGateway?: number;
  strike(cluster: Cluster): Promise<void>;
  /** Resolves when the victim can work again. */
  heal(cluster: Cluster): Promise<void>;
}

function killedPart(
  name: string,
  pick: (cluster: Cluster) => Promise<Part> | Part,
  cutGateway?: number,
): Victim {
  let victim: Part | undefined;
  return {
    name: `kill -9 ${name}`,
    times: FIRE_TIMES,
    cutGateway,
    async strike(cluster) {
      victim = await pick(cluster);
      await victim.kill();
    },
    async heal() {
      victim?.start();
      await victim?.untilReady();
    },
  };
}

function killedStore(name: 'nats' | 'redis' | 'mongo', title: string): Victim {
  return {
    name: `kill -9 ${title}`,
    times: FIRE_TIMES,
    strike: (cluster) => cluster.stores[name].kill(),
    heal: (cluster) => cluster.stores[name].restart(),
  };
}

/** The transfer that owns more partitions than the other. */
async function busiestTransfer(cluster: Cluster): Promise<Part> {
  const transfers = cluster.parts.filter((part) => part.plan.roles.includes('transfer'));
  const owned = await Promise.all(
    transfers.map(async (part) => ({
      part,
      partitions: (await part.metrics()).sum('openim_transfer_partitions'),
    })),
  );
  const busiest = owned.toSorted((a, b) => b.partitions - a.partitions)[0];
  if (!busiest) throw new Error('no transfer runs');
  return busiest.part;
}

let paused: Part | undefined;

/** Every victim of the fire test, one a run. */
export const VICTIMS: readonly Victim[] = [
  killedPart('gateway', (cluster) => cluster.part('gateway-1'), 0),
  killedPart('rpc', (cluster) => cluster.part('rpc-1')),
  killedPart('transfer', busiestTransfer),
  killedPart('push', (cluster) => cluster.part('push')),
  killedStore('nats', 'NATS'),
  killedStore('redis', 'Redis'),
  {
    name: 'FLUSHALL Redis',
    times: FIRE_TIMES,
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
