import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAtLeast } from '@im/dev-stores';
import { CERTIFICATES, KUBECONFIGS } from './certificates.ts';
import { containerdSocket, LOCAL, runPath, statePath } from './settings.ts';
import { PAUSE_IMAGE } from './system-images.ts';

/** Where Debian's containernetworking-plugins are. */
export const CNI_PLUGINS = '/usr/lib/cni';

export const NODE_CONFIG = {
  containerd: statePath('containerd.toml'),
  kubelet: statePath('kubelet.json'),
  proxy: statePath('proxy.json'),
} as const;

/** Writes what containerd, the CNI plugins, kubelet and kube-proxy read. JSON is YAML. */
export async function writeNodeConfig(containerdVersion: string): Promise<void> {
  const cniDir = statePath('cni', 'net.d');
  await mkdir(cniDir, { recursive: true });
  await Promise.all([
    writeFile(NODE_CONFIG.containerd, containerdConfig(containerdVersion, cniDir)),
    writeFile(statePath('cni', 'net.d', '10-openim.conflist'), json(podNetwork(FIRST, LOCAL.firstPodRange))),
    writeFile(NODE_CONFIG.kubelet, json(kubeletConfig)),
    writeFile(NODE_CONFIG.proxy, json(proxyConfig)),
    // Pods ask the cluster's DNS alone: tests must not depend on what the machine can resolve.
    writeFile(statePath('resolv.conf'), ''),
  ]);
}

/** Where the files of a node are, and what connects its pods. */
export interface NodePlace {
  readonly containerd: { readonly root: string; readonly state: string; readonly socket: string };
  /** Folder of the leases of addresses. */
  readonly leases: string;
  readonly podBridge: string;
}

const FIRST: NodePlace = {
  containerd: { root: statePath('containerd'), state: runPath('containerd'), socket: containerdSocket },
  leases: statePath('cni', 'ipam'),
  podBridge: LOCAL.podBridge,
};

/** Writes what containerd and kubelet of another node read, into a folder. */
export async function writeOtherNodeConfig(
  dir: string,
  containerdVersion: string,
  place: NodePlace,
  kubelet: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { tlsCertFile: _certificate, tlsPrivateKeyFile: _key, ...base } = kubeletConfig;
  const cniDir = join(dir, 'net.d');
  await mkdir(cniDir, { recursive: true });
  await Promise.all([
    writeFile(join(dir, 'containerd.toml'), containerdConfig(containerdVersion, cniDir, place)),
    writeFile(
      join(dir, 'kubelet.json'),
      json({ ...base, containerRuntimeEndpoint: `unix://${place.containerd.socket}`, ...kubelet }),
    ),
  ]);
}

/**
 * Writes what the CNI plugins of another node read; its node is not ready before.
 * @param podRange the node's part of the range of pods, `spec.podCIDR`.
 */
export async function writeOtherPodNetwork(dir: string, place: NodePlace, podRange: string): Promise<void> {
  await writeFile(join(dir, 'net.d', '10-openim.conflist'), json(podNetwork(place, podRange)));
}

/** containerd's configuration has other names for the same things from 2.0 on. */
export function containerdConfig(version: string, cniDir: string, place: NodePlace = FIRST): string {
  const { root, state, socket } = place.containerd;
  const isNew = isAtLeast(version, '2.0.0');
  const runtime = isNew ? 'io.containerd.cri.v1.runtime' : 'io.containerd.grpc.v1.cri';
  const runc = `plugins."${runtime}".containerd.runtimes.runc`;
  return `version = ${isNew ? 3 : 2}
root = "${root}"
state = "${state}"
disabled_plugins = [${['aufs', 'btrfs', 'zfs', 'devmapper'].map((name) => `"io.containerd.snapshotter.v1.${name}"`).join(', ')}]

[grpc]
  address = "${socket}"

[plugins."io.containerd.internal.v1.opt"]
  path = "${join(root, 'opt')}"

[plugins."${runtime}"]
  ${isNew ? '' : `sandbox_image = "${PAUSE_IMAGE}"`}
  restrict_oom_score_adj = true
  disable_apparmor = true

[plugins."${runtime}".cni]
  bin_dir = "${CNI_PLUGINS}"
  conf_dir = "${cniDir}"

[${runc}]
  runtime_type = "io.containerd.runc.v2"

[${runc}.options]
  SystemdCgroup = false
${isNew ? `\n[plugins."io.containerd.cri.v1.images".pinned_images]\n  sandbox = "${PAUSE_IMAGE}"\n` : ''}`;
}

const podNetwork = ({ leases, podBridge }: NodePlace, podRange: string) => ({
  cniVersion: '1.0.0',
  name: 'openim',
  plugins: [
    {
      type: 'bridge',
      bridge: podBridge,
      isGateway: true,
      ipMasq: false,
      hairpinMode: true,
      ipam: {
        type: 'host-local',
        dataDir: leases,
        ranges: [[{ subnet: podRange }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
});

const kubeletConfig = {
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  failCgroupV1: false,
  cgroupDriver: 'cgroupfs',
  containerRuntimeEndpoint: `unix://${containerdSocket}`,
  failSwapOn: false,
  // Lower scores and higher limits need a capability that containers and small virtual machines lack.
  oomScoreAdj: 0,
  maxOpenFiles: 20_000,
  clusterDNS: [LOCAL.dnsService],
  clusterDomain: 'cluster.local',
  resolvConf: statePath('resolv.conf'),
  podLogsDir: statePath('pod-logs'),
  volumePluginDir: statePath('volume-plugins'),
  address: LOCAL.nodeAddress,
  tlsCertFile: CERTIFICATES.kubelet.certificate,
  tlsPrivateKeyFile: CERTIFICATES.kubelet.key,
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: CERTIFICATES.authority.certificate },
  },
  authorization: { mode: 'Webhook' },
  // Images cannot be pulled again and the disk is shared with other work: nothing is collected or evicted for space.
  imageGCHighThresholdPercent: 100,
  imageGCLowThresholdPercent: 99,
  evictionHard: {
    'memory.available': '100Mi',
    'nodefs.available': '1%',
    'nodefs.inodesFree': '1%',
    'imagefs.available': '1%',
    'imagefs.inodesFree': '1%',
  },
  serializeImagePulls: false,
  registryPullQPS: 0,
  syncFrequency: '10s',
  nodeStatusUpdateFrequency: '5s',
};

const proxyConfig = {
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  clientConnection: { kubeconfig: KUBECONFIGS.proxy },
  mode: 'iptables',
  clusterCIDR: LOCAL.podRange,
  hostnameOverride: LOCAL.node,
  oomScoreAdj: 0,
  conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  iptables: { localhostNodePorts: true, minSyncPeriod: '0.1s' },
  bindAddress: LOCAL.nodeAddress,
  metricsBindAddress: '127.0.0.1:10249',
};

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
