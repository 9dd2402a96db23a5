import { currentCopies, STREAM, type StreamCopies } from '@im/contract';
import { messageOf, randomId } from '@im/kit';
import { type Logger, tlsContext } from '@im/process';
import { connect, type TlsOptions } from '@nats-io/transport-node';
import { isApiError, JetStreamApiError, JS_ERROR, parseAnswer } from './jetstream-api.ts';
import type { BusConfig } from './types.ts';

/** What one look at the NATS servers finds. */
export interface NatsProbe {
  readonly version: string;
  /** `leaderless`: the server is one of a cluster that has no majority, and JetStream answers nothing. */
  readonly jetStream: 'on' | 'off' | 'leaderless';
  /** The message log; undefined where there is no stream. */
  readonly log: ProbedLog | undefined;
  /** When the question about the log was sent and answered, ms since the epoch. */
  readonly sentAt: number;
  readonly answeredAt: number;
  /** Why a message in a temporary stream was not stored; undefined when it was. */
  readonly writeFailure?: Error;
}

/** The message log as the server has it. */
export interface ProbedLog {
  readonly storage: string;
  readonly replicas: number;
  /** Replicas that are up to date. */
  readonly current: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** The server's clock, ms since the epoch. */
  readonly time: number;
}

interface StreamAnswer extends StreamCopies {
  readonly config: { readonly storage: string; readonly num_replicas: number; readonly max_bytes: number };
  readonly state: { readonly bytes: number };
  readonly ts: string;
}

/**
 * Looks at NATS once, for diagnosis: connects, asks for the message log, and closes. One server after the other is asked
 * until JetStream answers, because one that has just started does not.
 * @throws Error of the client where it can connect to none within `timeoutMs`, or the credentials are refused.
 */
export async function probeNats(config: BusConfig, log: Logger, timeoutMs: number): Promise<NatsProbe> {
  let found: NatsProbe | undefined;
  const failures: unknown[] = [];
  for (const server of config.servers) {
    try {
      found = await probeServer(server, config, log, timeoutMs);
      if (found.jetStream === 'on') return found;
    } catch (error) {
      failures.push(error);
    }
  }
  if (found) return found;
  throw failures[0];
}

async function probeServer(
  server: string,
  { user, password, token, tls }: BusConfig,
  log: Logger,
  timeoutMs: number,
): Promise<NatsProbe> {
  const secureContext = tlsContext(tls, 'nats.tls', log);
  const connection = await connect({
    servers: server,
    ...(token !== '' ? { token } : user !== '' ? { user, pass: password } : {}),
    ...(secureContext && { tls: { secureContext } as TlsOptions }),
    name: 'openimctl',
    timeout: timeoutMs,
    reconnect: false,
  });
  try {
    const version = connection.info?.version ?? '0';
    const sentAt = Date.now();
    const found = await stream(connection.info?.cluster !== undefined, async () => {
      const { data } = await connection.request(`$JS.API.STREAM.INFO.${STREAM.log}`, '', {
        timeout: timeoutMs,
      });
      return data;
    });
    const answeredAt = Date.now();
    const ask = async (subject: string, body: Uint8Array | string) =>
      (await connection.request(subject, body, { timeout: timeoutMs })).data;
    const failure = found.log && (await writeFailure(ask));
    return { version, sentAt, answeredAt, ...found, ...(failure && { writeFailure: failure }) };
  } finally {
    await connection.close();
  }
}

async function stream(
  isClustered: boolean,
  ask: () => Promise<Uint8Array>,
): Promise<Pick<NatsProbe, 'jetStream' | 'log'>> {
  const without = (jetStream: 'on' | 'off' | 'leaderless') => ({ jetStream, log: undefined });
  try {
    const answer = parseAnswer<StreamAnswer>('STREAM.INFO', await ask());
    const { config, state, ts } = answer;
    const current = currentCopies(answer);
    if (current === 0) return without('leaderless');
    return {
      jetStream: 'on',
      log: {
        ...{ storage: config.storage, replicas: config.num_replicas, maxBytes: config.max_bytes },
        ...{ current, bytes: state.bytes, time: Date.parse(ts) },
      },
    };
  } catch (error) {
    if (isApiError(error, JS_ERROR.StreamNotFound)) return without('on');
    if (isApiError(error, JS_ERROR.TemporarilyUnavailable)) return without('leaderless');
    // A server without JetStream, or one that lets this user not ask, has no responders.
    if (
      error instanceof JetStreamApiError ||
      /no responders|503|not enabled|permission/i.test(messageOf(error))
    )
      return without('off');
    if (isClustered && /timeout/i.test(messageOf(error))) return without('leaderless');
    throw error;
  }
}

const SPACE = 65_536;

/**
 * Stores a message in a stream that is made for it and removed: a server whose disk is full says nothing of it, and acknowledges no
 * message.
 */
async function writeFailure(
  ask: (subject: string, body: Uint8Array | string) => Promise<Uint8Array>,
): Promise<Error | undefined> {
  const id = randomId();
  const name = `DOCTOR_${id}`;
  const subject = `im.doctor.${id}`;
  const call = async (verb: string, body: object) =>
    parseAnswer(verb, await ask(`$JS.API.STREAM.${verb}.${name}`, JSON.stringify(body)));
  try {
    await call('CREATE', { name, subjects: [subject], storage: 'file', num_replicas: 1, max_bytes: SPACE });
    try {
      parseAnswer(subject, await ask(subject, 'x'));
    } finally {
      await call('DELETE', {});
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
