import { Resolver } from 'node:dns/promises';
import { access, mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findOnPath, holdLock, runCommand, versionIn } from '@im/dev-stores';
import { whyNotANode } from '../choose-driver.ts';
import type { ClusterDriver } from '../cluster-driver.ts';
import type { ClusterUsers } from '../cluster-users.ts';
import { apiGet } from '../control-plane/api-request.ts';
import { credentialsOf } from '../control-plane/kubeconfig.ts';
import { installProgram } from '../install/go-build.ts';
import { duration, installAll, NEEDED_BY_LOCAL } from '../install/install-all.ts';
import { programOf } from '../install/programs.ts';
import { ensureCertificates, KUBECONFIGS } from './certificates.ts';
import { type ComponentName, componentsOf, etcdUrl, STOP_ORDER } from './components.ts';
import {
  ctr,
  importImage,
  killRemainingContainers,
  loadedImages,
  removeAllContainers,
  removeContainerRemains,
  removeNodeRemains,
} from './containers.ts';
import { Daemons } from './daemons.ts';
import { changeHostSettings, restoreHostSettings } from './host-settings.ts';
import { writeNodeConfig } from './node-config.ts';
import { removePacketFilterRules } from './packet-filter.ts';
import { stopSecondNode } from './second-node.ts';
import { adminKubeconfig, apiUrl, LOCAL, logsDir, runPath, statePath } from './settings.ts';
import { SYSTEM_IMAGES, writeSystemImages } from './system-images.ts';

const MANIFESTS = join(import.meta.dirname, 'manifests');
const COMPONENT_READY_MS = 90_000;
/** What the cluster needs of itself before pods of others can run, and how long kubectl waits for each. */
const PODS_READY = '--timeout=120s';

/** One node of real Kubernetes made of programs of this machine. Needs root; for disposable machines. */
export class LocalCluster implements ClusterDriver {
  readonly driver = 'local';
  readonly kubeconfig = adminKubeconfig;
  readonly #print: (line: string) => void;
  readonly #users: ClusterUsers;
  readonly #daemons = new Daemons({ pids: statePath('pids'), logs: logsDir });

  constructor(print: (line: string) => void, users: ClusterUsers) {
    this.#print = print;
    this.#users = users;
  }

  async kubectlPath(): Promise<string> {
    return join(await installProgram(programOf('kubernetes')), 'kubectl');
  }

  async helmPath(): Promise<string> {
    return join(await installProgram(programOf('helm')), 'helm');
  }

  async kubectl(...args: readonly string[]): Promise<string> {
    return runCommand(await this.kubectlPath(), ['--kubeconfig', this.kubeconfig, ...args]);
  }

  async isUp(): Promise<boolean> {
    for (const name of STOP_ORDER.flat()) if (!(await this.#daemons.isRunning(name))) return false;
    return this.#apiIsReady().then(
      () => true,
      () => false,
    );
  }

  async up(): Promise<boolean> {
    const wasDown = await this.bringUp();
    await this.#users.keep();
    return wasDown;
  }

  async bringUp(): Promise<boolean> {
    refuseWhereItCannotRun();
    await installAll(NEEDED_BY_LOCAL, this.#print);
    await using _lock = await this.#lock();
    const startedAt = performance.now();
    const done = (what: string): void =>
      this.#print(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${what}`);
    const wasUp = await this.isUp();
    const components = componentsOf({
      kubernetes: await installProgram(programOf('kubernetes')),
      etcd: await installProgram(programOf('etcd')),
      containerd: await required('containerd'),
    });
    const start = async (...names: readonly ComponentName[]): Promise<void> => {
      for (const name of names) await this.#daemons.start(components[name]);
    };

    await mkdir(runPath(), { recursive: true });
    await mkdir(statePath('volumes'), { recursive: true });
    await ensureCertificates();
    await changeHostSettings();
    await writeNodeConfig(versionIn(await runCommand(await required('containerd'), ['--version'])) ?? '0');

    await start('etcd', 'containerd');
    await this.#daemons.untilReady('etcd', COMPONENT_READY_MS, async () => {
      const answer = await fetch(`${etcdUrl}/health`, { signal: AbortSignal.timeout(2_000) });
      if (!answer.ok) throw new Error(`etcd answers ${answer.status}`);
    });
    await start('kube-apiserver');
    await this.#daemons.untilReady('containerd', COMPONENT_READY_MS, () => ctr('version'));
    await this.#importSystemImages();
    done('containerd runs and has the images of the system');
    await this.#daemons.untilReady('kube-apiserver', COMPONENT_READY_MS, () => this.#apiIsReady());
    done('API server ready');
    await start('kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy');
    await this.#applyManifests();
    await this.#untilUsable(done);
    this.#print(
      wasUp
        ? 'the cluster is up already'
        : `the cluster is up after ${duration(performance.now() - startedAt)}`,
    );
    return !wasUp;
  }

  async down(options: { wipe?: boolean } = {}): Promise<void> {
    refuseWhereItCannotRun();
    await using _lock = await this.#lock();
    const [node = [], runtime = [], store = []] = STOP_ORDER;
    await stopSecondNode();
    await this.#daemons.stop(node);
    if (await this.#daemons.isRunning('containerd')) await removeAllContainers();
    await this.#daemons.stop(runtime);
    await this.#daemons.stop(store);
    if (await isThere(statePath())) {
      await killRemainingContainers();
      await removeContainerRemains();
      await removePacketFilterRules();
      await restoreHostSettings();
      await removeNodeRemains();
    }
    await rm(runPath(), { recursive: true, force: true });
    if (options.wipe) await wipeState();
    this.#print(options.wipe ? 'the cluster is down, its data are removed' : 'the cluster is down');
  }

  async loadImage(tarball: string): Promise<void> {
    await importImage(tarball);
  }

  async collectLogs(): Promise<string> {
    return logsDir;
  }

  async nodePortAddress(nodePort: number): Promise<{ host: string; port: number }> {
    return { host: '127.0.0.1', port: nodePort };
  }

  async #lock() {
    let reported = false;
    return holdLock('local Kubernetes cluster', {
      onWait: (holder) => {
        if (!reported) this.#print(`waiting for process ${holder}, which brings the cluster up or down`);
        reported = true;
      },
    });
  }

  async #apiIsReady(): Promise<void> {
    await this.#get('/readyz');
  }

  async #nodeIsReady(): Promise<void> {
    const { status } = JSON.parse(await this.#get(`/api/v1/nodes/${LOCAL.node}`)) as {
      status?: { conditions?: { type: string; status: string; message?: string }[] };
    };
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    if (ready?.status !== 'True') throw new Error(ready?.message ?? 'the node has not registered');
  }

  async #get(path: string): Promise<string> {
    const credentials = credentialsOf(await readFile(KUBECONFIGS.admin, 'utf8'));
    const { status, body } = await apiGet(`${apiUrl}${path}`, credentials, AbortSignal.timeout(2_000));
    if (status !== 200) throw new Error(`the API server answers ${status}: ${body.slice(0, 300)}`);
    return body;
  }

  async #importSystemImages(): Promise<void> {
    for (const tarball of await writeSystemImages(statePath('images'), await loadedImages())) {
      await importImage(tarball);
      await rm(tarball);
    }
  }

  async #applyManifests(): Promise<void> {
    const values: Readonly<Record<string, string>> = {
      COREDNS_IMAGE: SYSTEM_IMAGES.coredns,
      PROVISIONER_IMAGE: SYSTEM_IMAGES['local-path-provisioner'],
      VOLUME_HELPER_IMAGE: SYSTEM_IMAGES['volume-helper'],
      DNS_ADDRESS: LOCAL.dnsService,
      STORAGE_CLASS: LOCAL.storageClass,
      VOLUMES_DIR: statePath('volumes'),
    };
    const rendered = statePath('manifests.yaml');
    const texts = await Promise.all(
      ['dns.yaml', 'storage.yaml'].map((file) => readFile(join(MANIFESTS, file), 'utf8')),
    );
    await writeFile(rendered, renderManifests(texts.join('---\n'), values));
    await this.kubectl('apply', '-f', rendered);
  }

  async #untilUsable(done: (what: string) => void): Promise<void> {
    await this.#daemons.untilReady('kubelet', COMPONENT_READY_MS, () => this.#nodeIsReady());
    done('node ready');
    for (const name of ['coredns', 'local-path-provisioner']) {
      await this.kubectl('-n', 'kube-system', 'rollout', 'status', `deployment/${name}`, PODS_READY);
      done(`${name} ready`);
    }
    // The rules that lead to a ready pod follow it.
    await this.#daemons.untilReady('kube-proxy', COMPONENT_READY_MS, () => resolveApiService());
    done('names of services resolve');
  }
}

async function resolveApiService(): Promise<void> {
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers([LOCAL.dnsService]);
  await resolver.resolve4('kubernetes.default.svc.cluster.local');
}

/** Puts values in for `@NAME@`. Throws for a name without a value. */
export function renderManifests(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/@([A-Z_]+)@/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`the manifests want a value for ${name}`);
    return value;
  });
}

function refuseWhereItCannotRun(): void {
  const obstacle = whyNotANode();
  if (obstacle !== undefined) throw new Error(`the local cluster cannot run here: ${obstacle}`);
}

/** The folder may be a separate disk, which stays. */
async function wipeState(): Promise<void> {
  const names = await readdir(statePath()).catch(() => []);
  for (const name of names) await rm(statePath(name), { recursive: true, force: true });
  await rmdir(statePath()).catch(() => undefined);
}

async function required(command: string): Promise<string> {
  const path = await findOnPath(command);
  if (path === undefined) throw new Error(`${command} is not on PATH`);
  return path;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
