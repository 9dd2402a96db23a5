import {
  type CallerProof,
  configHash,
  type ProberStatus,
  type ProcessStatus,
  SETTINGS_LEVEL,
  type TenantFigures,
  type TenantsStatus,
  tenantHash,
  tenantsDigest,
} from '@im/contract';
import {
  CONFIG_MAP,
  createInformer,
  type KubeClient,
  type KubeObject,
  PERSISTENT_VOLUME_CLAIM,
  POD,
  type Pod,
  resourceType,
  SECRET,
  type Stored,
} from '@im/kube';
import { createMetrics, silentLogger } from '@im/process';
import type { ProcessApi, TenantsAnswer } from '../src/controllers/cluster/observation/process-api.ts';
import { mountsOf } from '../src/resources/workloads.ts';

/** What a node and our image would do, for a control plane that has neither. */
export interface FakeNodes {
  readonly processes: ProcessApi;
  /** Client connections by name of the gateway pod; set them to have something to drain. */
  readonly connections: Map<string, number>;
  /** Pods whose image contains one of these never become ready. */
  readonly brokenImages: Set<string>;
  /** Pods that do not answer. */
  readonly silent: Set<string>;
  /** Nodes to which pods of a cluster are bound, by its name; others are bound to none. They take pods of a component in turn. */
  readonly nodesOf: Map<string, string[]>;
  /** Further pods that never become ready. */
  notReadyIf: ((pod: Stored<Pod>) => Promise<boolean>) | undefined;
  /** Processes of an image that contains one of these report nothing about the key of the cluster. */
  readonly oldImages: Set<string>;
  /** Clusters whose processes load new configs; those of others never do. */
  readonly following: Set<string>;
  /** Clusters whose processes take tenants over from the operator, without a config file. */
  readonly takingTenants: Set<string>;
  /** Updates of tenants that processes were sent, by cluster. */
  readonly tenantUpdates: { readonly cluster: string; readonly put: number }[];
  /** Requests to remove what is stored of a tenant: component, tenant and placement. */
  readonly purges: string[];
  /** What the tenants of every cluster use, as an rpc process answers. */
  usage: readonly TenantFigures[];
  /** Requests until that is done. */
  purgeRounds: number;
  /** Keys that came with requests to drain. */
  readonly keys: Set<string>;
  /** Level of settings that processes report; undefined: that of versions from before levels. */
  settingsLevel: number | undefined;
  /** What probers report. @default clean, and judged until now */
  prober: () => ProberStatus;
  /** Gateway pods in the order in which they were asked to drain. */
  readonly drained: string[];
  /** Whether gateways that drain keep their connections, so that a test can look at them meanwhile. @default false */
  holdsDrains: boolean;
  /** Resolves when every one of these pods has reported its status once more. */
  asked(pods: readonly string[]): Promise<void>;
  /** Orders to shed connections, in order. */
  readonly shed: { readonly pod: string; readonly count: number }[];
  stop(): Promise<void>;
}

/** The report of a prober that has sent a message every tenth of a second, and found nothing but `faults`. */
export function cleanProber(faults: Partial<ProberStatus> = {}): ProberStatus {
  const sent = Math.floor((Date.now() - STARTED_AT) / 100);
  return {
    since: STARTED_AT,
    judgedUntil: Date.now(),
    ...{ sent, acknowledged: sent, received: 3 * sent },
    ...{ lost: 0, duplicated: 0, reordered: 0, refused: 0, other: 0 },
    ...{ gaps: [], acknowledgeP99Ms: 2, findings: [] },
    ...faults,
  };
}
const STARTED_AT = Date.now();

const TICK_MS = 60;
/** Assigns a pod to a node. */
const BINDING = resourceType<KubeObject & { readonly target: object }>('v1', 'Binding', 'bindings');
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
  const silent = new Set<string>();
  const nodesOf = new Map<string, string[]>();
  const bound = new Set<string>();
  /** Pods bound so far, by cluster and component. */
  const turns = new Map<string, number>();
  const following = new Set<string>();
  const keys = new Set<string>();
  const takingTenants = new Set<string>();
  const tenantUpdates: { cluster: string; put: number }[] = [];
  /** Hashes and revision of the tenants of a process, by the uid of its pod. */
  const tenantsOf = new Map<string, { hashes: Map<string, string>; revision: number }>();
  const purges: string[] = [];
  const draining = new Set<string>();
  const drained: string[] = [];
  /** Connections that drains have closed, by name of the pod. */
  const moved = new Map<string, number>();
  const shed: { pod: string; count: number }[] = [];
  /** Called with the name of a pod whenever it has reported its status. */
  const listeners = new Set<(pod: string) => void>();
  const byAddress = new Map<string, Stored<Pod>>();
  const addresses = new Map<string, string>();

  const watched = { client, namespace, log: silentLogger() };
  const pods = createInformer({ ...watched, type: POD, metrics: createMetrics() });
  const claims = createInformer({ ...watched, type: PERSISTENT_VOLUME_CLAIM, metrics: createMetrics() });

  async function poll(): Promise<void> {
    for (const pod of pods.list()) await settle(pod);
    for (const claim of claims.list()) {
      // Nothing uses it, so protection has nothing to protect.
      if (claim.metadata.deletionTimestamp === undefined || !claim.metadata.finalizers?.length) continue;
      await client.patch(
        PERSISTENT_VOLUME_CLAIM,
        { namespace, name: claim.metadata.name },
        { metadata: { finalizers: null } },
      );
    }
    if (nodes.holdsDrains) return;
    for (const name of draining) {
      const before = connections.get(name) ?? 0;
      const after = Math.max(0, before - PER_TICK);
      connections.set(name, after);
      moved.set(name, (moved.get(name) ?? 0) + before - after);
    }
  }

  /** As scheduler and kubelet do for pods of clusters with nodes. @returns false when the pod is not running. */
  async function scheduled(pod: Stored<Pod>): Promise<boolean> {
    const { name, uid, deletionTimestamp, labels } = pod.metadata;
    if (pod.spec?.nodeSelector?.nowhere !== undefined) return false;
    const nodeName = pod.spec?.nodeName;
    if (nodeName !== undefined && deletionTimestamp !== undefined) {
      await client.delete(POD, { namespace, name }, { gracePeriodSeconds: 0 });
      return false;
    }
    const cluster = labels?.['app.kubernetes.io/instance'] ?? '';
    const names = nodesOf.get(cluster) ?? [];
    const component = `${cluster} ${labels?.['app.kubernetes.io/component']}`;
    const turn = turns.get(component) ?? 0;
    const node = names[turn % names.length];
    if (node === undefined || nodeName !== undefined || deletionTimestamp !== undefined) return true;
    // The copy of the pod may not show its node yet.
    if (bound.has(uid)) return true;
    bound.add(uid);
    turns.set(component, turn + 1);
    await client.create(BINDING, {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { namespace, name },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    });
    return true;
  }

  /** The address of a pod, which its status may not show yet. */
  function addressOf({ metadata: { uid } }: Stored<Pod>): string {
    const count = addresses.size;
    const address = addresses.get(uid) ?? `10.9.${Math.floor(count / 250)}.${(count % 250) + 1}`;
    addresses.set(uid, address);
    return address;
  }

  async function settle(pod: Stored<Pod>): Promise<void> {
    if (!(await scheduled(pod))) return;
    const { name } = pod.metadata;
    const image = pod.spec?.containers[0]?.image ?? '';
    const broken =
      [...brokenImages].some((part) => image.includes(part)) || ((await nodes.notReadyIf?.(pod)) ?? false);
    const ready = !broken && !draining.has(name);
    const known = pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    const podIP = pod.status?.podIP ?? addressOf(pod);
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
                name: pod.spec?.containers[0]?.name ?? '',
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

  const loop = Promise.all([
    pods.run(stopping.signal),
    claims.run(stopping.signal),
    (async () => {
      while (!stopping.signal.aborted) {
        // Pods may be deleted in the meantime.
        await poll().catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, TICK_MS));
      }
    })(),
  ]);

  function podAt(host: string): Stored<Pod> {
    const pod = byAddress.get(host);
    if (!pod) throw new Error(`no pod at ${host}`);
    return pod;
  }
  /** What a process of the cluster has taken over. */
  async function configOf({
    metadata,
    spec,
  }: Stored<Pod>): Promise<{ configHash: string; rpcKey: CallerProof }> {
    const cluster = metadata.labels?.['app.kubernetes.io/instance'] ?? '';
    if (!following.has(cluster)) return { configHash: '', rpcKey: 'none' };
    const { config = '', connection = '' } = mountsOf(spec?.volumes) ?? {};
    const map = await client.get(CONFIG_MAP, { namespace, name: config });
    const text = map?.data?.['im.yaml'] ?? '';
    const files = new Map<string, string>();
    const mounted = { connection: [connection, `${cluster}-credentials`], tenants: [`${cluster}-tenants`] };
    for (const [kind, names] of Object.entries(mounted)) {
      for (const name of names) {
        const secret = await client.get(SECRET, { namespace, name });
        for (const [key, value] of Object.entries(secret?.data ?? {})) {
          const path = `/etc/openim/secrets/${kind}/${key === 'rpcKey' ? 'rpc-key' : key}`;
          if (text.includes(`{file:${path}}`)) files.set(path, Buffer.from(value, 'base64').toString());
        }
      }
    }
    const keyed = text.includes('/rpc-key}');
    const rpcKey = keyed ? (text.includes('acceptMissingKey') ? 'optional' : 'required') : 'none';
    return { configHash: configHash(text, files), rpcKey };
  }
  function tenantsStatus({ metadata }: Stored<Pod>): TenantsStatus | undefined {
    if (!takingTenants.has(metadata.labels?.['app.kubernetes.io/instance'] ?? '')) return undefined;
    const { hashes = new Map(), revision = 0 } = tenantsOf.get(metadata.uid) ?? {};
    return { revision, digest: tenantsDigest(hashes), count: hashes.size };
  }
  const processes: ProcessApi = {
    async status(host): Promise<ProcessStatus> {
      const pod = podAt(host);
      const { metadata, spec } = pod;
      if (silent.has(metadata.name)) throw new Error(`${metadata.name} does not answer`);
      const { configHash, rpcKey } = await configOf(pod);
      const image = spec?.containers[0]?.image ?? '';
      const old = [...oldImages].some((part) => image.includes(part));
      const role = metadata.labels?.['app.kubernetes.io/component'] ?? '';
      const drains = draining.has(metadata.name);
      const left = connections.get(metadata.name) ?? 0;
      for (const listener of listeners) listener(metadata.name);
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
        ...(tenantsStatus(pod) && { tenants: tenantsStatus(pod) }),
        ...(role === 'gateway'
          ? {
              gateway: {
                connections: left,
                users: left,
                handshakesPerSecond: 0,
                draining: drains,
                drainRemaining: drains ? left : 0,
                drainEtaSeconds: left / PER_TICK,
                movedConnections: moved.get(metadata.name) ?? 0,
              },
            }
          : {}),
        ...(role === 'prober' ? { prober: nodes.prober() } : {}),
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
    async tenants({ host }, { put, remove, digest, revision }): Promise<TenantsAnswer> {
      const { metadata } = podAt(host);
      if (silent.has(metadata.name)) throw new Error(`${metadata.name} does not answer`);
      const before = tenantsOf.get(metadata.uid) ?? { hashes: new Map<string, string>(), revision: 0 };
      const hashes = new Map(before.hashes);
      for (const id of remove) hashes.delete(id);
      for (const entry of put) hashes.set(String(entry.id), tenantHash(entry));
      const accepted = tenantsDigest(hashes) === digest && revision >= before.revision;
      const now = accepted ? { hashes, revision } : before;
      tenantsOf.set(metadata.uid, now);
      tenantUpdates.push({
        cluster: metadata.labels?.['app.kubernetes.io/instance'] ?? '',
        put: put.length,
      });
      const report = { revision: now.revision, digest: tenantsDigest(now.hashes), refused: {} };
      return { accepted, report: accepted ? report : { ...report, hashes: Object.fromEntries(now.hashes) } };
    },
    async purgeTenant({ host }, { tenant, placement }) {
      const component = podAt(host).metadata.labels?.['app.kubernetes.io/component'];
      purges.push(`${component} ${tenant} ${placement}`);
      const removed = { records: 1, documents: purges.length, keys: 3, objects: 4 };
      const isDone = purges.length >= nodes.purgeRounds;
      return { state: isDone ? 'done' : 'running', step: isDone ? 'scan' : 'documents', removed };
    },
    async tenantUsage({ host }) {
      const { metadata } = podAt(host);
      const component = metadata.labels?.['app.kubernetes.io/component'];
      if (component !== 'rpc') throw new Error(`POST /tenants/usage: 404 of ${component}`);
      return { tenants: nodes.usage };
    },
    async tenantRefusals({ host }) {
      return { instance: podAt(host).metadata.uid, refused: {} };
    },
    async shed({ host, key }, { count }) {
      keys.add(key);
      shed.push({ pod: podAt(host).metadata.name, count });
    },
  };
  const nodes: FakeNodes = {
    processes,
    purges,
    purgeRounds: 2,
    usage: [],
    notReadyIf: undefined,
    settingsLevel: SETTINGS_LEVEL,
    prober: () => cleanProber(),
    connections,
    brokenImages,
    oldImages,
    silent,
    nodesOf,
    following,
    takingTenants,
    tenantUpdates,
    keys,
    drained,
    holdsDrains: false,
    asked(pods) {
      const missing = new Set(pods);
      return new Promise((resolve) => {
        const listener = (pod: string) => {
          missing.delete(pod);
          if (missing.size > 0) return;
          listeners.delete(listener);
          // After the caller has its answer.
          setImmediate(resolve);
        };
        listeners.add(listener);
      });
    },
    shed,
    async stop() {
      stopping.abort();
      await loop;
    },
  };
  return nodes;
}
