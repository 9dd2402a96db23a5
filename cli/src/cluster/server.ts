import { DEFAULT_TENANT } from '@im/contract';
import { messageOf } from '@im/kit';
import { type KubeClient, SECRET } from '@im/kube';
import { nameOf } from '@im/operator';
import { CommandError, EXIT } from '../exit-codes.ts';
import {
  clusterKey,
  displayName,
  type FoundCluster,
  kubeFailure,
  matchingClusters,
  onlyCluster,
  openKube,
} from './find.ts';
import type { ClusterChoice } from './options.ts';
import { forward } from './port-forward.ts';

/** A service that runs on Kubernetes, as commands that talk to it need it. */
export interface ClusterServer {
  /** `namespace/name`. */
  readonly name: string;
  /** Base URL; empty if not requested. */
  readonly api: string;
  /** Base URL; empty if not requested. */
  readonly ws: string;
  /** The console, as status has it. */
  readonly console?: string | undefined;
  readonly adminUser: string | undefined;
  /** Secret of the requested tenant. */
  readonly adminSecret: string | undefined;
  /** Why there is no secret. */
  readonly secretProblem: string | undefined;
}

/** What a command needs of a server. */
export interface ServerNeeds {
  readonly endpoints: readonly ('api' | 'ws')[];
  /** The tenant whose admin secret is wanted from the cluster. */
  readonly secretOf: string | undefined;
}

const DEADLINE_MS = 15_000;
/** The search for a cluster that was not named must be quick. */
const GUESS_DEADLINE_MS = 4_000;

/** The server that a choice names. @throws CommandError that says what to do. */
export async function namedCluster(choice: ClusterChoice, needs: ServerNeeds): Promise<ClusterServer> {
  const client = await openKube(choice);
  const key = clusterKey(choice);
  const found = await matchingClusters(client, key, DEADLINE_MS);
  return await serverOf(client, choice, onlyCluster(found, key, client), needs);
}

/**
 * The only cluster that the kubeconfig leads to, and says so on stderr.
 * @returns why there is none, or which there are, in words.
 */
export async function guessedCluster(needs: ServerNeeds): Promise<ClusterServer | string> {
  let found: readonly FoundCluster[];
  let client: KubeClient;
  try {
    client = await openKube({});
    found = await matchingClusters(client, { name: undefined, namespace: undefined }, GUESS_DEADLINE_MS);
  } catch (error) {
    return messageOf(error);
  }
  const [only, ...more] = found;
  if (only === undefined) return `${client.server} has no OpenIMCluster`;
  if (more.length > 0) return `several clusters: ${found.map(displayName).sort().join(', ')}`;
  process.stderr.write(`openimctl: using cluster ${displayName(only)} on ${client.server}\n`);
  return await serverOf(client, {}, only, needs);
}

async function serverOf(
  client: KubeClient,
  choice: ClusterChoice,
  cluster: FoundCluster,
  needs: ServerNeeds,
): Promise<ClusterServer> {
  try {
    const url = async (part: 'api' | 'ws') =>
      needs.endpoints.includes(part) ? await endpoint(client, choice, cluster, part) : '';
    return {
      name: displayName(cluster),
      api: await url('api'),
      ws: await url('ws'),
      console: cluster.status?.endpoints?.console,
      ...(needs.secretOf === undefined ? NO_SECRET : await adminSecret(client, cluster, needs.secretOf)),
    };
  } catch (error) {
    throw kubeFailure(error, client);
  }
}

const NO_SECRET = { adminUser: undefined, adminSecret: undefined, secretProblem: undefined } as const;

/** Whether only pods of the Kubernetes cluster know the name. */
export function isInside({ hostname }: URL): boolean {
  return /\.svc(\.|$)/.test(hostname) && !process.env.KUBERNETES_SERVICE_HOST;
}

/** The URL of status; one that only pods understand is reached through the API server. */
async function endpoint(
  client: KubeClient,
  choice: ClusterChoice,
  cluster: FoundCluster,
  part: 'api' | 'ws',
): Promise<string> {
  const { api, webSocket } = cluster.status?.endpoints ?? {};
  const known = part === 'api' ? api : webSocket;
  if (known === undefined) {
    const { name, namespace } = cluster.metadata;
    const what = part === 'api' ? 'API' : 'gateway';
    throw new CommandError(
      EXIT.unreachable,
      `${displayName(cluster)} has no address of the ${what} yet; wait for it with: openimctl status ${name} -n ${namespace} --wait`,
    );
  }
  const url = URL.parse(known);
  if (url === null || !isInside(url)) return known.replace(/\/+$/, '');
  const address = await forward(client, choice, cluster, part === 'api' ? 'api' : 'gateway');
  return `${url.protocol}//${address}`;
}

/** The Secret of a tenant under the name that earlier operators gave it. */
async function formerSecret(client: KubeClient, { metadata }: FoundCluster, tenant: string) {
  const key = { namespace: metadata.namespace, name: nameOf.formerAdmin(metadata.name, tenant) };
  const secret = await client.get(SECRET, key, { deadlineMs: DEADLINE_MS });
  // The name may be that of an object of another cluster.
  return secret?.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) ? secret : undefined;
}

async function adminSecret(
  client: KubeClient,
  cluster: FoundCluster,
  tenant: string,
): Promise<Pick<ClusterServer, 'adminUser' | 'adminSecret' | 'secretProblem'>> {
  const { namespace } = cluster.metadata;
  const name =
    tenant === DEFAULT_TENANT
      ? cluster.status?.endpoints?.adminSecretRef?.name
      : nameOf.admin(cluster.metadata.name, tenant);
  if (name === undefined) {
    return { ...NO_SECRET, secretProblem: `${displayName(cluster)} names no admin secret yet` };
  }
  try {
    const secret =
      (await client.get(SECRET, { namespace, name }, { deadlineMs: DEADLINE_MS })) ??
      (await formerSecret(client, cluster, tenant));
    const value = (key: string) => {
      const text = secret?.data?.[key];
      return text === undefined ? undefined : Buffer.from(text, 'base64').toString('utf8');
    };
    const found = { adminUser: value('adminUser'), adminSecret: value('adminSecret') };
    if (found.adminSecret !== undefined) return { ...found, secretProblem: undefined };
    const missing =
      secret === undefined
        ? `there is no Secret ${namespace}/${name}${tenant === DEFAULT_TENANT ? '' : `: has the cluster an OpenIMTenant ${tenant}?`}`
        : `the Secret ${namespace}/${name} has no adminSecret`;
    return { ...found, secretProblem: missing };
  } catch (error) {
    const text = messageOf(error);
    return { ...NO_SECRET, secretProblem: `the Secret ${namespace}/${name} cannot be read: ${text}` };
  }
}
