import { join } from 'node:path';
import { CERTIFICATES, KUBECONFIGS } from './certificates.ts';
import type { DaemonSpec } from './daemons.ts';
import { NODE_CONFIG } from './node-config.ts';
import { LOCAL, statePath } from './settings.ts';

/** Folders of the programs that a cluster is made of. */
export interface Programs {
  readonly kubernetes: string;
  readonly etcd: string;
  /** Absolute path of containerd. */
  readonly containerd: string;
}

export type ComponentName =
  | 'etcd'
  | 'containerd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubelet'
  | 'kube-proxy';

/** The order in which they are stopped; components in one group are stopped together. */
export const STOP_ORDER: readonly (readonly ComponentName[])[] = [
  ['kubelet', 'kube-proxy', 'kube-controller-manager', 'kube-scheduler'],
  ['containerd', 'kube-apiserver'],
  ['etcd'],
];

export const etcdUrl = `http://127.0.0.1:${LOCAL.etcdPort}`;
const etcdPeerUrl = `http://127.0.0.1:${LOCAL.etcdPeerPort}`;

/** Command lines of everything that runs on the node outside of pods. */
export function componentsOf(programs: Programs): Readonly<Record<ComponentName, DaemonSpec>> {
  const kubernetes = (name: ComponentName, args: readonly string[]): DaemonSpec => ({
    name,
    command: join(programs.kubernetes, name),
    args,
  });
  return {
    etcd: {
      name: 'etcd',
      command: join(programs.etcd, 'etcd'),
      args: [
        `--name=${LOCAL.node}`,
        `--data-dir=${statePath('etcd')}`,
        `--listen-client-urls=${etcdUrl}`,
        `--advertise-client-urls=${etcdUrl}`,
        `--listen-peer-urls=${etcdPeerUrl}`,
        `--initial-advertise-peer-urls=${etcdPeerUrl}`,
        `--initial-cluster=${LOCAL.node}=${etcdPeerUrl}`,
        // A test cluster need not survive a power cut, and every object written would wait for the disk.
        '--unsafe-no-fsync',
        '--log-level=warn',
      ],
    },
    containerd: {
      name: 'containerd',
      command: programs.containerd,
      args: [`--config=${NODE_CONFIG.containerd}`, '--log-level=warn'],
    },
    'kube-apiserver': kubernetes('kube-apiserver', [
      `--advertise-address=${LOCAL.nodeAddress}`,
      '--bind-address=0.0.0.0',
      `--secure-port=${LOCAL.apiPort}`,
      `--etcd-servers=${etcdUrl}`,
      `--service-cluster-ip-range=${LOCAL.serviceRange}`,
      `--client-ca-file=${CERTIFICATES.authority.certificate}`,
      `--tls-cert-file=${CERTIFICATES.apiServer.certificate}`,
      `--tls-private-key-file=${CERTIFICATES.apiServer.key}`,
      `--kubelet-client-certificate=${CERTIFICATES.apiServerToKubelet.certificate}`,
      `--kubelet-client-key=${CERTIFICATES.apiServerToKubelet.key}`,
      `--kubelet-certificate-authority=${CERTIFICATES.authority.certificate}`,
      '--kubelet-preferred-address-types=InternalIP',
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${CERTIFICATES.serviceAccounts}`,
      `--service-account-signing-key-file=${CERTIFICATES.serviceAccounts}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--allow-privileged=true',
      `--requestheader-client-ca-file=${CERTIFICATES.frontProxyAuthority.certificate}`,
      '--requestheader-allowed-names=front-proxy-client',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-username-headers=X-Remote-User',
      `--proxy-client-cert-file=${CERTIFICATES.frontProxyClient.certificate}`,
      `--proxy-client-key-file=${CERTIFICATES.frontProxyClient.key}`,
      '--enable-aggregator-routing=true',
      '--profiling=false',
    ]),
    'kube-controller-manager': kubernetes('kube-controller-manager', [
      ...kubeconfigFlags(KUBECONFIGS.controllerManager),
      `--requestheader-client-ca-file=${CERTIFICATES.frontProxyAuthority.certificate}`,
      `--client-ca-file=${CERTIFICATES.authority.certificate}`,
      `--root-ca-file=${CERTIFICATES.authority.certificate}`,
      `--service-account-private-key-file=${CERTIFICATES.serviceAccounts}`,
      '--use-service-account-credentials=true',
      `--cluster-signing-cert-file=${CERTIFICATES.authority.certificate}`,
      `--cluster-signing-key-file=${CERTIFICATES.authority.key}`,
      '--allocate-node-cidrs=true',
      `--cluster-cidr=${LOCAL.podRange}`,
      '--node-cidr-mask-size=24',
      `--service-cluster-ip-range=${LOCAL.serviceRange}`,
      '--kube-api-qps=300',
      '--kube-api-burst=600',
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
      '--horizontal-pod-autoscaler-sync-period=5s',
      '--horizontal-pod-autoscaler-downscale-stabilization=10s',
      '--profiling=false',
    ]),
    'kube-scheduler': kubernetes('kube-scheduler', [
      ...kubeconfigFlags(KUBECONFIGS.scheduler),
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
      '--profiling=false',
    ]),
    kubelet: kubernetes('kubelet', [
      `--config=${NODE_CONFIG.kubelet}`,
      `--kubeconfig=${KUBECONFIGS.kubelet}`,
      `--hostname-override=${LOCAL.node}`,
      `--node-ip=${LOCAL.nodeAddress}`,
      `--root-dir=${statePath('kubelet')}`,
      `--cert-dir=${statePath('kubelet-certificates')}`,
    ]),
    'kube-proxy': kubernetes('kube-proxy', [`--config=${NODE_CONFIG.proxy}`]),
  };
}

function kubeconfigFlags(path: string): string[] {
  return ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
    (flag) => `--${flag}=${path}`,
  );
}
