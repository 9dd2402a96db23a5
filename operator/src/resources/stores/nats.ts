import type { TopologySpreadConstraint } from '@im/kube';
import { storeDisruptionBudget } from '../disruption-budgets.ts';
import type { ManagedNats } from '../effective-stores.ts';
import { nameOf, type Owner, STORE_PORTS, selectorLabels } from '../names.ts';
import { quantity } from '../quantity.ts';
import {
  credential,
  goMemoryLimit,
  podHost,
  podService,
  type StoreInput,
  type StoreManifest,
  storeFiles,
  storeService,
  storeSet,
} from './store-set.ts';

const COMPONENT = 'nats';
const CONFIG_DIR = '/etc/nats';
const DATA = '/data';
const { client: CLIENT_PORT, cluster: CLUSTER_PORT, monitor: MONITOR_PORT } = STORE_PORTS.nats;
const MAX_PAYLOAD = 8 * 2 ** 20;

/** NATS with JetStream, one node or three. */
export function natsManifests(input: StoreInput, nats: ManagedNats): StoreManifest[] {
  const { owner } = input;
  const open = { 'nats.conf': serverConfig(owner, nats) };
  const secret = {
    'auth.conf': authorization(credential(input, 'natsUser'), credential(input, 'natsPassword')),
    ...(nats.replicas > 1 && { 'cluster.conf': routes(input, nats.replicas) }),
  };
  const name = nameOf.component(owner.name, COMPONENT);
  const set = storeSet(input, {
    component: COMPONENT,
    store: nats,
    replicas: nats.replicas,
    dataPath: DATA,
    graceSeconds: 60,
    restartOn: { open, secret },
    ...(input.effective.profile === 'Production' && nats.replicas > 1 && { spread: spreadOf(owner) }),
    volumes: [
      {
        name: 'config',
        projected: { sources: [{ configMap: { name } }, { secret: { name } }] },
      },
    ],
    container: {
      name: COMPONENT,
      command: ['nats-server', '-c', `${CONFIG_DIR}/nats.conf`],
      env: [
        { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        ...goMemoryLimit(nats),
      ],
      ports: PORTS.map((port) => ({ name: port.name, containerPort: port.port, protocol: 'TCP' })),
      volumeMounts: [{ name: 'config', mountPath: CONFIG_DIR, readOnly: true }],
      // All streams must have caught up before a restarted node is ready, because a rolling update then restarts the next.
      startupProbe: { httpGet: { path: '/healthz', port: 'monitor' }, ...every(2, 450) },
      readinessProbe: { httpGet: { path: '/healthz?js-server-only=true', port: 'monitor' }, ...every(3, 2) },
      livenessProbe: { httpGet: { path: '/healthz?js-enabled-only=true', port: 'monitor' }, ...every(10, 6) },
    },
  });
  return [
    ...storeFiles(owner, COMPONENT, { open, secret }),
    podService(owner, COMPONENT, PORTS),
    storeService(owner, COMPONENT, PORTS[0]),
    storeDisruptionBudget(owner, COMPONENT),
    set,
  ];
}

/**
 * No host gets two of three servers where there are three that take pods: the loss of one would end the majority. With
 * fewer hosts the servers share them; those that take none, such as cordoned ones, do not count.
 */
function spreadOf(owner: Owner): TopologySpreadConstraint[] {
  return [
    {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'DoNotSchedule',
      nodeTaintsPolicy: 'Honor',
      labelSelector: { matchLabels: selectorLabels(owner.name, COMPONENT) },
    },
  ];
}

const PORTS = [
  { name: 'client', port: CLIENT_PORT },
  { name: 'cluster', port: CLUSTER_PORT },
  { name: 'monitor', port: MONITOR_PORT },
] as const;

const every = (periodSeconds: number, failureThreshold: number) => ({
  periodSeconds,
  failureThreshold,
  timeoutSeconds: 5,
});

function serverConfig(owner: Owner, nats: ManagedNats): string {
  const { maxFileStore, maxMemoryStore } = natsCapacity(nats);
  const lines = [
    'server_name: $POD_NAME',
    `port: ${CLIENT_PORT}`,
    `http_port: ${MONITOR_PORT}`,
    `max_payload: ${MAX_PAYLOAD}`,
    // Applies to SIGUSR2 only; SIGTERM hands over leadership and closes at once.
    'lame_duck_grace_period: "5s"',
    'lame_duck_duration: "30s"',
    'include ./auth.conf',
    'jetstream {',
    `  store_dir: "${DATA}"`,
    `  sync_interval: ${nats.syncAlways ? 'always' : '"2m"'}`,
    `  max_file_store: ${maxFileStore}`,
    `  max_memory_store: ${maxMemoryStore}`,
    '}',
  ];
  if (nats.replicas > 1) {
    // Addresses of pods change, and clients know the names of all nodes: none are advertised.
    lines.push(
      'cluster {',
      `  name: "${owner.name}"`,
      `  port: ${CLUSTER_PORT}`,
      '  no_advertise: true',
      '  include ./cluster.conf',
      '}',
    );
  }
  return `${lines.join('\n')}\n`;
}

function authorization(user: string, password: string): string {
  return `authorization {\n  user: ${JSON.stringify(user)}\n  password: ${JSON.stringify(password)}\n}\n`;
}

/** Nodes find each other by the names of their pods, with the same password as clients. */
function routes(input: StoreInput, replicas: number): string {
  const user = credential(input, 'natsUser');
  const password = credential(input, 'natsPassword');
  const to = Array.from({ length: replicas }, (_, ordinal) => {
    const host = podHost(input.owner, COMPONENT, ordinal);
    return `  ${JSON.stringify(`nats-route://${user}:${password}@${host}:${CLUSTER_PORT}`)}\n`;
  });
  return `${authorization(user, password)}routes: [\n${to.join('')}]\n`;
}

const MIB = 2 ** 20;
/** Assumed memory of a container without a limit. */
const UNLIMITED_MEMORY = 1_024 * MIB;
/** Minimum of the services' config. */
const LEAST_BYTES = MIB;

/** Storage limits of a managed NATS server, and of the streams in it, in bytes. */
export interface NatsCapacity {
  readonly maxFileStore: number;
  readonly maxMemoryStore: number;
  /** For `nats.logMaxBytes` of the services' config. */
  readonly logMaxBytes: number;
  /** For `nats.seqMaxBytes` of the services' config. */
  readonly seqMaxBytes: number;
}

/**
 * The capacity for a volume and a memory limit. A stream reserves its size limit when it is created, and the server
 * refuses a stream that does not fit. A tenth of the volume is reserved for other files of the server; of the memory,
 * two fifths are left to the process itself.
 */
export function natsCapacity(nats: ManagedNats): NatsCapacity {
  const memory = quantity(nats.resources.limits?.memory) ?? UNLIMITED_MEMORY;
  const maxFileStore = Math.floor((quantity(nats.storage.size) ?? 0) * 0.9);
  const inMemory = nats.logStorage === 'memory';
  return {
    maxFileStore,
    maxMemoryStore: Math.floor(memory * 0.6),
    logMaxBytes: atLeast(inMemory ? memory * 0.35 : maxFileStore * 0.8),
    seqMaxBytes: atLeast(memory * (inMemory ? 0.15 : 0.4)),
  };
}

function atLeast(bytes: number): number {
  return Math.max(LEAST_BYTES, Math.floor(bytes));
}
