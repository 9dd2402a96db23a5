import { access, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { backendsCacheDir, CommandError, findOnPath, holdLock, runCommand } from '@im/dev-stores';
import { whyNoKind } from '../choose-driver.ts';
import type { ClusterDriver } from '../cluster-driver.ts';
import type { ClusterUsers } from '../cluster-users.ts';
import { installProgram } from '../install/go-build.ts';
import { duration, installAll, NEEDED_BY_KIND } from '../install/install-all.ts';
import { programOf } from '../install/programs.ts';

const NAME = 'openim';
const NODE = `${NAME}-control-plane`;
const CONFIG = join(import.meta.dirname, 'cluster.yaml');
const READY = '--timeout=180s';

/**
 * One node of Kubernetes in a container of Docker, by kind. Needs no root beyond what Docker has.
 * `KIND_NODE_IMAGE` and `KIND_CONFIG` name a node image and a configuration other than the usual ones.
 */
export class KindCluster implements ClusterDriver {
  readonly driver = 'kind';
  readonly kubeconfig = join(backendsCacheDir(), 'kind', 'kubeconfig');
  readonly #print: (line: string) => void;
  readonly #users: ClusterUsers;

  constructor(print: (line: string) => void, users: ClusterUsers) {
    this.#print = print;
    this.#users = users;
  }

  /** The node has the kubectl of its Kubernetes version. */
  async kubectlPath(): Promise<string> {
    const own = join(dirname(this.kubeconfig), 'kubectl');
    if (!(await isThere(own))) {
      await mkdir(dirname(own), { recursive: true });
      await runCommand('docker', ['cp', '--follow-link', `${NODE}:/usr/bin/kubectl`, own]);
    }
    return own;
  }

  async helmPath(): Promise<string> {
    return (await findOnPath('helm')) ?? join(await installProgram(programOf('helm')), 'helm');
  }

  async kubectl(...args: readonly string[]): Promise<string> {
    return runCommand(await this.kubectlPath(), ['--kubeconfig', this.kubeconfig, ...args]);
  }

  async isUp(): Promise<boolean> {
    if ((await this.#nodeState()) !== 'running' || !(await isThere(this.kubeconfig))) return false;
    return this.kubectl('get', '--raw', '/readyz', '--request-timeout=5s').then(
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
    const obstacle = await whyNoKind();
    if (obstacle !== undefined) throw new Error(`kind cannot be used here: ${obstacle}`);
    if ((await findOnPath('kind')) === undefined) await installAll(NEEDED_BY_KIND, this.#print);
    await using _lock = await this.#lock();
    const startedAt = performance.now();
    const before = await this.#nodeState();
    switch (before) {
      case undefined:
        await this.#create();
        break;
      case 'running':
        if (!(await isThere(this.kubeconfig))) await this.#writeKubeconfig();
        break;
      default:
        this.#print(`starting the container ${NODE}`);
        await runCommand('docker', ['start', NODE]);
        // Docker may have chosen another port for the API server.
        await this.#writeKubeconfig();
    }
    await this.#untilUsable();
    const wasUp = before === 'running';
    this.#print(
      wasUp
        ? 'the cluster is up already'
        : `the cluster is up after ${duration(performance.now() - startedAt)}`,
    );
    return !wasUp;
  }

  async down(options: { wipe?: boolean } = {}): Promise<void> {
    await using _lock = await this.#lock();
    const state = await this.#nodeState();
    if (options.wipe) {
      if (state !== undefined) await this.#kind('delete', 'cluster', '--name', NAME);
      await rm(dirname(this.kubeconfig), { recursive: true, force: true });
    } else if (state === 'running') {
      await runCommand('docker', ['stop', NODE]);
    }
    this.#print(options.wipe ? 'the cluster is down, its data are removed' : 'the cluster is down');
  }

  async loadImage(tarball: string): Promise<void> {
    await this.#kind('load', 'image-archive', tarball, '--name', NAME);
  }

  async nodePortAddress(nodePort: number): Promise<{ host: string; port: number }> {
    if (process.platform !== 'linux') {
      throw new Error(
        `NodePort ${nodePort} is not reachable from ${process.platform}: use kubectl port-forward`,
      );
    }
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}';
    const [host] = (await runCommand('docker', ['inspect', '--format', format, NODE])).trim().split(' ');
    if (host === undefined || host === '') throw new Error(`the container ${NODE} has no address`);
    return { host, port: nodePort };
  }

  async collectLogs(): Promise<string> {
    const dir = join(dirname(this.kubeconfig), 'logs');
    await this.#kind('export', 'logs', dir, '--name', NAME);
    return dir;
  }

  async #create(): Promise<void> {
    const image = process.env.KIND_NODE_IMAGE;
    this.#print(
      `creating the kind cluster ${NAME} (${image ?? "kind's node image, which Docker pulls the first time, ~1 GB"})`,
    );
    const config = process.env.KIND_CONFIG ?? CONFIG;
    try {
      await this.#kind(
        'create',
        'cluster',
        `--name=${NAME}`,
        `--kubeconfig=${this.kubeconfig}`,
        `--config=${config}`,
        ...(image === undefined ? [] : [`--image=${image}`]),
      );
    } catch (error) {
      // A node that did not come up is of no use to the next attempt.
      await this.#kind('delete', 'cluster', '--name', NAME).catch(() => undefined);
      if (error instanceof CommandError && /failed to pull image/.test(error.message)) {
        throw new Error(
          `Docker cannot pull kind's node image; set KIND_NODE_IMAGE to one that it has, or on a throw-away machine use CLUSTER=local\n${error.message}`,
          { cause: error },
        );
      }
      throw error;
    }
  }

  async #writeKubeconfig(): Promise<void> {
    await this.#kind('export', 'kubeconfig', '--name', NAME, '--kubeconfig', this.kubeconfig);
  }

  async #untilUsable(): Promise<void> {
    await this.kubectl('wait', `node/${NODE}`, '--for=condition=Ready', READY);
    await this.kubectl('-n', 'kube-system', 'rollout', 'status', 'deployment/coredns', READY);
  }

  async #kind(...args: readonly string[]): Promise<string> {
    const command = (await findOnPath('kind')) ?? join(await installProgram(programOf('kind')), 'kind');
    return runCommand(command, args);
  }

  /** Docker's word for the state of the node's container; undefined when there is none. */
  async #nodeState(): Promise<string | undefined> {
    try {
      return (await runCommand('docker', ['inspect', '--format', '{{.State.Status}}', NODE])).trim();
    } catch (error) {
      if (error instanceof CommandError && /no such (?:object|container)/i.test(error.message))
        return undefined;
      throw error;
    }
  }

  async #lock() {
    let reported = false;
    return holdLock('kind Kubernetes cluster', {
      onWait: (holder) => {
        if (!reported) this.#print(`waiting for process ${holder}, which brings the cluster up or down`);
        reported = true;
      },
    });
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
