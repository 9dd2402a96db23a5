import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ControlPlane, startControlPlane } from '@im/dev-kubernetes';

const ROOT = new URL('../../..', import.meta.url).pathname;
/** As in the sample with the rights of those who look. */
export const NAMESPACE = 'im';
export const NAME = 'chat';
export const VIEWER = 'openim-console-viewer';

/** A status as an operator writes it, with a text that no page may take for markup. */
const STATUS = {
  observedGeneration: 1,
  observedAt: '2026-01-02T03:04:05Z',
  version: '0.1.0',
  connections: 1_230,
  gatewaysReady: '2/2',
  conditions: [
    {
      ...{ type: 'Ready', status: 'False', reason: 'NATSUnavailable' },
      message: 'nats: 1 of 3 servers is ready <script>alert(1)</script>',
      lastTransitionTime: '2026-01-02T03:04:05Z',
    },
    {
      ...{ type: 'Progressing', status: 'False', reason: 'Complete', message: '' },
      lastTransitionTime: '2026-01-02T03:00:00Z',
    },
  ],
  components: [
    { name: 'api', ready: 2, desired: 2, updated: 2, version: '0.1.0' },
    { name: 'nats', ready: 1, desired: 3, version: '2.15.1', reason: 'chat-nats-1 is not ready' },
    { name: 'mongodb', ready: 1, desired: 1, external: true },
  ],
  volumes: [
    { claim: 'data-chat-nats-0', store: 'nats', requested: '10Gi', capacity: '10Gi', state: 'UpToDate' },
  ],
  gateways: [
    { pod: 'chat-gateway-a-1', revision: 'a', ready: true, connections: 615 },
    {
      pod: 'chat-gateway-a-2',
      revision: 'a',
      ready: true,
      draining: true,
      drainRemaining: 7,
      drainEtaSeconds: 3,
    },
  ],
  upgrade: {
    ...{ phase: 'Verifying', version: '0.2.0', fromVersion: '0.1.0', startedAt: '2026-01-02T03:00:00Z' },
    ...{ step: 'gateway', message: 'waits for the prober' },
    steps: [{ name: 'rpc', startedAt: '2026-01-02T03:00:00Z', passedAt: '2026-01-02T03:01:00Z' }],
    gates: [
      { name: 'StoresReachable', state: 'Passed' },
      { name: 'ProberClean', state: 'Waiting', message: 'soaks for 20 s more' },
    ],
    proof: {
      ...{ sent: 1_201, acknowledged: 1_200, received: 2_399, lost: 0, duplicated: 3, reordered: 4 },
      longestGapMilliseconds: 1_700,
    },
  },
  upgradeHistory: Array.from({ length: 10 }, (_, i) => ({
    ...{
      revision: `chat-revision-${i}`,
      version: `0.0.${9 - i}`,
      outcome: i === 1 ? 'RolledBack' : 'Succeeded',
    },
    ...{ startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:10:00Z' },
    proof: { sent: 500 + i, lost: 0, duplicated: 0, reordered: 0 },
  })),
};

/** A real API server with an OpenIMCluster and the sample's rights to read it. */
export interface Kubernetes extends AsyncDisposable {
  readonly plane: ControlPlane;
  /** Setting `api.console.resource`. */
  readonly resource: {
    readonly namespace: string;
    readonly name: string;
    readonly server: string;
    readonly caFile: string;
  };
  /** A token of a ServiceAccount, which is made when it is missing. */
  tokenOf(account: string): Promise<string>;
  /** Changes the status of the OpenIMCluster. */
  setStatus(status: object): Promise<void>;
}

/** Starts one. */
export async function startKubernetes(): Promise<Kubernetes> {
  const plane = await startControlPlane();
  const { kubectl } = plane;
  const setStatus = async (status: object) => {
    const patch = JSON.stringify({ status });
    const target = ['openimcluster', NAME, '-n', NAMESPACE];
    await kubectl('patch', ...target, '--subresource=status', '--type=merge', '-p', patch);
  };
  try {
    await kubectl('apply', '--server-side', '-f', join(ROOT, 'crds'));
    await kubectl('wait', '--for=condition=Established', 'crd', '--all');
    await kubectl('create', 'namespace', NAMESPACE);
    await kubectl('apply', '-f', join(ROOT, 'docs/samples/console-viewer.yaml'));
    const manifest = join(plane.dir, 'cluster.json');
    const metadata = { name: NAME, namespace: NAMESPACE, annotations: { secret: 'of-an-annotation' } };
    const cluster = { apiVersion: 'openim.io/v1alpha1', kind: 'OpenIMCluster', metadata, spec: {} };
    await writeFile(manifest, JSON.stringify(cluster));
    await kubectl('apply', '-f', manifest);
    await setStatus(STATUS);
    const caFile = join(plane.dir, 'ca.crt');
    await writeFile(caFile, plane.credentials.certificateAuthority);
    return {
      plane,
      resource: { namespace: NAMESPACE, name: NAME, server: plane.url, caFile },
      async tokenOf(account) {
        const found = await kubectl('get', 'serviceaccount', account, '-n', NAMESPACE, '--ignore-not-found');
        if (found === '') await kubectl('create', 'serviceaccount', account, '-n', NAMESPACE);
        return (await kubectl('create', 'token', account, '-n', NAMESPACE)).trim();
      },
      setStatus,
      [Symbol.asyncDispose]: () => plane.stop(),
    };
  } catch (error) {
    await plane.stop();
    throw error;
  }
}
