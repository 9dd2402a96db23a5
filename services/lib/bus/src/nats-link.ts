import type { SecureContext } from 'node:tls';
import { MINIMUM_VERSIONS } from '@im/contract';
import { Backoff, messageOf, untilAborted } from '@im/kit';
import { acceptLoss, type Logger, notReady, READY, type Readiness, tlsContext } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import { connect, type Msg, type NatsConnection, type TlsOptions } from '@nats-io/transport-node';
import type { RawHeaders } from './slim-client.ts';
import { flushPerTick, type Receiver, subscribeSlim } from './slim-client.ts';
import type { BusConfig, BusDeps, Unsubscribe } from './types.ts';

const RECONNECT_WAIT_MS = 100;
const PING_INTERVAL_MS = 3_000;
const CONNECT_TIMEOUT_MS = 2_000;
/**
 * What nobody waits for leaves with the next message that somebody waits for, or after this long, or when there are so
 * many. During an outage so many are kept.
 */
const SOON = { ms: 20, messages: 500, kept: 20_000 };

/** The connection was lost while an answer was awaited: the request may or may not have had its effect. */
export class LinkLostError extends Error {
  override readonly name = 'LinkLostError';
}

/** No answer came in time. */
export class RequestTimeoutError extends Error {
  override readonly name = 'RequestTimeoutError';
}

/** What a subscription's callback gets. It must not throw. */
export type MessageHandler = (message: Msg, subject: string) => void;

/** What a part does when the connection comes and goes. */
export interface LinkListener {
  /** Called once the connection works, the first time and after each outage; subscriptions are in place. */
  onUp?(): void;
  /** The connection is gone. What was sent before may have been lost. */
  onDown?(): void;
}

interface Subscribed {
  readonly subject: string;
  readonly handler: MessageHandler;
  end: (() => void) | undefined;
}

interface Waiter {
  readonly subject: string;
  readonly resolve: (message: Msg) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One connection to the NATS servers that comes back for ever. Subscriptions and listeners may be
 * added before it exists. Requests fail at once when the connection is lost, instead of waiting.
 */
export class NatsLink {
  readonly #config: BusConfig;
  readonly #deps: BusDeps;
  readonly #log: Logger;
  readonly #subscribed = new Set<Subscribed>();
  readonly #listeners = new Set<LinkListener>();
  readonly #waiters = new Map<number, Waiter>();
  readonly #receivers = new WeakMap<MessageHandler, Receiver>();
  readonly #failures;
  readonly #tls: SecureContext | undefined;
  #connection: NatsConnection | undefined;
  #up = false;
  #stopped = false;
  #upWaiters: (() => void)[] = [];
  #reason = 'connecting to NATS';
  #soon: { readonly subject: string; readonly payload: Uint8Array }[] = [];
  #soonTimer: NodeJS.Timeout | undefined;
  #nextRequest = 0;
  #inbox = '';
  #outages = 0;

  /** @throws Error that names the setting whose file for TLS cannot be used. */
  constructor(config: BusConfig, deps: BusDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#log = deps.log;
    this.#tls = tlsContext(config.tls, 'nats.tls', deps.log);
    this.#failures = deps.metrics.counter(
      'openim_bus_handler_failures_total',
      'Handlers of messages that threw',
    );
    deps.metrics.observe('openim_bus_up', 'NATS is connected', () => (this.#up ? 1 : 0));
    deps.metrics.observe('openim_bus_outages', 'Lost connections to NATS', () => this.#outages);
  }

  /** Begins to connect and returns at once. */
  start(): void {
    this.#deps.tasks.spawn('bus-connect', (signal) => this.#connectLoop(signal), {
      // Started once; a process that stops connects no more.
      onRefused: acceptLoss,
    });
  }

  async stop(): Promise<void> {
    const connection = this.#connection;
    this.#sendSoon();
    this.#stopped = true;
    this.#reason = 'stopped';
    this.#goDown('stopped');
    for (const resolve of this.#upWaiters) resolve();
    this.#upWaiters = [];
    if (!connection) return;
    // A flush hands the last publishes to the server; a server that is gone must not delay the end.
    await Promise.race([connection.flush().catch(() => undefined), timeout(1_000)]);
    await connection.close();
  }

  get up(): boolean {
    return this.#up;
  }

  /** It was stopped and will never be up again. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Largest message that the server takes, in bytes; unknown before the first connection. */
  get maxPayload(): number {
    return this.#connection?.info?.max_payload ?? Number.POSITIVE_INFINITY;
  }

  /** Rises with every lost connection. */
  get outages(): number {
    return this.#outages;
  }

  ready(): Readiness {
    return this.#up ? READY : notReady(this.#reason);
  }

  /** Resolves when the connection works. @throws ImError NetworkError after `timeoutMs`. */
  async whenUp(timeoutMs: number): Promise<void> {
    if (this.#up) return;
    if (this.#stopped) throw new ImError(ERR.NetworkError, this.#reason);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#upWaiters.push(resolve);
    const timer = setTimeout(resolve, timeoutMs);
    await promise;
    clearTimeout(timer);
    if (!this.#up) throw new ImError(ERR.NetworkError, this.#reason);
  }

  listen(listener: LinkListener): Unsubscribe {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Hands one message to the connection; when there is none it is lost. @returns whether it was handed on. */
  publish(subject: string, payload: Uint8Array, headers?: RawHeaders, reply?: string): boolean {
    if (!this.#up || !this.#connection) return false;
    if (this.#soon.length > 0) this.#sendSoon();
    this.#connection.publish(subject, payload, { headers: headers?.asHeaders(), reply });
    return true;
  }

  /**
   * As {@link publish}, a few milliseconds later and together with others, since a write to the socket costs more than the
   * message; what comes during an outage leaves after it. For acknowledgements, whose loss only makes messages come again.
   */
  publishSoon(subject: string, payload: Uint8Array): void {
    if (this.#soon.length < SOON.kept) this.#soon.push({ subject, payload });
    if (!this.#up) return;
    if (this.#soon.length >= SOON.messages) this.#sendSoon();
    else this.#soonTimer ??= setTimeout(() => this.#sendSoon(), SOON.ms);
  }

  #sendSoon(): void {
    clearTimeout(this.#soonTimer);
    this.#soonTimer = undefined;
    if (!this.#up) return;
    const soon = this.#soon;
    this.#soon = [];
    for (const { subject, payload } of soon) this.#connection?.publish(subject, payload);
  }

  /** @param handler one function may serve many subjects: it gets the one that was subscribed. */
  subscribe(subject: string, handler: MessageHandler): Unsubscribe {
    const subscribed: Subscribed = { subject, handler, end: undefined };
    this.#subscribed.add(subscribed);
    if (this.#connection) this.#attach(this.#connection, subscribed);
    return () => {
      this.#subscribed.delete(subscribed);
      subscribed.end?.();
    };
  }

  /** Resolves when the server has processed everything sent so far. @throws LinkLostError. */
  async flush(): Promise<void> {
    if (!this.#up || !this.#connection) throw new LinkLostError('no connection to NATS');
    try {
      await this.#connection.flush();
    } catch (error) {
      throw new LinkLostError('the connection to NATS was lost', { cause: error });
    }
  }

  /**
   * One request with one answer.
   * @throws LinkLostError when the connection is or gets lost; RequestTimeoutError; ImError
   * NetworkError when the subject has no listener.
   */
  async request(subject: string, payload: Uint8Array, timeoutMs: number, headers?: RawHeaders): Promise<Msg> {
    const id = ++this.#nextRequest;
    const { promise, resolve, reject } = Promise.withResolvers<Msg>();
    this.#waiters.set(id, { subject, resolve, reject });
    const timer = setTimeout(
      () => reject(new RequestTimeoutError(`${subject} was not answered within ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      if (!this.publish(subject, payload, headers, this.#inbox + id)) {
        throw new LinkLostError('no connection to NATS');
      }
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(id);
    }
  }

  async #connectLoop(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ baseMs: RECONNECT_WAIT_MS, maxMs: 2_000 });
    while (!signal.aborted && !this.#stopped && !this.#connection) {
      try {
        const connection = await this.#connect();
        if (signal.aborted || this.#stopped) await connection.close();
        else this.#adopt(connection);
      } catch (error) {
        this.#reason = `NATS unavailable: ${messageOf(error)}`;
        this.#log.debug({ err: error }, 'cannot connect to NATS');
        await backoff.wait(signal);
      }
    }
  }

  async #connect(): Promise<NatsConnection> {
    const { servers, user, password, token } = this.#config;
    const connection = await connect({
      servers: [...servers],
      ...(token !== '' ? { token } : user !== '' ? { user, pass: password } : {}),
      // The client passes what it does not know itself on to tls.connect.
      ...(this.#tls && { tls: { secureContext: this.#tls } as TlsOptions }),
      name: this.#deps.instanceId,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      reconnectJitter: RECONNECT_WAIT_MS,
      reconnectJitterTLS: RECONNECT_WAIT_MS,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: 2,
      timeout: CONNECT_TIMEOUT_MS,
      ignoreAuthErrorAbort: true,
      noAsyncTraces: true,
    });
    const version = connection.info?.version ?? '0';
    if (!isAtLeast(version, MINIMUM_VERSIONS.nats)) {
      await connection.close();
      throw new Error(`the server is ${version}, ${MINIMUM_VERSIONS.nats} or newer is needed`);
    }
    return connection;
  }

  #adopt(connection: NatsConnection): void {
    this.#connection = connection;
    flushPerTick(connection);
    this.#inbox = `_INBOX.${this.#deps.instanceId}.${Date.now().toString(36)}.`;
    this.subscribe(`${this.#inbox}*`, (message) => this.#answered(message));
    for (const subscribed of this.#subscribed) {
      if (!subscribed.end) this.#attach(connection, subscribed);
    }
    this.#deps.tasks.spawn('bus-connection-state', (signal) => this.#follow(connection, signal), {
      // One per connection, of which there is one at a time.
      onRefused: acceptLoss,
    });
    this.#goUp();
  }

  async #follow(connection: NatsConnection, signal: AbortSignal): Promise<void> {
    const statuses = connection.status()[Symbol.asyncIterator]();
    while (!signal.aborted) {
      const next = await untilAborted(statuses.next(), signal);
      if (next === undefined) return;
      if (next.done) break;
      const status = next.value;
      if (status.type === 'disconnect') this.#goDown('the connection to NATS is lost');
      else if (status.type === 'reconnect') this.#goUp();
      else if (status.type === 'error') this.#log.warn({ err: status.error }, 'NATS reported an error');
    }
    this.#goDown('the connection to NATS is closed');
  }

  #goUp(): void {
    if (this.#up || this.#stopped) return;
    this.#up = true;
    this.#log.info({ server: this.#connection?.getServer() }, 'connected to NATS');
    this.#sendSoon();
    for (const listener of this.#listeners) this.#guarded(() => listener.onUp?.());
    const waiters = this.#upWaiters;
    this.#upWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #goDown(reason: string): void {
    if (!this.#up) return;
    this.#up = false;
    this.#outages++;
    this.#reason = reason;
    if (!this.#stopped) this.#log.warn({ reason }, 'no connection to NATS');
    for (const waiter of this.#waiters.values()) waiter.reject(new LinkLostError(reason));
    for (const listener of this.#listeners) this.#guarded(() => listener.onDown?.());
  }

  #attach(connection: NatsConnection, subscribed: Subscribed): void {
    subscribed.end = subscribeSlim(connection, subscribed.subject, this.#receiverOf(subscribed.handler));
  }

  /** One receiver for each handler, so that those of many subjects share it. */
  #receiverOf(handler: MessageHandler): Receiver {
    let receiver = this.#receivers.get(handler);
    if (!receiver) {
      receiver = (subject, message, error) => {
        if (message) this.#guarded(() => handler(message, subject));
        else this.#log.error({ err: error, subject }, 'subscription refused');
      };
      this.#receivers.set(handler, receiver);
    }
    return receiver;
  }

  #answered(message: Msg): void {
    const id = Number(message.subject.slice(this.#inbox.length));
    const waiter = this.#waiters.get(id);
    if (!waiter) return;
    if (message.data.length === 0 && message.headers?.code === 503) {
      waiter.reject(new ImError(ERR.NetworkError, `no listener on ${waiter.subject}`));
    } else {
      waiter.resolve(message);
    }
  }

  /** A handler that threw would end the connection's reader. */
  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#failures.inc();
      this.#log.error({ err: error }, 'a handler of bus messages threw');
    }
  }
}

/** Compares the first three numbers of two versions. */
export function isAtLeast(version: string, minimum: string): boolean {
  const numbers = (text: string) => (text.match(/\d+/g) ?? []).slice(0, 3).map(Number);
  const have = numbers(version);
  for (const [i, need] of numbers(minimum).entries()) {
    const difference = (have[i] ?? 0) - need;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function timeout(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, ms).unref();
  return promise;
}
