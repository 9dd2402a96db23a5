import { createConnection } from 'node:net';
import { BACKEND_PORTS, MINIMUM_VERSIONS, STREAM } from '@im/contract';
import { AuthorizationError, connect, type NatsConnection } from '@nats-io/transport-node';
import {
  type CheckDetail,
  CheckError,
  type CheckResult,
  type CheckSource,
  type CheckTls,
  isAtLeast,
  refused,
  runCheck,
  tooOld,
} from './check.ts';
import { claimStore, ownerText, parseOwner, type RecordedOwner, type StoreOwner } from './identity.ts';

/** Stream whose description is the record of the cluster that the account belongs to; it takes no messages. */
const OWNER_STREAM = 'OPENIM_CLUSTER';

const GREETING_MS = 1_000;
const LONGEST_GREETING = 65_536;
const CONNECT_MS = 1_500;
const REQUEST_MS = 2_500;
/** Silence after which a copy of a stream counts as lost, ns; the leader hears from each every second. */
const LONGEST_SILENCE_NS = 10e9;
/** Entries that a copy may lack while it counts as up to date. */
const MOST_LAG = 10_000;

/** Address and account of NATS. */
export interface NatsTarget {
  readonly source: CheckSource;
  readonly servers: readonly string[];
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Copies of every stream. */
  readonly replicas: number;
  /** The cluster that the account is to belong to. @default not checked */
  readonly owner?: StoreOwner | undefined;
  readonly tls?: CheckTls | undefined;
}

/** The used fields of JetStream's answers. */
interface ApiAnswer {
  readonly error?: { readonly code: number; readonly err_code: number; readonly description: string };
}
interface StreamAnswer extends ApiAnswer {
  readonly state?: { readonly bytes: number };
  readonly config?: {
    readonly max_bytes: number;
    readonly num_replicas: number;
    readonly description?: string;
  };
  readonly cluster?: {
    readonly leader?: string;
    readonly replicas?: readonly StreamCopy[];
  };
}
interface StreamCopy {
  readonly current: boolean;
  readonly offline?: boolean;
  /** Time since the leader heard from it, ns; 0 before it ever has. */
  readonly active: number;
  /** Log entries that it lacks. */
  readonly lag?: number;
}

/** JetStream's error codes. */
const ERROR = { notEnabled: 10_076, notEnabledForAccount: 10_039, streamNotFound: 10_059 } as const;

/** Checks that JetStream answers and can hold the streams; reports the size of the message log. */
export function checkNats(target: NatsTarget, signal: AbortSignal): Promise<CheckResult> {
  const { source, servers } = target;
  const where = `NATS at ${servers.join(', ')}`;
  return runCheck(
    { source, where, secrets: [target.password] },
    signal,
    async ({ defer, signal: within }) => {
      const { server, version } = await firstThatGreets(servers, within);
      if (!isAtLeast(version, MINIMUM_VERSIONS.nats))
        throw tooOld(source, where, version, MINIMUM_VERSIONS.nats);
      const connection = await open(target, server, where);
      defer(() => connection.close());
      const cluster = connection.info?.cluster;
      await call(connection, target, where, 'INFO');
      if (target.replicas > 1 && cluster === undefined) {
        throw new CheckError(
          'NotClustered',
          `${source.addressField}: ${where} is a single server, which cannot hold ${target.replicas} copies; connect to a cluster or set ${source.managed ? 'spec.nats.managed.replicas' : 'spec.nats.external.replicas'} to 1`,
        );
      }
      const log = await call<StreamAnswer>(connection, target, where, `STREAM.INFO.${STREAM.log}`);
      if (target.owner) await claim(connection, target, target.owner, where);
      return { version, ...sizes(log) };
    },
  );
}

async function claim(
  connection: NatsConnection,
  target: NatsTarget,
  owner: StoreOwner,
  where: string,
): Promise<void> {
  const write = (method: 'CREATE' | 'UPDATE') => (recorded: RecordedOwner) =>
    call(connection, target, where, `STREAM.${method}.${OWNER_STREAM}`, {
      name: OWNER_STREAM,
      description: ownerText(recorded),
      subjects: ['openim.cluster'],
      retention: 'limits',
      storage: 'file',
      num_replicas: target.replicas,
      max_msgs: 1,
      max_bytes: 1_024,
    });
  const record = {
    read: async () => {
      const { config } = await call<StreamAnswer>(connection, target, where, `STREAM.INFO.${OWNER_STREAM}`);
      return parseOwner(config?.description);
    },
    create: write('CREATE'),
    replace: write('UPDATE'),
  };
  const store = { source: target.source, where: `the account of ${where}` };
  await claimStore(record, owner, { ...store, alternative: 'use another account of the server' });
}

function sizes({ state, config, cluster }: StreamAnswer): CheckDetail {
  if (!state || !config) return {};
  const followers = cluster?.replicas ?? [];
  const current = followers.filter(follows).length;
  return {
    logBytes: state.bytes,
    logMaxBytes: config.max_bytes,
    logCopies: config.num_replicas,
    // Without a cluster the server itself is the one copy.
    logCopiesCurrent: cluster && !cluster.leader && config.num_replicas > 1 ? 0 : current + 1,
  };
}

/**
 * Whether a copy keeps up: under load a few entries are always on their way. One that never answered a new leader counts
 * as current there, as long as nothing is written.
 */
function follows({ current, offline, active, lag = 0 }: StreamCopy): boolean {
  if (offline || active <= 0 || active >= LONGEST_SILENCE_NS) return false;
  return current || (lag > 0 && lag <= MOST_LAG);
}

/**
 * The first server that sends its INFO, which precedes TLS and authentication. The client library would leave its socket
 * open when a server accepts the connection and sends nothing.
 */
async function firstThatGreets(
  servers: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly server: string; readonly version: string }> {
  let last: unknown;
  for (const server of servers) {
    try {
      const within = AbortSignal.any([signal, AbortSignal.timeout(GREETING_MS)]);
      return { server, version: await greetedVersion(server, within) };
    } catch (error) {
      signal.throwIfAborted();
      last = error;
    }
  }
  throw last;
}

async function greetedVersion(server: string, signal: AbortSignal): Promise<string> {
  const url = new URL(server);
  const socket = createConnection({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || BACKEND_PORTS.nats,
  });
  const end = () => socket.destroy(new Error('no answer'));
  signal.addEventListener('abort', end, { once: true });
  try {
    let text = '';
    for await (const chunk of socket.setEncoding('utf8')) {
      text += chunk;
      const [, info] = /^INFO (\{.*\})\s*\r\n/s.exec(text) ?? [];
      if (info !== undefined) return (JSON.parse(info) as { version?: string }).version ?? '0';
      if (text.length > LONGEST_GREETING) break;
    }
    throw new Error('it is not a NATS server');
  } finally {
    signal.removeEventListener('abort', end);
    socket.destroy();
  }
}

async function open(target: NatsTarget, server: string, where: string): Promise<NatsConnection> {
  try {
    return await connect({
      servers: server,
      ...(target.user === undefined ? {} : { user: target.user, pass: target.password ?? '' }),
      ...(target.tls && { tls: { ...target.tls } }),
      name: 'openim-operator',
      timeout: CONNECT_MS,
      reconnect: false,
      maxReconnectAttempts: 0,
      ignoreClusterUpdates: true,
    });
  } catch (error) {
    if (error instanceof AuthorizationError || /authorization violation/i.test(String(error))) {
      throw refused(target.source, where);
    }
    throw error;
  }
}

/** An answer of JetStream; empty for a stream that does not exist yet. */
async function call<T extends ApiAnswer>(
  connection: NatsConnection,
  { source }: NatsTarget,
  where: string,
  method: string,
  body?: object,
): Promise<T> {
  const disabled = (why: string) =>
    new CheckError(
      'JetStreamDisabled',
      `${source.addressField}: ${where} has no JetStream for this account (${why}); enable it for the server and the account`,
    );
  const message = await connection
    .request(`$JS.API.${method}`, body && JSON.stringify(body), { timeout: REQUEST_MS })
    .catch((error: Error) => {
      throw /no responders/i.test(`${error.name} ${error.message}`)
        ? disabled('no answer from its API')
        : error;
    });
  const answer = message.json<T>();
  const { error } = answer;
  if (!error || error.err_code === ERROR.streamNotFound) return answer;
  if (error.err_code === ERROR.notEnabled || error.err_code === ERROR.notEnabledForAccount) {
    throw disabled(error.description);
  }
  throw new Error(error.description);
}
