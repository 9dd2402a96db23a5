import assert from 'node:assert/strict';
import type { ProcessStatus } from '@im/contract';
import type { Pod, Stored } from '@im/kube';
import type { GatewayLoad } from '../src/controllers/cluster/gateways/gateway-load.ts';
import { monitoringApplied } from '../src/controllers/cluster/monitoring.ts';
import type { Observation, StatusInput } from '../src/controllers/cluster/observation/observation.ts';
import { clusterStatus } from '../src/controllers/cluster/status/status.ts';
import { storageResized } from '../src/controllers/cluster/stores/volumes.ts';
import { effectiveSpec } from '../src/resources/effective.ts';
import { labelsOf, REVISION_LABEL, ROLES, type Role } from '../src/resources/names.ts';

export const owner = { name: 'chat', namespace: 'im', uid: 'u' };
export const effective = effectiveSpec({}, { version: '1.2.3', image: 'im:1' });
export const NOW = new Date('2026-01-01T00:00:00Z');

/** A pod of the cluster `chat`. */
export function pod(
  component: string,
  name: string,
  change: { ready?: boolean; state?: object; label?: string } = {},
) {
  const { ready = true, state = { running: {} }, label } = change;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      uid: name,
      resourceVersion: '1',
      labels: {
        ...labelsOf('chat'),
        'app.kubernetes.io/component': component,
        ...(label === undefined ? {} : { [REVISION_LABEL]: label }),
      },
    },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      containerStatuses: [{ name: 'c', state, restartCount: ready ? 0 : 1 }],
    },
  } as unknown as Stored<Pod>;
}

export function processStatus(change: Partial<ProcessStatus> = {}): ProcessStatus {
  return {
    version: '1.2.3',
    instance: 'i',
    roles: [],
    ready: true,
    startedAt: 0,
    configHash: 'h',
    eventLoopDelayMs: 1,
    rssBytes: 1,
    ...change,
  };
}

const podsOf = (role: Role) =>
  Array.from({ length: effective[role].replicas }, (_, i) =>
    pod(role, `${role}-${i}`, role === 'gateway' ? { label: 'rev' } : {}),
  );
/** Every pod that the cluster should have, all ready. */
export const allPods = [
  ...ROLES.flatMap(podsOf),
  pod('nats', 'nats-0'),
  pod('mongodb', 'mongodb-0'),
  pod('redis', 'redis-0'),
  pod('object-storage', 'object-storage-0'),
];
/** A calm gateway of the revision of the Service. */
export const gatewayLoad = (connections: number, change: Partial<GatewayLoad> = {}): GatewayLoad => ({
  pod: 'g',
  host: '10.0.0.1',
  zone: undefined,
  receives: true,
  draining: false,
  selected: true,
  connections,
  handshakesPerSecond: 0,
  eventLoopDelayMs: 0,
  shedRemaining: 0,
  ...change,
});
export const gateway = (connections: number) => ({
  connections,
  users: connections,
  handshakesPerSecond: 0,
  draining: false,
  drainRemaining: 0,
  drainEtaSeconds: 0,
});
/** What a complete look at such a cluster sees. */
export const observation: Observation = {
  processes: new Map([
    ['gateway-0', processStatus({ gateway: gateway(3) })],
    ['gateway-1', processStatus({ gateway: gateway(4) })],
    [
      'transfer-0',
      processStatus({
        transfer: {
          partitions: 40,
          lagRecords: 2,
          parkedTenants: 0,
          parkedConversations: 0,
          parkedRecords: 0,
        },
      }),
    ],
    [
      'transfer-1',
      processStatus({
        transfer: {
          partitions: 24,
          lagRecords: 1,
          parkedTenants: 0,
          parkedConversations: 0,
          parkedRecords: 0,
        },
      }),
    ],
  ]),
  reports: new Map(),
  looks: new Map(),
  silentGateways: [],
  complete: true,
  observedAt: NOW.getTime(),
  stores: {
    nats: { ok: true, detail: { logBytes: 10, logMaxBytes: 100 } },
    mongodb: { ok: true, detail: {} },
    redis: { ok: true, detail: {} },
    objectStorage: { ok: true, detail: {} },
  },
};

/** The status of a cluster with all pods ready, unless changed. */
export function statusOf(change: Partial<StatusInput> = {}) {
  return clusterStatus({
    owner,
    generation: 7,
    effective,
    pods: allPods,
    updated: {},
    observation,
    aspects: {
      volumes: { problems: [], stalled: false, condition: storageResized([]) },
      monitoring: { problems: [], stalled: false, condition: monitoringApplied(0, []) },
    },
    storage: [],
    rollout: { message: 'All components match the spec.' },
    gatewayRevision: 'rev',
    endpoints: { api: 'http://a', webSocket: 'ws://a', objectStorage: 'http://o' },
    partitions: 64,
    before: undefined,
    now: NOW,
    ...change,
  });
}

export function condition(status: ReturnType<typeof statusOf>, type: string) {
  const found = status.conditions?.find((each) => each.type === type);
  assert.ok(found, type);
  return found;
}
