import type { ProcessStatus } from '@im/contract';
import { SETTINGS_LEVEL } from '@im/contract';
import { eachLimited } from '@im/kit';
import { createInformer, type KubeClient, POD, type Pod, type Stored } from '@im/kube';
import { createMetrics, silentLogger } from '@im/process';
import type { ProcessApi } from '../src/controllers/cluster/observation/process-api.ts';

/** Nodes for thousands of pods: pods become ready once, by a watch, and processes answer from memory. */
export interface LeanNodes {
  readonly processes: ProcessApi;
  /** Connections that a gateway reports, by name of the pod. */
  connections: (pod: string) => number;
  stop(): Promise<void>;
}

/** Concurrent writes of pods. */
const WRITES = 16;
const TICK_MS = 50;

/** Makes the pods of `namespace` ready and answers as their processes would. */
export function startLeanNodes(client: KubeClient, namespace: string): LeanNodes {
  const stopping = new AbortController();
  const { signal } = stopping;
  const pods = createInformer({
    client,
    type: POD,
    namespace,
    log: silentLogger(),
    metrics: createMetrics(),
  });
  const waiting = new Map<string, Stored<Pod>>();
  const roles = new Map<string, { readonly pod: string; readonly role: string }>();
  pods.onChange((_before, pod) => {
    if (pod && pod.metadata.deletionTimestamp === undefined && pod.status?.podIP === undefined) {
      waiting.set(pod.metadata.name, pod);
    }
  });

  async function start(pod: Stored<Pod>): Promise<void> {
    const { name, labels } = pod.metadata;
    const count = roles.size;
    const podIP = `10.${Math.floor(count / 62_500)}.${Math.floor(count / 250) % 250}.${(count % 250) + 1}`;
    roles.set(podIP, { pod: name, role: labels?.['app.kubernetes.io/component'] ?? '' });
    const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const conditions = ['Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime,
    }));
    const status = { phase: 'Running', podIP, hostIP: '192.0.2.1', conditions, containerStatuses: [] };
    // It may have been deleted in the meantime.
    await client.patchStatus(POD, { namespace, name }, status).catch(() => undefined);
  }

  const running = Promise.all([
    pods.run(signal),
    (async () => {
      while (!signal.aborted) {
        const batch = [...waiting.values()];
        waiting.clear();
        await eachLimited(batch, WRITES, start);
        await new Promise((resolve) => setTimeout(resolve, TICK_MS));
      }
    })(),
  ]);

  const nodes: LeanNodes = {
    connections: () => 0,
    processes: {
      async status(host): Promise<ProcessStatus> {
        const known = roles.get(host);
        if (!known) throw new Error(`no pod at ${host}`);
        const { pod, role } = known;
        const connections = role === 'gateway' ? nodes.connections(pod) : 0;
        return {
          version: '0.1.0',
          instance: pod,
          roles: [role],
          ready: true,
          startedAt: 0,
          configHash: '',
          rpcKey: 'required',
          settingsLevel: SETTINGS_LEVEL,
          eventLoopDelayMs: 0,
          rssBytes: 0,
          ...(role === 'gateway' && {
            gateway: {
              connections,
              users: connections,
              handshakesPerSecond: 0,
              draining: false,
              drainRemaining: 0,
              drainEtaSeconds: 0,
            },
          }),
          ...(role === 'transfer' && {
            transfer: {
              partitions: 64,
              lagRecords: 0,
              parkedTenants: 0,
              parkedConversations: 0,
              parkedRecords: 0,
            },
          }),
        };
      },
      drain: async () => {},
      undrain: async () => {},
      shed: async () => {},
      tenantUsage: async () => ({ tenants: [] }),
      tenantRefusals: async (at) => ({ instance: at.host, refused: {} }),
      async purgeTenant() {
        throw new Error('no tenant is purged here');
      },
      tenants: async () => Promise.reject(new Error('it takes no tenants over')),
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
  return nodes;
}
