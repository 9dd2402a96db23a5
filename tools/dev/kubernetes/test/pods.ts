import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubernetesCluster } from '../index.ts';

/** A Kubernetes object as it is applied. */
export type Manifest = { readonly apiVersion: string; readonly kind: string } & Readonly<
  Record<string, unknown>
>;

export interface StorePod {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly port: number;
  /** Where its volume is. */
  readonly dataDir: string;
  /** Files by absolute path; those of one folder become one ConfigMap. */
  readonly files?: { readonly dir: string; readonly contents: Readonly<Record<string, string>> };
  readonly env?: Readonly<Record<string, string>>;
}

/** A StatefulSet of one pod as strict as pod security allows, with a volume and a NodePort service. */
export function storeManifests(pod: StorePod): Manifest[] {
  const labels = { app: pod.name };
  const config = `${pod.name}-files`;
  return [
    ...(pod.files
      ? [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: config }, stringData: pod.files.contents }]
      : []),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: pod.name },
      spec: { type: 'NodePort', selector: labels, ports: [{ port: pod.port }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: pod.name },
      spec: {
        serviceName: pod.name,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            automountServiceAccountToken: false,
            terminationGracePeriodSeconds: 60,
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 65532,
              runAsGroup: 65532,
              fsGroup: 65532,
              seccompProfile: { type: 'RuntimeDefault' },
            },
            containers: [
              {
                name: 'store',
                image: pod.image,
                imagePullPolicy: 'IfNotPresent',
                command: pod.command,
                env: Object.entries(pod.env ?? {}).map(([name, value]) => ({ name, value })),
                ports: [{ containerPort: pod.port }],
                readinessProbe: { tcpSocket: { port: pod.port }, periodSeconds: 1 },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ['ALL'] },
                },
                volumeMounts: [
                  { name: 'data', mountPath: pod.dataDir },
                  { name: 'tmp', mountPath: '/tmp' },
                  ...(pod.files ? [{ name: 'files', mountPath: pod.files.dir, readOnly: true }] : []),
                ],
              },
            ],
            volumes: [
              { name: 'tmp', emptyDir: {} },
              ...(pod.files ? [{ name: 'files', secret: { secretName: config } }] : []),
            ],
          },
        },
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        ],
      },
    },
  ];
}

/** A namespace that refuses pods less strict than Restricted. */
export function restrictedNamespace(name: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  };
}

export async function apply(
  cluster: KubernetesCluster,
  namespace: string,
  items: readonly Manifest[],
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'openim-manifests-'));
  try {
    const file = join(dir, 'list.json');
    await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    await cluster.kubectl('-n', namespace, 'apply', '-f', file);
  } finally {
    await rm(dir, { recursive: true });
  }
}
