import { join } from 'node:path';

/**
 * Addresses and folders of the local cluster. There is one per machine: it changes the machine's network settings.
 */
export const LOCAL = {
  /** Everything that a stopped cluster keeps: etcd's data, images, volumes, certificates; and the logs. */
  state: '/var/lib/openim-kubernetes',
  /** Sockets, whose paths must be short. */
  run: '/run/openim-kubernetes',
  node: 'local',
  /** A bridge that carries the node's address: neither a node nor an API server may be on loopback. */
  bridge: 'openim0',
  nodeAddress: '10.250.0.1',
  /** A second node, which tests start. */
  secondNode: 'second',
  secondNodeAddress: '10.250.0.2',
  podBridge: 'openim-pods',
  /** Of the second node: a bridge has one address, and each node has a separate range. */
  secondPodBridge: 'openim-pods-2',
  /** Of all pods; the controller manager gives each node a part of it. */
  podRange: '10.244.0.0/16',
  /** The part of the first node, which is always the first to ask. */
  firstPodRange: '10.244.0.0/24',
  serviceRange: '10.96.0.0/16',
  apiService: '10.96.0.1',
  dnsService: '10.96.0.10',
  apiPort: 26_443,
  etcdPort: 23_790,
  etcdPeerPort: 23_791,
  storageClass: 'local-path',
} as const;

export const statePath = (...parts: readonly string[]): string => join(LOCAL.state, ...parts);
export const runPath = (...parts: readonly string[]): string => join(LOCAL.run, ...parts);

export const containerdSocket = runPath('containerd.sock');
export const adminKubeconfig = statePath('admin.kubeconfig');
export const logsDir = statePath('logs');
export const apiUrl = `https://127.0.0.1:${LOCAL.apiPort}`;
