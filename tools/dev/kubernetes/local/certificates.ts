import { generateKeyPairSync } from 'node:crypto';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { CertificateAuthority, type KeyPair, type Subject } from '@im/dev-stores';
import type { ApiCredentials } from '../control-plane/api-request.ts';
import { kubeconfigOf } from '../control-plane/kubeconfig.ts';
import { adminKubeconfig, apiUrl, LOCAL, statePath } from './settings.ts';

/** Files that the node's programs read. */
export const CERTIFICATES = {
  authority: pairPaths('ca'),
  frontProxyAuthority: pairPaths('front-proxy-ca'),
  frontProxyClient: pairPaths('front-proxy-client'),
  apiServer: pairPaths('apiserver'),
  apiServerToKubelet: pairPaths('apiserver-kubelet-client'),
  kubelet: pairPaths('kubelet'),
  serviceAccounts: statePath('pki', 'service-accounts.key'),
} as const;

/** Kubeconfigs of the node's programs and of the administrator. */
export const KUBECONFIGS = {
  admin: adminKubeconfig,
  controllerManager: statePath('controller-manager.kubeconfig'),
  scheduler: statePath('scheduler.kubeconfig'),
  proxy: statePath('proxy.kubeconfig'),
  kubelet: statePath('kubelet.kubeconfig'),
} as const;

const USERS: Readonly<Record<keyof typeof KUBECONFIGS, Subject>> = {
  admin: { commonName: 'admin', organizations: ['system:masters'] },
  controllerManager: { commonName: 'system:kube-controller-manager' },
  scheduler: { commonName: 'system:kube-scheduler' },
  proxy: { commonName: 'system:kube-proxy' },
  kubelet: { commonName: `system:node:${LOCAL.node}`, organizations: ['system:nodes'] },
};

const WHOLE = statePath('pki', 'whole');

/** Makes every certificate and kubeconfig, once per life of the cluster. */
export async function ensureCertificates(): Promise<void> {
  if (await access(WHOLE).then(ok, no)) return;
  await mkdir(statePath('pki'), { recursive: true, mode: 0o700 });
  const authority = CertificateAuthority.create('kubernetes-ca');
  const frontProxy = CertificateAuthority.create('front-proxy-ca');
  const serviceAccounts = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  await Promise.all([
    writePair(CERTIFICATES.authority, authority),
    writePair(CERTIFICATES.frontProxyAuthority, frontProxy),
    writePair(
      CERTIFICATES.frontProxyClient,
      frontProxy.issue({ commonName: 'front-proxy-client', usage: 'client' }),
    ),
    writePair(
      CERTIFICATES.apiServer,
      authority.issue({
        commonName: 'kube-apiserver',
        usage: 'server',
        hosts: [
          'kubernetes',
          'kubernetes.default',
          'kubernetes.default.svc',
          'kubernetes.default.svc.cluster.local',
          'localhost',
          LOCAL.node,
          '127.0.0.1',
          LOCAL.apiService,
          LOCAL.nodeAddress,
        ],
      }),
    ),
    writePair(
      CERTIFICATES.apiServerToKubelet,
      authority.issue({
        commonName: 'kube-apiserver-kubelet-client',
        organizations: ['system:masters'],
        usage: 'client',
      }),
    ),
    writePair(
      CERTIFICATES.kubelet,
      authority.issue({
        commonName: `system:node:${LOCAL.node}`,
        organizations: ['system:nodes'],
        usage: 'server',
        hosts: [LOCAL.node, LOCAL.nodeAddress, '127.0.0.1'],
      }),
    ),
    writePrivate(
      CERTIFICATES.serviceAccounts,
      serviceAccounts.export({ type: 'pkcs1', format: 'pem' }).toString(),
    ),
    ...Object.entries(KUBECONFIGS).map(([name, path]) => {
      const subject = USERS[name as keyof typeof KUBECONFIGS];
      const { certificate, key } = authority.issue({ ...subject, usage: 'client' });
      const credentials: ApiCredentials = {
        certificateAuthority: authority.certificate,
        certificate,
        key,
      };
      return writePrivate(path, kubeconfigOf('openim-local', apiUrl, credentials));
    }),
  ]);
  await writeFile(WHOLE, '');
}

function pairPaths(name: string): { certificate: string; key: string } {
  return { certificate: statePath('pki', `${name}.crt`), key: statePath('pki', `${name}.key`) };
}

async function writePair(paths: { certificate: string; key: string }, pair: KeyPair): Promise<void> {
  await Promise.all([writePrivate(paths.certificate, pair.certificate), writePrivate(paths.key, pair.key)]);
}

function writePrivate(path: string, text: string): Promise<void> {
  return writeFile(path, text, { mode: 0o600 });
}

const ok = (): boolean => true;
const no = (): boolean => false;
