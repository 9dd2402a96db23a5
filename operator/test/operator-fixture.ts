import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { type ControlPlane, eventually, startControlPlane, WORKLOAD_CONTROLLERS } from '@im/dev-kubernetes';
import { createKubeClient, type EventText, type KubeClient, type Stored } from '@im/kube';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import type { CheckResult } from '../src/checks/check.ts';
import { type ClusterControllerDeps, createClusterController } from '../src/controllers/cluster/index.ts';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import { OPENIM_CLUSTER, type OpenIMCluster } from '../src/resources/kinds.ts';
import { type FakeNodes, startFakeNodes } from './fake-nodes.ts';

/** An API server with the CRDs and the controllers of Kubernetes, and nodes on which pods become ready. */
export interface OperatorFixture {
  readonly plane: ControlPlane;
  readonly client: KubeClient;
  readonly nodes: FakeNodes;
  stop(): Promise<void>;
}

/** A fixture for all tests of a file, and what they do with clusters. */
export interface FileFixture extends Omit<OperatorFixture, 'stop'> {
  /** Creates a cluster or changes its spec, as a person does. */
  applyCluster(name: string, spec: OpenIMClusterSpec): Promise<void>;
  /** The cluster as it is now. @throws when there is none. */
  clusterOf(name: string): Promise<Stored<OpenIMCluster>>;
}

/** Starts a fixture before the tests of a file and stops it after them; to be called at the top of the file. */
export function useFixture(namespace: string, more: readonly string[] = []): FileFixture {
  let started: OperatorFixture | undefined;
  before(async () => {
    started = await startFixture(namespace, more);
  });
  after(async () => {
    await started?.stop();
  });
  const running = (): OperatorFixture => {
    assert.ok(started, 'the fixture runs');
    return started;
  };
  return {
    get plane() {
      return running().plane;
    },
    get client() {
      return running().client;
    },
    get nodes() {
      return running().nodes;
    },
    async applyCluster(name, spec) {
      const metadata = { name, namespace };
      const cluster = { apiVersion: 'openim.io/v1alpha1', kind: 'OpenIMCluster', metadata, spec };
      await running().client.apply(OPENIM_CLUSTER, cluster, { fieldManager: 'person' });
    },
    async clusterOf(name) {
      const found = await running().client.get(OPENIM_CLUSTER, { namespace, name });
      assert.ok(found, `${name} exists`);
      return found;
    },
  };
}

/** The condition of this type. @throws when there is none. */
export function conditionOf({ status }: OpenIMCluster, type: string) {
  const found = status?.conditions?.find((condition) => condition.type === type);
  assert.ok(found, type);
  return found;
}

/**
 * What `look` sees once it is the same for 1.5 s, within `ms`: settled is a cluster before its last writes, and their
 * events, have come back.
 */
export async function atRest<T>(look: () => Promise<T>, ms: number): Promise<T> {
  let seen = await look();
  await eventually(async () => {
    const before = seen;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    seen = await look();
    assert.deepEqual(seen, before);
  }, ms);
  return seen;
}

/** Starts one; pods run in `namespace`. @param more controllers of Kubernetes in addition. */
export async function startFixture(
  namespace: string,
  more: readonly string[] = [],
): Promise<OperatorFixture> {
  const plane = await startControlPlane({ controllers: [...WORKLOAD_CONTROLLERS, ...more] });
  let client: KubeClient | undefined;
  try {
    client = await createKubeClient({ kubeconfigPath: plane.kubeconfig });
    await plane.kubectl('apply', '--server-side', '-f', new URL('../../crds', import.meta.url).pathname);
    await plane.kubectl('wait', '--for=condition=Established', 'crd', '--all');
  } catch (error) {
    client?.close();
    await plane.stop();
    throw error;
  }
  const kube = client;
  const nodes = startFakeNodes(kube, namespace);
  return {
    plane,
    client: kube,
    nodes,
    async stop() {
      await nodes.stop();
      kube.close();
      await plane.stop();
    },
  };
}

/** Checks by which every store is usable. */
export function usableStores() {
  const check = async (): Promise<CheckResult> => ({ ok: true, detail: {} });
  return { nats: check, mongodb: check, redis: check, objectStorage: check };
}

/** An operator that leads, composed as in `main.ts`. */
export function startOperator(
  { client, nodes }: { readonly client: KubeClient; readonly nodes: Pick<FakeNodes, 'processes'> },
  /** That it looks after; undefined for all. */
  namespace: string | undefined,
  operator: { readonly version: string; readonly image: string },
  /** Through which it writes, how it checks stores, and its limits. @default the fixture's client, over the network */
  {
    writer = client,
    storeChecks,
    placeLimits,
  }: Partial<Pick<ClusterControllerDeps, 'writer' | 'storeChecks' | 'placeLimits'>> = {},
) {
  const stop = new AbortController();
  const events: EventText[] = [];
  const [log, metrics] = [silentLogger(), createMetrics()];
  const tasks = createTaskRunner({ log, metrics });
  const controller = createClusterController({
    client,
    writer,
    events: { event: (_about, text) => events.push(text), run: async () => {} },
    tasks,
    operator,
    operatorNamespace: 'openim-system',
    namespace,
    processes: nodes.processes,
    storeChecks,
    placeLimits,
    log,
    metrics,
  });
  const running = Promise.all([
    ...controller.informers.map((informer) => informer.run(stop.signal)),
    controller.lead(stop.signal),
  ]);
  return {
    events,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await tasks.stop();
    },
  };
}
