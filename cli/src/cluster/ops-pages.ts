import { ApiError, type KubeClient, POD, type Pod, type Stored } from '@im/kube';
import { CommandError, EXIT } from '../exit-codes.ts';
import { type FoundCluster, podsOfCluster } from './find.ts';

const DEADLINE_MS = 5_000;

/** A process whose ops port can be asked. */
export interface OpsPages {
  /** Name for people: a pod or an address. */
  readonly name: string;
  /** Of a pod: whether it runs, and is not being deleted. */
  readonly runs?: boolean;
  /**
   * A page of its ops port as text.
   * @param path without a slash at its beginning
   */
  page(path: string): Promise<string>;
}

function opsPortOf(pod: Stored<Pod>): number | undefined {
  const ports = pod.spec?.containers.flatMap((container) => container.ports ?? []) ?? [];
  return ports.find(({ name }) => name === 'ops')?.containerPort;
}

/**
 * The pods of a cluster that have an ops port, which is asked through the API server. A page that may not be read is a
 * CommandError `refused`, which names the right.
 * @param command that needs them, for this error
 * @throws ApiError when pods cannot be listed.
 */
export async function opsPagesOf(
  client: KubeClient,
  { metadata: { name, namespace } }: FoundCluster,
  command: string,
): Promise<OpsPages[]> {
  const labelSelector = podsOfCluster(name);
  const { items } = await client.list(POD, { namespace, labelSelector, deadlineMs: DEADLINE_MS });
  return items.flatMap((pod) => {
    const port = opsPortOf(pod);
    if (port === undefined) return [];
    const key = { namespace: pod.metadata.namespace, name: pod.metadata.name };
    const page = async (path: string) => {
      try {
        return await client.proxy(key, port, path, { deadlineMs: DEADLINE_MS });
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 403) throw error;
        throw new CommandError(
          EXIT.refused,
          `${error.message}; ${command} needs get on pods/proxy (docs/operations/openimctl.md has a Role)`,
        );
      }
    };
    const { metadata, status } = pod;
    const runs = metadata.deletionTimestamp === undefined && (status?.phase ?? 'Running') === 'Running';
    return [{ name: metadata.name, runs, page }];
  });
}
