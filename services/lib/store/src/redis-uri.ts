/** Where Redis is, as its URI says. */
export interface RedisTarget {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly username?: string;
  readonly password?: string;
  readonly db: number;
  readonly tls: boolean;
  /** Name of the master group; with Sentinel. */
  readonly master?: string;
  /** Password of the sentinels themselves. */
  readonly sentinelPassword?: string;
}

const SHAPE = /^(rediss?):\/\/(?:([^@/]*)@)?([^/?]+)(?:\/(\d*))?(?:\?(.*))?$/;

/**
 * Reads `redis[s]://[user:password@]host[:port][,host[:port]…][/db][?sentinel=<master>|?cluster=true]`;
 * with `sentinel`, `sentinelPassword` may follow.
 * @throws RangeError that says what is wrong, never quoting the password.
 */
export function parseRedisUri(uri: string): RedisTarget {
  const match = SHAPE.exec(uri);
  if (!match) throw new RangeError('the Redis URI is not redis[s]://[user:password@]host[:port][,…][/db]');
  const [, scheme, credentials = '', hosts = '', db = '', query = ''] = match;
  const options = new URLSearchParams(query);
  for (const name of options.keys()) {
    if (name !== 'sentinel' && name !== 'cluster' && name !== 'sentinelPassword') {
      throw new RangeError(`the Redis URI has an unknown option ${name}`);
    }
  }
  const master = options.get('sentinel') ?? undefined;
  const cluster = options.get('cluster') === 'true';
  if (master !== undefined && cluster) throw new RangeError('the Redis URI names both sentinel and cluster');
  const kind = cluster ? 'cluster' : master !== undefined ? 'sentinel' : 'single';
  const nodes = hosts.split(',').map((node) => parseNode(node, kind === 'sentinel' ? 26_379 : 6_379));
  if (kind === 'single' && nodes.length > 1) {
    throw new RangeError('the Redis URI has several hosts: add ?cluster=true or ?sentinel=<master>');
  }
  const cut = credentials.indexOf(':');
  return {
    kind,
    nodes,
    username: decode(cut < 0 ? '' : credentials.slice(0, cut)),
    password: decode(credentials.slice(cut + 1)),
    db: Number(db),
    tls: scheme === 'rediss',
    master,
    sentinelPassword: options.get('sentinelPassword') ?? undefined,
  };
}

function parseNode(node: string, standardPort: number): { host: string; port: number } {
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(node);
  if (!match?.[1]) throw new RangeError(`the Redis URI has a bad host ${JSON.stringify(node)}`);
  return { host: match[1].replace(/^\[|\]$/g, ''), port: match[2] ? Number(match[2]) : standardPort };
}

function decode(text: string): string | undefined {
  return text === '' ? undefined : decodeURIComponent(text);
}
