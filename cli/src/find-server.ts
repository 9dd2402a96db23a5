import { hasKubeconfig } from './cluster/kubeconfig.ts';
import type { ClusterChoice } from './cluster/options.ts';
import type { ClusterServer, ServerNeeds } from './cluster/server.ts';
import { DEFAULT_DATA_DIR, type DevState, readDevState } from './dev/state.ts';
import { usageError } from './exit-codes.ts';
import type { TargetOptions } from './target-options.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const SCHEMES = { api: ['http:', 'https:'], ws: ['ws:', 'wss:'] } as const;
/** A URL of each kind, for errors. */
export const EXAMPLES = { api: 'http://127.0.0.1:10002', ws: 'ws://127.0.0.1:10001' } as const;

/** A base URL without a slash at its end. @throws CommandError `usage`. */
export function checkedUrl(which: 'api' | 'ws', text: string): string {
  const url = URL.parse(text);
  if (url === null || !SCHEMES[which].some((scheme) => scheme === url.protocol)) {
    throw usageError(`--${which}: ${text} is not a URL such as ${EXAMPLES[which]}`);
  }
  return text.replace(/\/+$/, '');
}

/** The running `openimctl dev` of a named directory, which must exist, or of the default one. */
function findDev(named: string | undefined): DevState | undefined {
  const dev = readDevState(named ?? DEFAULT_DATA_DIR);
  if (dev === undefined && named !== undefined) {
    throw usageError(
      `--data-dir: no \`openimctl dev\` runs on ${named}; start it with: openimctl dev --data-dir ${named}`,
    );
  }
  return dev;
}

/** Finds servers on Kubernetes; loaded on demand, because its client is large. */
export interface ClusterFinder {
  named(choice: ClusterChoice, needs: ServerNeeds): Promise<ClusterServer>;
  /** @returns in words why there is not exactly one. */
  guessed(env: Environment, needs: ServerNeeds): Promise<ClusterServer | string>;
}

/** The clusters that kubeconfigs lead to. */
export const KUBERNETES: ClusterFinder = {
  async named(choice, needs) {
    return await (await import('./cluster/server.ts')).namedCluster(choice, needs);
  },
  async guessed(env, needs) {
    if (!hasKubeconfig(env)) return 'there is no kubeconfig';
    return await (await import('./cluster/server.ts')).guessedCluster(needs);
  },
};

/** A server, and what is known of it. */
export interface FoundServer {
  readonly api: string;
  readonly ws: string;
  readonly dev?: DevState | undefined;
  readonly cluster?: ClusterServer | undefined;
  /** Whether a secret in the environment is for this server. */
  readonly takesEnvSecret: boolean;
  /** Why there is no server. */
  readonly problem?: string | undefined;
}

function ofUrls(takesEnvSecret: boolean, api?: string, ws?: string): FoundServer {
  return {
    api: api ? checkedUrl('api', api) : '',
    ws: ws ? checkedUrl('ws', ws) : '',
    takesEnvSecret,
  };
}

function ofDev(dev: DevState, takesEnvSecret: boolean): FoundServer {
  return { api: dev.api, ws: dev.ws, dev, takesEnvSecret };
}

function ofCluster(cluster: ClusterServer, takesEnvSecret: boolean): FoundServer {
  return { api: cluster.api, ws: cluster.ws, cluster, takesEnvSecret };
}

/** Flags that name a cluster. @throws CommandError `usage` when others name another server. */
function clusterFlags(options: TargetOptions): ClusterChoice | undefined {
  const { kubeconfig, kubeContext, namespace, cluster } = options;
  const given = { cluster, kubeconfig, kubeContext, namespace };
  const flag = Object.entries(given).find(([, value]) => value !== undefined)?.[0];
  if (flag === undefined) return undefined;
  const named = flag === 'kubeContext' ? 'kube-context' : flag;
  const { api, ws, dataDir } = options;
  const other = Object.entries({ api, ws, 'data-dir': dataDir }).find(
    ([, value]) => value !== undefined,
  )?.[0];
  if (other === undefined) return given;
  throw usageError(
    `--${other} and --${named} name two servers, and a secret is for one alone: leave one out`,
  );
}

/**
 * What flags name: URLs, then a directory, then a cluster; then what the environment names, in the
 * same order; then a running dev on the usual directory; then the only cluster of the kubeconfig.
 */
export async function findServer(
  options: TargetOptions,
  env: Environment,
  needs: ServerNeeds,
  clusters: ClusterFinder,
): Promise<FoundServer> {
  const choice = clusterFlags(options);
  // A secret in the environment is not for the server of a context, which names its own.
  const isOfContext = options.contextName !== undefined;
  if (options.api !== undefined || options.ws !== undefined) {
    if (isOfContext) return ofUrls(false, options.api, options.ws);
    return ofUrls(true, options.api ?? env.OPENIM_API, options.ws ?? env.OPENIM_WS);
  }
  if (choice !== undefined) {
    const cluster = choice.cluster ?? (env.OPENIM_CLUSTER || undefined);
    return ofCluster(await clusters.named({ ...choice, cluster }, needs), false);
  }
  if (options.dataDir === undefined && (env.OPENIM_API || env.OPENIM_WS)) {
    return ofUrls(true, env.OPENIM_API, env.OPENIM_WS);
  }
  const dir = options.dataDir ?? (env.OPENIM_DATA_DIR || undefined);
  if (dir === undefined && env.OPENIM_CLUSTER) {
    return ofCluster(await clusters.named({ cluster: env.OPENIM_CLUSTER }, needs), true);
  }
  const dev = findDev(dir);
  if (dev !== undefined) return ofDev(dev, !isOfContext);
  const guess = await clusters.guessed(env, needs);
  if (typeof guess === 'string') return { api: '', ws: '', takesEnvSecret: false, problem: guess };
  return ofCluster(guess, false);
}
