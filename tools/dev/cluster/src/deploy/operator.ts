import { join } from 'node:path';
import type { KubernetesCluster } from '@im/dev-kubernetes';
import { runCommand } from '@im/dev-stores';

const ROOT = new URL('../../../../../', import.meta.url).pathname;

/** Where the operator of `make up` and of tests lives; both use the same one. */
export const OPERATOR = {
  release: 'openim-operator',
  namespace: 'openim-system',
  lease: 'openim-operator',
} as const;

/**
 * Installs or upgrades the custom resources and the operator, and waits until its pods are ready. Custom
 * resources are applied, because Helm installs them once and never upgrades them.
 */
export async function installOperator(cluster: KubernetesCluster, image: string): Promise<void> {
  await cluster.kubectl(
    'apply',
    '--server-side',
    '--force-conflicts',
    '--field-manager=openim-install',
    '-f',
    join(ROOT, 'crds'),
  );
  await cluster.kubectl(
    'wait',
    '--for=condition=Established',
    'crd',
    '-lapp.kubernetes.io/part-of=openim',
    '--timeout=30s',
  );
  const colon = image.lastIndexOf(':');
  await runCommand(await cluster.helmPath(), [
    'upgrade',
    '--install',
    OPERATOR.release,
    join(ROOT, 'charts/openim-operator'),
    `--kubeconfig=${cluster.kubeconfig}`,
    `--namespace=${OPERATOR.namespace}`,
    '--create-namespace',
    '--skip-crds',
    `--set-string=image.repository=${image.slice(0, colon)}`,
    `--set-string=image.tag=${image.slice(colon + 1)}`,
    '--wait',
    '--timeout=180s',
  ]);
}
