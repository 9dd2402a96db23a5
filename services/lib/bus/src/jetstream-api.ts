import type { ConsumerConfig, ConsumerInfo, StreamInfo } from '@nats-io/jetstream';
import type { NatsLink } from './nats-link.ts';

/** An error that the JetStream API answered, with its own code. */
export class JetStreamApiError extends Error {
  override readonly name = 'JetStreamApiError';
  /** NATS error code, unique to each kind of error. */
  readonly errCode: number;
  /** Like an HTTP status. */
  readonly code: number;

  constructor(subject: string, code: number, errCode: number, description: string) {
    super(`${subject}: ${description} (${errCode})`);
    this.code = code;
    this.errCode = errCode;
  }
}

/** Error codes of the API that we act on. Source: the error list of nats-server. */
export const JS_ERROR = {
  StreamNotFound: 10_059,
  ConsumerNotFound: 10_014,
  StreamNameExists: 10_058,
  /** `maximum bytes exceeded` and the like, of a stream that refuses new messages when it is full. */
  StoreFailed: 10_077,
  NoMessageFound: 10_037,
  /** The cluster of servers has no leader. */
  TemporarilyUnavailable: 10_008,
  /** The server has no room for what was asked: in general, on disk, in memory. */
  InsufficientResources: 10_023,
  StorageExceeded: 10_047,
  MemoryExceeded: 10_028,
} as const;

/** The API counts in ns. */
export const NS_PER_MS = 1_000_000;
const API_TIMEOUT_MS = 5_000;
const DELETE_TIMEOUT_MS = 500;

interface ApiAnswer {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string };
}

/**
 * One call of the JetStream API.
 * @param call what follows `$JS.API.`
 * @throws JetStreamApiError, or what {@link NatsLink.request} throws.
 */
export async function jetStreamCall<T>(
  link: NatsLink,
  call: string,
  body?: unknown,
  timeoutMs: number = API_TIMEOUT_MS,
): Promise<T> {
  const payload = body === undefined ? new Uint8Array(0) : Buffer.from(JSON.stringify(body));
  const answer = await link.request(`$JS.API.${call}`, payload, timeoutMs);
  return parseAnswer<T>(call, answer.data);
}

/** The answer of the API or the acknowledgement of a publish. @throws JetStreamApiError. */
export function parseAnswer<T>(subject: string, data: Uint8Array): T {
  const parsed: T & ApiAnswer = JSON.parse(Buffer.from(data).toString('utf8'));
  if (parsed.error) {
    const { code, err_code = 0, description = 'refused' } = parsed.error;
    throw new JetStreamApiError(subject, code, err_code, description);
  }
  return parsed;
}

/** Whether the API answered with this error. */
export function isApiError(error: unknown, errCode: number): boolean {
  return error instanceof JetStreamApiError && error.errCode === errCode;
}

export function streamInfo(link: NatsLink, stream: string): Promise<StreamInfo> {
  return jetStreamCall(link, `STREAM.INFO.${stream}`);
}

/** A stream, or undefined when there is none. */
export async function findStream(link: NatsLink, stream: string): Promise<StreamInfo | undefined> {
  try {
    return await streamInfo(link, stream);
  } catch (error) {
    if (isApiError(error, JS_ERROR.StreamNotFound)) return undefined;
    throw error;
  }
}

/** Creates a consumer; `config.name` names it. */
export function createConsumer(
  link: NatsLink,
  stream: string,
  config: Readonly<Record<string, unknown>> & { readonly name: string },
): Promise<ConsumerInfo> {
  return jetStreamCall(link, `CONSUMER.CREATE.${stream}.${config.name}`, { stream_name: stream, config });
}

/** The config of a consumer, or undefined when there is none. */
export async function consumerConfig(
  link: NatsLink,
  stream: string,
  name: string,
): Promise<Partial<ConsumerConfig> | undefined> {
  try {
    const { config } = await jetStreamCall<ConsumerInfo>(link, `CONSUMER.INFO.${stream}.${name}`);
    return config;
  } catch (error) {
    if (isApiError(error, JS_ERROR.ConsumerNotFound)) return undefined;
    throw error;
  }
}

/** Deletes a consumer, with a short wait: one that is left behind expires by itself. */
export async function deleteConsumer(link: NatsLink, stream: string, name: string): Promise<void> {
  await jetStreamCall(link, `CONSUMER.DELETE.${stream}.${name}`, undefined, DELETE_TIMEOUT_MS);
}

/** Where a message stands, from the reply subject that its consumer gave it. */
export interface AckInfo {
  /** How often the consumer has delivered it, this time included. */
  readonly delivered: number;
  readonly streamSequence: number;
  readonly consumerSequence: number;
  /** Time of the stream, ms. */
  readonly timeMs: number;
  /** Messages that the consumer has not delivered yet. */
  readonly pending: number;
}

/**
 * Parses `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns>.<pending>`, and the
 * longer form with domain and account before the stream and a token at the end.
 */
export function parseAckSubject(reply: string): AckInfo | undefined {
  if (!reply.startsWith('$JS.ACK.')) return undefined;
  const tokens = reply.split('.');
  const at = tokens.length === 9 ? 5 : tokens.length >= 11 ? 7 : -1;
  const time = tokens[at + 2];
  if (at < 0 || time === undefined) return undefined;
  return {
    delivered: Number(tokens[at - 1]),
    streamSequence: Number(tokens[at]),
    consumerSequence: Number(tokens[at + 1]),
    timeMs: Number(time.slice(0, -6)),
    pending: Number(tokens[at + 3]),
  };
}
