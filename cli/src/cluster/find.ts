import {
  ApiError,
  ConnectionError,
  createKubeClient,
  type KubeClient,
  type KubeObject,
  type Stored,
} from '@im/kube';
import { OPENIM_CLUSTER, type OpenIMCluster } from '@im/operator';
import { CommandError, EXIT, usageError } from '../exit-codes.ts';
import type { ClusterChoice, KubeOptions } from './options.ts';

/** A cluster as stored by the API server. */
export type FoundCluster = Stored<OpenIMCluster>;

/** Name and namespace of a choice; absent ones are looked up. */
export interface ClusterKey {
  readonly name: string | undefined;
  readonly namespace: string | undefined;
}

/** A client of the API server that the options name. @throws CommandError `usage` when there is none. */
export async function openKube(options: KubeOptions): Promise<KubeClient> {
  try {
    return await createKubeClient({
      kubeconfigPath: options.kubeconfig,
      context: options.kubeContext,
      userAgent: 'openimctl',
    });
  } catch (error) {
    throw usageError(`--kubeconfig: ${error instanceof Error ? error.message : error}`);
  }
}

/** Does work with a client of the API server that the options name. @throws CommandError that says why it failed. */
export async function withKubeClient<T>(
  options: KubeOptions,
  work: (client: KubeClient) => Promise<T>,
): Promise<T> {
  const client = await openKube(options);
  try {
    return await work(client);
  } catch (error) {
    throw kubeFailure(error, client);
  } finally {
    client.close();
  }
}

/** Does work with the cluster that a command names, or with the only one. @throws CommandError that says why it failed. */
export async function withCluster<T>(
  name: string | undefined,
  options: KubeOptions & { readonly cluster?: string | undefined },
  deadlineMs: number,
  work: (cluster: FoundCluster, client: KubeClient) => Promise<T>,
): Promise<T> {
  const cluster = name ?? options.cluster ?? (process.env.OPENIM_CLUSTER || undefined);
  const key = clusterKey({ ...options, cluster });
  return await withKubeClient(options, async (client) =>
    work(onlyCluster(await matchingClusters(client, key, deadlineMs), key, client), client),
  );
}

/** Label selector of the pods of a cluster. @param component those of one alone. */
export function podsOfCluster(cluster: string, component?: string): string {
  const all = `app.kubernetes.io/name=openim,app.kubernetes.io/instance=${cluster}`;
  return component === undefined ? all : `${all},app.kubernetes.io/component=${component}`;
}

/** Splits `namespace/name`. @throws CommandError `usage` when it contradicts `--namespace`. */
export function clusterKey({ cluster, namespace }: ClusterChoice): ClusterKey {
  const [, inNamespace, name] = /^(?:([^/]+)\/)?([^/]+)$/.exec(cluster ?? '') ?? [];
  if (cluster !== undefined && name === undefined) {
    throw usageError(`--cluster: ${cluster} is neither a name nor namespace/name`);
  }
  if (inNamespace !== undefined && namespace !== undefined && inNamespace !== namespace) {
    throw usageError(`--namespace ${namespace} and ${cluster} name two namespaces: leave one out`);
  }
  return { name, namespace: namespace ?? inNamespace };
}

/**
 * The clusters that a key may mean: those of its namespace; without one those of the context's
 * namespace, and where there is none, those of all namespaces that may be listed.
 * @throws CommandError that says why the API server gave no answer.
 */
export async function matchingClusters(
  client: KubeClient,
  { name, namespace }: ClusterKey,
  deadlineMs: number,
): Promise<readonly FoundCluster[]> {
  const fieldSelector = name === undefined ? undefined : `metadata.name=${name}`;
  const list = async (within: string | undefined) => {
    const options = { namespace: within, fieldSelector, deadlineMs };
    return (await client.list(OPENIM_CLUSTER, options)).items;
  };
  try {
    const near = await list(namespace ?? client.namespace);
    if (near.length > 0 || namespace !== undefined) return near;
  } catch (error) {
    throw kubeFailure(error, client);
  }
  try {
    return await list(undefined);
  } catch (error) {
    // Without access to other namespaces, these are all.
    if (error instanceof ApiError && error.status === 403) return [];
    throw kubeFailure(error, client);
  }
}

/** The one cluster among those that match. @throws CommandError `usage` that lists them, or says where none was. */
export function onlyCluster(
  found: readonly FoundCluster[],
  { name, namespace }: ClusterKey,
  client: KubeClient,
): FoundCluster {
  const [first, ...more] = found;
  if (first !== undefined && more.length === 0) return first;
  if (first === undefined) {
    const what = name === undefined ? 'there is no OpenIMCluster' : `there is no OpenIMCluster ${name}`;
    const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
    throw usageError(`${what}${where} on ${client.server}; kubectl get openimclusters -A lists all`);
  }
  throw usageError(
    `there are several clusters, say which by --cluster: ${found.map(displayName).sort().join(', ')}`,
  );
}

/** `namespace/name`. */
export function displayName({ metadata }: Stored<KubeObject>): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Why a request to the API server failed, with what to do about it. */
export function kubeFailure(error: unknown, { server }: Pick<KubeClient, 'server'>): unknown {
  if (error instanceof ConnectionError) {
    const text = `Kubernetes at ${server} does not answer: ${error.message}; is it up, and the kubeconfig right?`;
    return new CommandError(EXIT.unreachable, text, { cause: error });
  }
  if (!(error instanceof ApiError)) return error;
  if (error.status === 404) {
    const text = `Kubernetes at ${server} knows no OpenIMCluster: install the operator (docs/operations/install.md)`;
    return new CommandError(EXIT.environment, text, { cause: error });
  }
  return new CommandError(EXIT.refused, `Kubernetes at ${server} refuses: ${error.message}`, {
    cause: error,
  });
}
