import { STREAM } from '@im/contract';
import { messageOf, randomId } from '@im/kit';
import { type Logger, tlsContext } from '@im/process';
import { connect, type TlsOptions } from '@nats-io/transport-node';
import { JetStreamApiError, JS_ERROR, parseAnswer } from './jetstream-api.ts';
import type { BusConfig } from './types.ts';

/** What one look at the NATS servers finds. */
export interface NatsProbe {
  readonly version: string;
  readonly jetStream: boolean;
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
  readonly bytes: number;
  readonly maxBytes: number;
  /** The server's clock, ms since the epoch. */
  readonly time: number;
}

interface StreamAnswer {
  readonly config: { readonly storage: string; readonly num_replicas: number; readonly max_bytes: number };
  readonly state: { readonly bytes: number };
  readonly ts: string;
}

/**
 * Looks at NATS once, for diagnosis: connects, asks for the message log, and closes.
 * @throws Error of the client where it cannot connect within `timeoutMs`, or the credentials are refused.
 */
export async function probeNats(
  { servers, user, password, token, tls }: BusConfig,
  log: Logger,
  timeoutMs: number,
): Promise<NatsProbe> {
  const secureContext = tlsContext(tls, 'nats.tls', log);
  const connection = await connect({
    servers: [...servers],
    ...(token !== '' ? { token } : user !== '' ? { user, pass: password } : {}),
    ...(secureContext && { tls: { secureContext } as TlsOptions }),
    name: 'openimctl',
    timeout: timeoutMs,
    reconnect: false,
  });
  try {
    const version = connection.info?.version ?? '0';
    const sentAt = Date.now();
    const found = await stream(async () => {
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

async function stream(ask: () => Promise<Uint8Array>): Promise<Pick<NatsProbe, 'jetStream' | 'log'>> {
  try {
    const { config, state, ts } = parseAnswer<StreamAnswer>('STREAM.INFO', await ask());
    return {
      jetStream: true,
      log: {
        ...{ storage: config.storage, replicas: config.num_replicas, maxBytes: config.max_bytes },
        ...{ bytes: state.bytes, time: Date.parse(ts) },
      },
    };
  } catch (error) {
    if (error instanceof JetStreamApiError && error.errCode === JS_ERROR.StreamNotFound)
      return { jetStream: true, log: undefined };
    // A server without JetStream, or one that lets this user not ask, has no responders.
    if (
      error instanceof JetStreamApiError ||
      /no responders|503|not enabled|permission/i.test(messageOf(error))
    )
      return { jetStream: false, log: undefined };
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
