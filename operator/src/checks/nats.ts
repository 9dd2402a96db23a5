import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { BACKEND_PORTS, currentCopies, MINIMUM_VERSIONS, STREAM, type StreamCopies } from '@im/contract';
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
/** Time after which the next server is asked as well, ms. */
const NEXT_AFTER_MS = 300;
const LONGEST_GREETING = 65_536;
const CONNECT_MS = 1_500;
const REQUEST_MS = 2_500;

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
  readonly cluster?: StreamCopies['cluster'];
}

/** JetStream's error codes. */
const ERROR = {
  notEnabled: 10_076,
  notEnabledForAccount: 10_039,
  streamNotFound: 10_059,
  temporarilyUnavailable: 10_008,
} as const;
/** JetStream of a server of a cluster does not answer, because no leader is elected. */
class Leaderless extends Error {
  override readonly name = 'Leaderless';

  constructor() {
    super(
      'it answers, but its JetStream does not: too few servers of its cluster are running for a majority, or they have just started',
    );
  }
}

/** Checks that JetStream answers and can hold the streams; reports the size of the message log. */
export function checkNats(target: NatsTarget, signal: AbortSignal): Promise<CheckResult> {
  const { source, servers } = target;
  const where = `NATS at ${servers.join(', ')}`;
  return runCheck(
    { source, where, secrets: [target.password] },
    signal,
    async ({ defer, signal: within }) => {
      const { connection, version, log } = await firstThatAnswers(servers, within, async (server, wanted) => {
        const version = await greetedVersion(
          server,
          AbortSignal.any([wanted, AbortSignal.timeout(GREETING_MS)]),
        );
        if (!isAtLeast(version, MINIMUM_VERSIONS.nats))
          throw tooOld(source, where, version, MINIMUM_VERSIONS.nats);
        const connection = await open(target, server, where);
        defer(() => connection.close());
        if (wanted.aborted) {
          await connection.close();
          throw new Error('another server has answered');
        }
        // Answered by the leader of the stream, also while the servers elect the one that manages all streams.
        const log = await call<StreamAnswer>(connection, target, where, `STREAM.INFO.${STREAM.log}`);
        const { logCopiesCurrent } = sizes(log);
        if (logCopiesCurrent === 0) throw new Leaderless();
        return { connection, version, log };
      });
      if (target.replicas > 1 && connection.info?.cluster === undefined) {
        throw new CheckError(
          'NotClustered',
          `${source.addressField}: ${where} is a single server, which cannot hold ${target.replicas} copies; connect to a cluster or set ${source.managed ? 'spec.nats.managed.replicas' : 'spec.nats.external.replicas'} to 1`,
        );
      }
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
  return {
    logBytes: state.bytes,
    logMaxBytes: config.max_bytes,
    logCopies: config.num_replicas,
    logCopiesCurrent: currentCopies({ config, ...(cluster && { cluster }) }),
  };
}

/**
 * What the first server to answer says. One that has just started may take connections and answer nothing, so the next
 * is asked as well when one fails or takes long.
 * @param ask gets a signal that aborts when its answer is no longer wanted.
 * @throws of several errors the one that says most.
 */
async function firstThatAnswers<T>(
  servers: readonly string[],
  signal: AbortSignal,
  ask: (server: string, wanted: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const wanted = AbortSignal.any([signal, over.signal]);
  const attempts: Promise<T>[] = [];
  try {
    for (const server of servers) {
      const attempt = ask(server, wanted);
      attempts.push(attempt);
      const answered = attempt.then(
        () => true,
        () => false,
      );
      if (await Promise.race([answered, sleep(NEXT_AFTER_MS, false, { ref: false })])) break;
    }
    return await Promise.any(attempts);
  } catch (error) {
    const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
    throw (
      errors.find((each) => each instanceof CheckError) ??
      errors.find((each) => each instanceof Leaderless) ??
      errors[0]
    );
  } finally {
    over.abort();
  }
}

/**
 * The version in the INFO of a server, which precedes TLS and authentication. The client library would leave its socket
 * open when a server accepts the connection and sends nothing.
 */
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
      const text = `${error.name} ${error.message}`;
      if (/no responders/i.test(text)) throw disabled('no answer from its API');
      if (/timeout/i.test(text) && connection.info?.cluster) throw new Leaderless();
      throw error;
    });
  const answer = message.json<T>();
  const { error } = answer;
  if (!error || error.err_code === ERROR.streamNotFound) return answer;
  if (error.err_code === ERROR.notEnabled || error.err_code === ERROR.notEnabledForAccount) {
    throw disabled(error.description);
  }
  if (error.err_code === ERROR.temporarilyUnavailable) throw new Leaderless();
  throw new Error(error.description);
}
