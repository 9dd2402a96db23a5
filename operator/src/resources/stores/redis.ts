import { storeDisruptionBudget } from '../disruption-budgets.ts';
import type { ManagedStore } from '../effective-stores.ts';
import { nameOf, STORE_PORTS } from '../names.ts';
import {
  credential,
  memoryLimit,
  podService,
  type StoreInput,
  type StoreManifest,
  storeFiles,
  storeService,
  storeSet,
} from './store-set.ts';

const COMPONENT = 'redis';
const CONFIG_DIR = '/etc/redis';
const DATA = '/data';
const PORT = { name: 'redis', port: STORE_PORTS.redis } as const;

/** One Redis or Valkey server. */
export function redisManifests(input: StoreInput, redis: ManagedStore): StoreManifest[] {
  const { owner } = input;
  const open = { 'redis.conf': serverConfig(redis) };
  const secret = { 'auth.conf': `requirepass ${credential(input, 'redisPassword')}\n` };
  const name = nameOf.component(owner.name, COMPONENT);
  // A TCP probe needs no password, which would be visible in a process list.
  const tcpSocket = { port: PORT.name };
  return [
    ...storeFiles(owner, COMPONENT, { open, secret }),
    podService(owner, COMPONENT, [PORT]),
    storeService(owner, COMPONENT, PORT),
    storeDisruptionBudget(owner, COMPONENT),
    storeSet(input, {
      component: COMPONENT,
      store: redis,
      replicas: 1,
      dataPath: DATA,
      graceSeconds: 30,
      restartOn: { open, secret },
      volumes: [{ name: 'config', projected: { sources: [{ configMap: { name } }, { secret: { name } }] } }],
      container: {
        name: COMPONENT,
        command: ['redis-server', `${CONFIG_DIR}/redis.conf`],
        workingDir: DATA,
        ports: [{ name: PORT.name, containerPort: PORT.port, protocol: 'TCP' }],
        volumeMounts: [{ name: 'config', mountPath: CONFIG_DIR, readOnly: true }],
        startupProbe: { tcpSocket, periodSeconds: 1, failureThreshold: 300, timeoutSeconds: 3 },
        readinessProbe: { tcpSocket, periodSeconds: 3, failureThreshold: 2, timeoutSeconds: 3 },
        livenessProbe: { tcpSocket, periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 5 },
      },
    }),
  ];
}

/**
 * All data in Redis is a copy, or is written again by its owner (presence, limits), so the least recently used key may
 * always be evicted: allkeys-lru. With volatile-lru, keys without an expiry would eventually fill the memory, and all
 * writes would be refused. Data in use, such as the presence of a running gateway, stays. Two fifths of the limit are
 * left to the process and to the copy during a rewrite of the append-only file.
 */
function serverConfig(redis: ManagedStore): string {
  const limit = memoryLimit(redis);
  const lines = [
    'bind * -::*',
    `port ${PORT.port}`,
    'daemonize no',
    `dir ${DATA}`,
    'save ""',
    'appendonly yes',
    'appendfsync everysec',
    'tcp-keepalive 60',
    ...(limit === undefined ? [] : [`maxmemory ${Math.floor(limit * 0.6)}`]),
    'maxmemory-policy allkeys-lru',
    `include ${CONFIG_DIR}/auth.conf`,
  ];
  return `${lines.join('\n')}\n`;
}
