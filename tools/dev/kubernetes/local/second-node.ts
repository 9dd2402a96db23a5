import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, findOnPath, runCommand, versionIn } from '@im/dev-stores';
import { installProgram } from '../install/go-build.ts';
import { programOf } from '../install/programs.ts';
import { ctr, ctrAt, removeAllContainers, unmountBelow } from './containers.ts';
import { Daemons } from './daemons.ts';
import { type NodePlace, writeOtherNodeConfig, writeOtherPodNetwork } from './node-config.ts';
import { adminKubeconfig, LOCAL, logsDir, runPath, statePath } from './settings.ts';
import { PAUSE_IMAGE } from './system-images.ts';

/** A second node of the local cluster, for tests that drain one. */
export interface SecondNode extends AsyncDisposable {
  readonly name: string;
}

/** The taint of the second node: only pods that tolerate it come there. */
export const SECOND_NODE_TAINT = { key: 'openim.test/second-node', effect: 'NoSchedule' } as const;

const CONTAINERD = 'containerd-second';
const KUBELET = 'kubelet-second';
const STATE = statePath('second');
const RUN = runPath('second');
const SOCKET = join(RUN, 'containerd.sock');
const PLACE: NodePlace = {
  containerd: { root: join(STATE, 'containerd'), state: join(RUN, 'containerd'), socket: SOCKET },
  leases: join(STATE, 'ipam'),
  podBridge: LOCAL.secondPodBridge,
};
const READY_MS = 90_000;
/** Time for pods of the node to end before their containers are killed. */
const EMPTY_MS = 60_000;

const daemons = new Daemons({ pids: statePath('pids'), logs: logsDir });
const address = `${LOCAL.secondNodeAddress}/24`;

/**
 * Starts a second containerd and kubelet on this machine, as a node of the local cluster, which must be up. It shares the
 * network and kube-proxy of the first node: a loss of the network between nodes cannot be shown with it. The API server
 * cannot read logs from it.
 * @param kubectl runs kubectl as administrator. @param images that its pods need, which the first node has.
 */
export async function startSecondNode(
  kubectl: (...args: readonly string[]) => Promise<string>,
  images: readonly string[],
): Promise<SecondNode> {
  await stopSecondNode();
  const containerd = await findOnPath('containerd');
  if (containerd === undefined) throw new Error('containerd is not on PATH');
  const kubernetes = await installProgram(programOf('kubernetes'));
  const version = versionIn(await runCommand(containerd, ['--version'])) ?? '0';
  const { key, effect } = SECOND_NODE_TAINT;
  await writeOtherNodeConfig(STATE, version, PLACE, {
    address: LOCAL.secondNodeAddress,
    healthzPort: 0,
    podLogsDir: join(STATE, 'pod-logs'),
    volumePluginDir: join(STATE, 'volume-plugins'),
    registerWithTaints: [{ key, effect }],
    // Each kubelet removes control groups of pods that it does not know.
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
  });
  const remove = async (): Promise<void> => {
    await emptied(kubectl);
    await stopSecondNode();
    await kubectl('delete', 'node', LOCAL.secondNode, '--ignore-not-found', '--wait=false');
  };
  try {
    await runCommand('ip', ['addr', 'replace', address, 'dev', LOCAL.bridge]);
    await daemons.start({
      name: CONTAINERD,
      command: containerd,
      args: [`--config=${join(STATE, 'containerd.toml')}`, '--log-level=warn'],
    });
    await daemons.untilReady(CONTAINERD, READY_MS, () => ctrAt(SOCKET, 'version'));
    const tarball = join(STATE, 'images.tar');
    await ctr('images', 'export', tarball, PAUSE_IMAGE, ...images);
    await ctrAt(SOCKET, 'images', 'import', tarball);
    await rm(tarball);
    await daemons.start({
      name: KUBELET,
      command: join(kubernetes, 'kubelet'),
      args: [
        `--config=${join(STATE, 'kubelet.json')}`,
        // A cluster that is up has no kubeconfig for it.
        `--kubeconfig=${adminKubeconfig}`,
        `--hostname-override=${LOCAL.secondNode}`,
        `--node-ip=${LOCAL.secondNodeAddress}`,
        `--root-dir=${join(STATE, 'kubelet')}`,
        `--cert-dir=${join(STATE, 'kubelet-certificates')}`,
      ],
    });
    await daemons.untilReady(KUBELET, READY_MS, async () => {
      const podRange = await kubectl('get', 'node', LOCAL.secondNode, '-o', 'jsonpath={.spec.podCIDR}');
      if (podRange === '') throw new Error('the node has no range of pods');
      await writeOtherPodNetwork(STATE, PLACE, podRange);
    });
    await daemons.untilReady(KUBELET, READY_MS, () =>
      kubectl('wait', `node/${LOCAL.secondNode}`, '--for=condition=Ready', '--timeout=1s'),
    );
  } catch (error) {
    await remove();
    throw error;
  }
  return { name: LOCAL.secondNode, [Symbol.asyncDispose]: remove };
}

/** Stops what runs of the second node and removes its files; does nothing when there is none. */
export async function stopSecondNode(): Promise<void> {
  await daemons.stop([KUBELET]);
  if (await daemons.isRunning(CONTAINERD)) await removeAllContainers(SOCKET);
  await daemons.stop([CONTAINERD]);
  await unmountBelow(STATE, RUN);
  for (const dir of [STATE, RUN]) await rm(dir, { recursive: true, force: true });
  // The bridges may be gone already.
  for (const removal of [
    ['link', 'del', LOCAL.secondPodBridge],
    ['addr', 'del', address, 'dev', LOCAL.bridge],
  ]) {
    await runCommand('ip', removal).catch((error: Error) => {
      if (!(error instanceof CommandError)) throw error;
    });
  }
}

/** Deletes the pods of the node while its kubelet can still release their networks and volumes. */
async function emptied(kubectl: (...args: readonly string[]) => Promise<string>): Promise<void> {
  const ofNode = ['-A', `--field-selector=spec.nodeName=${LOCAL.secondNode}`];
  await kubectl('cordon', LOCAL.secondNode).catch(() => '');
  await kubectl('delete', 'pods', ...ofNode, '--wait=false', '--grace-period=5').catch(() => '');
  for (const deadline = performance.now() + EMPTY_MS; performance.now() < deadline; await sleep(250)) {
    if ((await kubectl('get', 'pods', ...ofNode, '-o', 'name').catch(() => '')).trim() === '') return;
  }
}
