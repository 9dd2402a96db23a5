import { type CallerProof, configHash, type ProcessStatus, SETTINGS_LEVEL } from '@im/contract';
import {
  CONFIG_MAP,
  type KubeClient,
  PERSISTENT_VOLUME_CLAIM,
  POD,
  type Pod,
  SECRET,
  type Stored,
} from '@im/kube';
import type { ProcessApi } from '../src/controllers/cluster/observer.ts';

/** What a node and our image would do, for a control plane that has neither. */
export interface FakeNodes {
  readonly processes: ProcessApi;
  /** Client connections by name of the gateway pod; set them to have something to drain. */
  readonly connections: Map<string, number>;
  /** Pods whose image contains one of these never become ready. */
  readonly brokenImages: Set<string>;
  /** Processes of an image that contains one of these report nothing about the key of the cluster. */
  readonly oldImages: Set<string>;
  /** Clusters whose processes load new configs; those of others never do. */
  readonly following: Set<string>;
  /** Keys that came with requests to drain. */
  readonly keys: Set<string>;
  /** Level of settings that processes report; undefined: that of versions from before levels. */
  settingsLevel: number | undefined;
  /** Gateway pods in the order in which they were asked to drain. */
  readonly drained: string[];
  stop(): Promise<void>;
}

const TICK_MS = 60;
/** Connections that a draining gateway loses with every tick. */
const PER_TICK = 5;

/**
 * Makes pods run and be ready, answers as their processes would, and empties gateways that drain.
 * The API server, the workload controllers and the garbage collector are real.
 */
export function startFakeNodes(client: KubeClient, namespace: string): FakeNodes {
  const stopping = new AbortController();
  const connections = new Map<string, number>();
  const brokenImages = new Set<string>();
  const oldImages = new Set<string>();
  const following = new Set<string>();
  const keys = new Set<string>();
  const draining = new Set<string>();
  const drained: string[] = [];
  const byAddress = new Map<string, Stored<Pod>>();
  let addresses = 0;

  async function poll(): Promise<void> {
    const { items } = await client.list(POD, { namespace });
    for (const pod of items) await settle(pod);
    const { items: claims } = await client.list(PERSISTENT_VOLUME_CLAIM, { namespace });
    for (const claim of claims) {
      // Nothing uses it, so protection has nothing to protect.
      if (claim.metadata.deletionTimestamp === undefined || !claim.metadata.finalizers?.length) continue;
      await client.patch(
        PERSISTENT_VOLUME_CLAIM,
        { namespace, name: claim.metadata.name },
        { metadata: { finalizers: null } },
      );
    }
    for (const name of draining) connections.set(name, Math.max(0, (connections.get(name) ?? 0) - PER_TICK));
  }

  async function settle(pod: Stored<Pod>): Promise<void> {
    const { name } = pod.metadata;
    const image = pod.spec?.containers[0]?.image ?? '';
    const broken = [...brokenImages].some((part) => image.includes(part));
    const ready = !broken && !draining.has(name);
    const known = pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    const podIP = pod.status?.podIP ?? `10.9.${Math.floor(addresses / 250)}.${(addresses++ % 250) + 1}`;
    byAddress.set(podIP, pod);
    if (pod.metadata.deletionTimestamp !== undefined || known === (ready ? 'True' : 'False')) return;
    await client.patchStatus(
      POD,
      { namespace, name },
      {
        phase: 'Running',
        podIP,
        hostIP: '192.0.2.1',
        conditions: ['Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
          type,
          status: ready || type === 'PodScheduled' ? 'True' : 'False',
          lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
        })),
        containerStatuses: broken
          ? [
              {
                name: 'c',
                image,
                imageID: '',
                ready: false,
                restartCount: 0,
                state: {
                  waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` },
                },
              },
            ]
          : [],
      },
    );
  }

  const loop = (async () => {
    while (!stopping.signal.aborted) {
      // Pods may be deleted in the meantime.
      await poll().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
  })();

  function podAt(host: string): Stored<Pod> {
    const pod = byAddress.get(host);
    if (!pod) throw new Error(`no pod at ${host}`);
    return pod;
  }
  /** What a process of the cluster has taken over. */
  async function configOf(cluster: string): Promise<{ configHash: string; rpcKey: CallerProof }> {
    if (!following.has(cluster)) return { configHash: '', rpcKey: 'none' };
    const map = await client.get(CONFIG_MAP, { namespace, name: `${cluster}-config` });
    const text = map?.data?.['im.yaml'] ?? '';
    const files = new Map<string, string>();
    for (const kind of ['connection', 'tenants']) {
      const secret = await client.get(SECRET, { namespace, name: `${cluster}-${kind}` });
      for (const [key, value] of Object.entries(secret?.data ?? {})) {
        const path = `/etc/openim/secrets/${kind}/${key}`;
        if (text.includes(`{file:${path}}`)) files.set(path, Buffer.from(value, 'base64').toString());
      }
    }
    const keyed = text.includes('/rpc-key}');
    const rpcKey = keyed ? (text.includes('acceptMissingKey') ? 'optional' : 'required') : 'none';
    return { configHash: configHash(text, files), rpcKey };
  }
  const processes: ProcessApi = {
    async status(host): Promise<ProcessStatus> {
      const { metadata, spec } = podAt(host);
      const { configHash, rpcKey } = await configOf(metadata.labels?.['app.kubernetes.io/instance'] ?? '');
      const image = spec?.containers[0]?.image ?? '';
      const old = [...oldImages].some((part) => image.includes(part));
      const role = metadata.labels?.['app.kubernetes.io/component'] ?? '';
      const drains = draining.has(metadata.name);
      const left = connections.get(metadata.name) ?? 0;
      return {
        version: '0.1.0',
        instance: metadata.uid,
        roles: [role],
        ready: !drains,
        startedAt: 0,
        configHash,
        ...(old ? {} : { rpcKey }),
        ...(nodes.settingsLevel === undefined ? {} : { settingsLevel: nodes.settingsLevel }),
        eventLoopDelayMs: 0,
        rssBytes: 0,
        ...(role === 'gateway'
          ? {
              gateway: {
                connections: left,
                users: left,
                handshakesPerSecond: 0,
                draining: drains,
                drainRemaining: drains ? left : 0,
                drainEtaSeconds: left / PER_TICK,
              },
            }
          : {}),
        ...(role === 'transfer'
          ? {
              transfer: {
                partitions: 32,
                lagRecords: 0,
                parkedTenants: 0,
                parkedConversations: 0,
                parkedRecords: 0,
              },
            }
          : {}),
      };
    },
    async drain({ host, key }) {
      keys.add(key);
      const { name } = podAt(host).metadata;
      if (!draining.has(name)) drained.push(name);
      draining.add(name);
    },
    async undrain({ host }) {
      draining.delete(podAt(host).metadata.name);
    },
  };
  const nodes: FakeNodes = {
    processes,
    settingsLevel: SETTINGS_LEVEL,
    connections,
    brokenImages,
    oldImages,
    following,
    keys,
    drained,
    async stop() {
      stopping.abort();
      await loop;
    },
  };
  return nodes;
}
