import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CertificateAuthority,
  type KeyPair,
  runCommand,
  type ServerKind,
  type ServerProcess,
  type Subject,
  startServer,
} from '@im/dev-stores';
import { installProgram } from '../install/go-build.ts';
import { programOf } from '../install/programs.ts';
import { type ApiCredentials, apiGet } from './api-request.ts';
import { kubeconfigOf } from './kubeconfig.ts';

/** Collects garbage less often than by default: memory is there, and tests wait for processors. */
const GO_ENV = { GOGC: '400' };

/** Controllers that make an API server behave like a cluster as far as objects go: no pod ever runs. */
export const WORKLOAD_CONTROLLERS = [
  'garbage-collector-controller',
  'namespace-controller',
  'deployment-controller',
  'replicaset-controller',
  'statefulset-controller',
  'disruption-controller',
  'serviceaccount-controller',
  'clusterrole-aggregation-controller',
];

export interface ControlPlaneOptions {
  /** Absolute folder of data and logs, kept by `stop`. Default: a new temporary one, which `stop` removes. */
  dir?: string;
  /** Controllers to run: true for garbage collection, namespaces, workloads and disruption budgets. Default none. */
  controllers?: boolean | readonly string[];
  /** Added to the API server's arguments, such as `--watch-cache=false`. */
  apiServerArguments?: readonly string[];
  /** Called when a server ends without having been stopped. */
  onUnexpectedExit?: (error: Error) => void;
}

/** A Kubernetes API server with its etcd, as processes of this machine. Anything can be stored, nothing runs. */
export interface ControlPlane extends AsyncDisposable {
  /** `https://127.0.0.1:port`, the same after a restart. */
  readonly url: string;
  /** Absolute path of an administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** The administrator's certificates. */
  readonly credentials: ApiCredentials;
  /** Folder of data and logs. */
  readonly dir: string;
  /** Absolute path of kubectl. */
  readonly kubectlPath: string;
  /** Address of the API server's store, for tests that compact or break it. */
  readonly etcdUrl: string;
  /** Certificates of another user, who may do what RBAC grants. */
  credentialsFor(subject: Subject): ApiCredentials;
  /** Writes a kubeconfig of another user and returns its path. */
  kubeconfigFor(subject: Subject): Promise<string>;
  /** Runs kubectl as administrator and returns its standard output. */
  kubectl(...args: readonly string[]): Promise<string>;
  /** Stops the API server (default SIGTERM), waits `downMs`, and starts it on the same port and data. */
  restartApiServer(options?: { signal?: 'SIGTERM' | 'SIGKILL'; downMs?: number }): Promise<void>;
  /** Ends the API server. Connections are refused until `startApiServer`. */
  killApiServer(signal?: NodeJS.Signals): Promise<void>;
  /** Starts an API server that was killed and waits until it is ready. */
  startApiServer(): Promise<void>;
  /** Ends all servers. Safe to call twice. */
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 90_000;

/**
 * Starts etcd and kube-apiserver on free ports of 127.0.0.1, installing them when needed, and waits until they serve.
 * Needs no root and no container runtime; many can run side by side. They die with this process.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const [etcdDir, kubernetesDir] = await Promise.all([
    installProgram(programOf('etcd')),
    installProgram(programOf('kubernetes')),
  ]);
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'openim-control-plane-')));
  await using undo = new AsyncDisposableStack();
  if (options.dir === undefined) undo.defer(() => rm(dir, { recursive: true, force: true }));
  const { onUnexpectedExit } = options;
  const start = async (kind: ServerKind): Promise<ServerProcess> => {
    const server = await startServer(kind, {
      dir: join(dir, kind.name),
      readyWithin: READY_WITHIN_MS,
      onUnexpectedExit,
    });
    // These files are not read again, so nothing has to be stopped in order.
    undo.defer(async () => {
      if (server.pid !== undefined) await server.kill();
      await server.stop();
    });
    return server;
  };

  const secrets = await prepareSecrets(dir);
  const etcd = await start(etcdKind(join(etcdDir, 'etcd')));
  const controllers = options.controllers === true ? WORKLOAD_CONTROLLERS : options.controllers || [];
  const apiServer = await start(
    apiServerKind(join(kubernetesDir, 'kube-apiserver'), etcd.uri, secrets, {
      serviceAccounts: controllers.includes('serviceaccount-controller'),
      more: options.apiServerArguments ?? [],
    }),
  );
  const url = apiServer.uri;
  const kubeconfig = join(dir, 'admin.kubeconfig');
  await writeFile(kubeconfig, kubeconfigOf('control-plane', url, secrets.admin), { mode: 0o600 });
  if (controllers.length > 0) {
    await start(
      controllerManagerKind(join(kubernetesDir, 'kube-controller-manager'), kubeconfig, secrets, controllers),
    );
  }

  const credentialsFor = (subject: Subject): ApiCredentials => clientOf(secrets.authority, subject);
  const kubectlPath = join(kubernetesDir, 'kubectl');
  const owned = undo.move();
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= owned.disposeAsync();
    return stopped;
  };
  let users = 0;
  return {
    url,
    kubeconfig,
    credentials: secrets.admin,
    dir,
    kubectlPath,
    etcdUrl: etcd.uri,
    credentialsFor,
    kubeconfigFor: async (subject) => {
      const path = join(dir, `user-${++users}.kubeconfig`);
      await writeFile(path, kubeconfigOf('control-plane', url, credentialsFor(subject)), { mode: 0o600 });
      return path;
    },
    kubectl: (...args) => runCommand(kubectlPath, ['--kubeconfig', kubeconfig, ...args]),
    restartApiServer: async ({ signal = 'SIGTERM', downMs = 0 } = {}) => {
      await apiServer.kill(signal);
      await new Promise((resolve) => setTimeout(resolve, downMs));
      await apiServer.start();
    },
    killApiServer: (signal) => apiServer.kill(signal),
    startApiServer: () => apiServer.start(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

interface Secrets {
  readonly authority: CertificateAuthority;
  readonly admin: ApiCredentials;
  readonly files: {
    readonly authority: string;
    readonly server: { readonly certificate: string; readonly key: string };
    readonly serviceAccounts: string;
  };
}

async function prepareSecrets(dir: string): Promise<Secrets> {
  const folder = join(dir, 'secrets');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const authority = CertificateAuthority.create('control-plane-ca');
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const server: KeyPair = authority.issue({
    commonName: 'kube-apiserver',
    usage: 'server',
    hosts: ['localhost', '127.0.0.1'],
  });
  const serviceAccounts = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  return {
    authority,
    admin: clientOf(authority, { commonName: 'admin', organizations: ['system:masters'] }),
    files: {
      authority: await write('ca.crt', authority.certificate),
      server: {
        certificate: await write('server.crt', server.certificate),
        key: await write('server.key', server.key),
      },
      serviceAccounts: await write(
        'service-accounts.key',
        serviceAccounts.export({ type: 'sec1', format: 'pem' }).toString(),
      ),
    },
  };
}

function clientOf(authority: CertificateAuthority, subject: Subject): ApiCredentials {
  const { certificate, key } = authority.issue({ ...subject, usage: 'client' });
  return { certificateAuthority: authority.certificate, certificate, key };
}

function etcdKind(command: string): ServerKind {
  const url = (port: number): string => `http://127.0.0.1:${port}`;
  return {
    name: 'etcd',
    server: { command, args: [], env: GO_ENV, description: 'etcd' },
    portCount: 2,
    stopWithin: 10_000,
    uri: url,
    prepare: async (dir, [client = 0, peer = 0]) => ({
      args: [
        '--name=test',
        `--data-dir=${join(dir, 'data')}`,
        `--listen-client-urls=${url(client)}`,
        `--advertise-client-urls=${url(client)}`,
        `--listen-peer-urls=${url(peer)}`,
        `--initial-advertise-peer-urls=${url(peer)}`,
        `--initial-cluster=test=${url(peer)}`,
        // What a test stores need not outlive the machine.
        '--unsafe-no-fsync',
        '--log-level=warn',
      ],
    }),
    probe: async ([port = 0], signal) => {
      const response = await fetch(`${url(port)}/health`, { signal });
      if (!response.ok) throw new Error(`etcd answers ${response.status}`);
    },
  };
}

function apiServerKind(
  command: string,
  etcdUrl: string,
  { files, admin }: Secrets,
  options: { serviceAccounts: boolean; more: readonly string[] },
): ServerKind {
  const url = (port: number): string => `https://127.0.0.1:${port}`;
  return {
    name: 'kube-apiserver',
    server: { command, args: [], env: GO_ENV, description: 'kube-apiserver' },
    portCount: 1,
    stopWithin: 20_000,
    uri: url,
    prepare: async (_dir, [port = 0]) => ({
      args: [
        '--bind-address=127.0.0.1',
        '--advertise-address=127.0.0.1',
        `--secure-port=${port}`,
        // The endpoints of the service `kubernetes` may not be on loopback, and are not needed here.
        '--endpoint-reconciler-type=none',
        `--etcd-servers=${etcdUrl}`,
        '--service-cluster-ip-range=10.96.0.0/16',
        `--client-ca-file=${files.authority}`,
        `--tls-cert-file=${files.server.certificate}`,
        `--tls-private-key-file=${files.server.key}`,
        '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
        `--service-account-key-file=${files.serviceAccounts}`,
        `--service-account-signing-key-file=${files.serviceAccounts}`,
        '--authorization-mode=RBAC',
        '--allow-privileged=true',
        '--profiling=false',
        // No controller makes the default service account that this plugin demands of every pod.
        ...(options.serviceAccounts ? [] : ['--disable-admission-plugins=ServiceAccount']),
        ...options.more,
      ],
    }),
    probe: async ([port = 0], signal) => {
      const { status, body } = await apiGet(`${url(port)}/readyz`, admin, signal);
      if (status !== 200) throw new Error(`the API server answers ${status}: ${body.slice(0, 500)}`);
    },
  };
}

function controllerManagerKind(
  command: string,
  kubeconfig: string,
  { files, admin }: Secrets,
  controllers: readonly string[],
): ServerKind {
  const url = (port: number): string => `https://127.0.0.1:${port}`;
  return {
    name: 'kube-controller-manager',
    server: { command, args: [], env: GO_ENV, description: 'kube-controller-manager' },
    portCount: 1,
    stopWithin: 10_000,
    uri: url,
    prepare: async (_dir, [port = 0]) => ({
      args: [
        `--kubeconfig=${kubeconfig}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        `--controllers=${controllers.join(',')}`,
        `--tls-cert-file=${files.server.certificate}`,
        `--tls-private-key-file=${files.server.key}`,
        `--root-ca-file=${files.authority}`,
        `--service-account-private-key-file=${files.serviceAccounts}`,
        '--use-service-account-credentials=true',
        '--kube-api-qps=300',
        '--kube-api-burst=600',
        '--leader-elect=false',
        '--profiling=false',
      ],
    }),
    probe: async ([port = 0], signal) => {
      const { status, body } = await apiGet(`${url(port)}/healthz`, admin, signal);
      if (status !== 200) throw new Error(`the controller manager answers ${status}: ${body.slice(0, 500)}`);
    },
  };
}
