import type { AdminAccess, Endpoint } from '@im/client';
import type { KubernetesCluster } from '@im/dev-kubernetes';
import { type KubeClient, SECRET, SERVICE } from '@im/kube';
import { getExisting, type OpenIMCluster } from './resources.ts';

/** A service that clients can use. */
export interface Reached {
  readonly endpoint: Endpoint;
  /** Of the default tenant. */
  readonly access: AdminAccess;
}

/** How this machine reaches a cluster whose Services have node ports, and the admin secret of its default tenant. */
export async function reach(
  kubernetes: KubernetesCluster,
  api: KubeClient,
  cluster: OpenIMCluster,
): Promise<Reached> {
  const { name, namespace = '' } = cluster.metadata;
  const address = async (component: string): Promise<string> => {
    const service = await getExisting(api, SERVICE, { namespace, name: `${name}-${component}` });
    const nodePort = service.spec?.ports?.[0]?.nodePort;
    if (nodePort === undefined)
      throw new Error(`the Service ${namespace}/${name}-${component} has no node port`);
    const { host, port } = await kubernetes.nodePortAddress(nodePort);
    return `${host}:${port}`;
  };
  const secret = cluster.status?.endpoints?.adminSecretRef?.name ?? `${name}-admin`;
  return {
    endpoint: { api: `http://${await address('api')}`, ws: `ws://${await address('gateway')}` },
    access: await adminAccess(api, namespace, secret),
  };
}

/** The rights of an administrator, from the Secret that a resource's status names. */
export async function adminAccess(api: KubeClient, namespace: string, name: string): Promise<AdminAccess> {
  const { data = {} } = await getExisting(api, SECRET, { namespace, name });
  const value = (key: string): string => {
    const encoded = data[key];
    if (encoded === undefined) throw new Error(`the Secret ${namespace}/${name} has no ${key}`);
    return Buffer.from(encoded, 'base64').toString('utf8');
  };
  return { adminUser: value('adminUser'), secret: value('adminSecret') };
}
