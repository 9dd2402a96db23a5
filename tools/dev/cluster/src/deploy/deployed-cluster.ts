import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Admin, type AdminAccess, admin, type Endpoint } from '@im/client';
import { DEFAULT_PORTS, DEFAULT_TENANT, tenantPath } from '@im/contract';
import { sleep } from '@im/kit';
import { isPodReady, type KubeObject, NAMESPACE, POD, SERVICE } from '@im/kube';
import { type Metrics, parseMetrics } from '../metrics.ts';
import type { TestGateway, TestServer } from '../test-server.ts';
import { killContainer } from './kill.ts';
import { apply, isCluster, sample, withImages } from './manifests.ts';
import { adminAccess, reach } from './reach.ts';
import {
  getExisting,
  isSettled,
  OPENIM_CLUSTER,
  OPENIM_TENANT,
  type OpenIMCluster,
  type Pod,
  waitsFor,
} from './resources.ts';
import type { TestCluster } from './test-cluster.ts';

/** Parts of a cluster, as the label `app.kubernetes.io/component` calls them. */
export type Component =
  | 'gateway'
  | 'api'
  | 'rpc'
  | 'transfer'
  | 'push'
  | 'cron'
  | 'prober'
  | 'console'
  | 'nats'
  | 'mongodb'
  | 'redis'
  | 'object-storage';

/** An OpenIMCluster that runs, reached by node ports. */
export interface DeployedCluster extends TestServer {
  readonly testCluster: TestCluster;
  readonly name: string;
  readonly namespace: string;
  /** The gateways' Service: each connection arrives at any of them. */
  readonly anyGateway: Endpoint;
  /** The resource as it is now. */
  resource(): Promise<OpenIMCluster>;
  /** Changes the resource by a merge patch. */
  change(patch: ClusterPatch): Promise<OpenIMCluster>;
  /** Pods, of one component or of all, without those that are being deleted. */
  pods(component?: Component): Promise<Pod[]>;
  /** SIGKILL to the processes of a pod. */
  kill(pod: Pod): Promise<void>;
  /** Waits until it is ready for the current spec and no roll-out is in progress. @throws with what it waits for. */
  untilSettled(timeoutMs?: number): Promise<OpenIMCluster>;
}

/** A JSON merge patch of an OpenIMCluster. */
export interface ClusterPatch {
  readonly metadata?: unknown;
  readonly spec?: unknown;
}

export interface DeployOptions {
  readonly name: string;
  readonly namespace: string;
  readonly spec: Readonly<Record<string, unknown>>;
  /** Objects of the same namespace that the spec refers to. */
  readonly objects?: readonly KubeObject[];
  /** Tenants in addition to the default one. */
  readonly tenants?: readonly string[];
  /** Whether the cluster is left running when it is closed, for the next file of suites. */
  readonly keep?: boolean;
}

const SETTLE_TIMEOUT_MS = 240_000;
const READY_TIMEOUT_MS = 60_000;
const GONE_TIMEOUT_MS = 120_000;
/** A namespace waits for its last pod, and a gateway may use all of its drain deadline. */
const NAMESPACE_GONE_TIMEOUT_MS = 400_000;
const LOOK_MS = 250;
/** Records the spec of a cluster, so that another test file can tell whether it is suitable. */
const MADE_OF = 'openim.test/made-of';
/** Selects one gateway pod for a separate Service. */
const PIN = 'openim.test/gateway';

/**
 * The development sample as tests deploy it, several side by side: on any node ports, with nothing left when it is
 * deleted.
 */
export function developmentSpec(
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const found = sample('development').find(isCluster);
  if (!found) throw new Error('the sample development holds no OpenIMCluster');
  const { gateway, api, objectStorage, ...spec } = found.spec;
  const onAnyPort = (part: unknown): object => {
    const { publicURL: _told, service: _service, ...rest } = part as Record<string, unknown>;
    return { ...rest, service: { type: 'NodePort' } };
  };
  return {
    ...spec,
    gateway: onAnyPort(gateway),
    api: onAnyPort(api),
    // No test opens an object by its URL. One that is known from the beginning spares every role a second start.
    objectStorage: { ...(objectStorage as object), managed: {}, publicURL: 'http://objects.test' },
    deletionPolicy: 'Purge',
    ...more,
  };
}

/** Deploys a cluster into its own namespace, or reuses one of the same spec, and waits until it is stable. */
export async function deployCluster(
  testCluster: TestCluster,
  options: DeployOptions,
): Promise<DeployedCluster> {
  const { kubernetes, api } = testCluster;
  const { name, namespace, spec } = options;
  const key = { namespace, name };
  const [manifest] = withImages([clusterOf({ name, namespace }, spec)], testCluster.images) as [
    OpenIMCluster,
  ];
  const madeOf = createHash('sha256').update(JSON.stringify(manifest.spec)).digest('hex').slice(0, 16);

  const found = await api.get(OPENIM_CLUSTER, key);
  const reused = found?.metadata.annotations?.[MADE_OF] === madeOf;
  if (found && !reused) await removeCluster(testCluster, namespace, name);
  if (!reused) {
    await apply(kubernetes, [namespaceOf(namespace)]);
    await apply(kubernetes, [
      ...(options.objects ?? []),
      { ...manifest, metadata: { ...manifest.metadata, annotations: { [MADE_OF]: madeOf } } },
    ]);
  }

  const resource = () => getExisting(api, OPENIM_CLUSTER, key);
  const pods = async (component?: Component) => {
    const all = [`app.kubernetes.io/instance=${name}`, 'app.kubernetes.io/managed-by=openim-operator'];
    if (component !== undefined) all.push(`app.kubernetes.io/component=${component}`);
    const { items } = await api.list(POD, { namespace, labelSelector: all.join(',') });
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  };
  async function untilSettled(timeoutMs = SETTLE_TIMEOUT_MS): Promise<OpenIMCluster> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const now = await resource();
      if (isSettled(now)) return now;
      if (performance.now() > deadline) {
        throw new Error(`${namespace}/${name} is not settled after ${timeoutMs / 1_000} s: ${waitsFor(now)}`);
      }
      await sleep(LOOK_MS);
    }
  }

  const dir = mkdtempSync(join(tmpdir(), 'im-deployed-'));
  const admins = new Map<string, Admin>();
  const pins: string[] = [];
  async function close(): Promise<void> {
    for (const client of admins.values()) client.close();
    for (const pin of pins) await api.delete(SERVICE, { namespace, name: pin });
    if (process.env.KEEP_LOGS) process.stderr.write(`facts are in ${dir}\n`);
    else rmSync(dir, { recursive: true, force: true });
    if (!options.keep) await removeCluster(testCluster, namespace, name);
  }

  try {
    const settled = await untilSettled();
    const reached = await reach(kubernetes, api, settled);
    const gateways = await Promise.all(
      (await pods('gateway')).map((pod) => pinGateway(testCluster, namespace, pod, pins)),
    );
    gateways.sort((a, b) => (a.name < b.name ? -1 : 1));
    const rights = new Map<string, AdminAccess>([[DEFAULT_TENANT, reached.access]]);
    for (const tenant of options.tenants ?? [])
      rights.set(tenant, await addTenant(testCluster, namespace, name, tenant));
    const access = (tenant: string): AdminAccess => {
      const found = rights.get(tenant);
      if (!found) throw new RangeError(`${namespace}/${name} has no tenant ${tenant}`);
      return found;
    };
    const endpoint = (tenant: string, gateway = 0): Endpoint => {
      const path = tenantPath(tenant);
      return {
        api: `${reached.endpoint.api}${path}`,
        ws: `${gateways[gateway % gateways.length]?.ws}${path}`,
      };
    };
    return {
      testCluster,
      name,
      namespace,
      dir,
      gateways,
      anyGateway: reached.endpoint,
      endpoint,
      admin(tenant) {
        const client = admins.get(tenant) ?? admin(endpoint(tenant), access(tenant));
        admins.set(tenant, client);
        return client;
      },
      resource,
      change: (patch) => api.patch(OPENIM_CLUSTER, key, patch),
      pods,
      kill: killContainer,
      untilSettled,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Adds a tenant to a cluster, and waits until every process serves it. @returns its admin's rights. */
async function addTenant(
  { kubernetes, api }: TestCluster,
  namespace: string,
  cluster: string,
  name: string,
): Promise<AdminAccess> {
  const wanted = {
    apiVersion: 'openim.io/v1alpha1',
    kind: 'OpenIMTenant',
    metadata: { name, namespace },
    spec: { clusterRef: { name: cluster } },
  };
  await apply(kubernetes, [wanted]);
  for (const deadline = performance.now() + READY_TIMEOUT_MS; ; await sleep(LOOK_MS)) {
    const { status } = await getExisting(api, OPENIM_TENANT, { namespace, name });
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    const secret = status?.adminSecretRef?.name;
    if (ready?.status === 'True' && secret) return await adminAccess(api, namespace, secret);
    if (performance.now() > deadline)
      throw new Error(`tenant ${namespace}/${name} is not ready: ${ready?.message}`);
  }
}

/** A gateway's own address: a Service with a node port that selects its pod alone. */
async function pinGateway(
  { kubernetes, api }: TestCluster,
  namespace: string,
  pod: Pod,
  pins: string[],
): Promise<TestGateway & { readonly ws: string }> {
  const { name } = pod.metadata;
  const key = { namespace, name };
  await api.patch(POD, key, { metadata: { labels: { [PIN]: name } } });
  const service = `test-${name}`;
  await api.delete(SERVICE, { namespace, name: service });
  const made = await api.create(SERVICE, {
    metadata: { namespace, name: service },
    spec: {
      type: 'NodePort',
      selector: { [PIN]: name },
      // A draining gateway must still be found by tests that observe the drain.
      publishNotReadyAddresses: true,
      ports: [{ name: 'ws', port: DEFAULT_PORTS.gateway, targetPort: 'ws' }],
    },
  });
  pins.push(service);
  const { host, port } = await kubernetes.nodePortAddress(made.spec?.ports?.[0]?.nodePort ?? 0);
  await untilOpen(host, port);
  return {
    name,
    ws: `ws://${host}:${port}`,
    metrics: async (): Promise<Metrics> => parseMetrics(await api.proxy(key, DEFAULT_PORTS.ops, 'metrics')),
    kill: async () => killContainer(await getExisting(api, POD, key)),
    // The node restarts ended containers.
    start: () => {},
    async untilReady(timeoutMs = READY_TIMEOUT_MS) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const answers = await api.proxy(key, DEFAULT_PORTS.ops, 'readyz').then(
          () => true,
          () => false,
        );
        if (answers && isPodReady(await getExisting(api, POD, key))) return;
        if (performance.now() > deadline) throw new Error(`${name} is not ready after ${timeoutMs} ms`);
        await sleep(LOOK_MS);
      }
    },
  };
}

/** Waits until a new node port is known to the node: until then connections are refused. */
async function untilOpen(host: string, port: number): Promise<void> {
  for (const deadline = performance.now() + READY_TIMEOUT_MS; ; await sleep(LOOK_MS)) {
    const socket = connect(port, host);
    const opened = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (opened) return;
    if (performance.now() > deadline) throw new Error(`nothing answers at ${host}:${port}`);
  }
}

/** Deletes a cluster with its namespace and waits until both are gone. */
export async function removeCluster({ api }: TestCluster, namespace: string, name: string): Promise<void> {
  const key = { namespace, name };
  await api.delete(OPENIM_CLUSTER, key);
  await untilGone(`${namespace}/${name}`, () => api.get(OPENIM_CLUSTER, key));
  await api.delete(NAMESPACE, { name: namespace });
  const find = () => api.get(NAMESPACE, { name: namespace });
  await untilGone(`namespace ${namespace}`, find, NAMESPACE_GONE_TIMEOUT_MS);
}

async function untilGone(
  what: string,
  find: () => Promise<unknown>,
  timeoutMs = GONE_TIMEOUT_MS,
): Promise<void> {
  for (const deadline = performance.now() + timeoutMs; (await find()) !== undefined; ) {
    if (performance.now() > deadline) throw new Error(`${what} is not gone after ${timeoutMs / 1_000} s`);
    await sleep(LOOK_MS);
  }
}

/** A manifest of a cluster. */
export function clusterOf(
  metadata: OpenIMCluster['metadata'],
  spec: Readonly<Record<string, unknown>>,
): OpenIMCluster {
  return { apiVersion: 'openim.io/v1alpha1', kind: 'OpenIMCluster', metadata, spec };
}

/** A namespace that refuses pods less strict than Restricted. */
export function namespaceOf(name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  };
}
