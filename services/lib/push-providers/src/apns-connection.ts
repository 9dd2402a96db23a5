import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { LookupFunction } from 'node:net';
import { onAbort, unlessAborted } from '@im/kit';
import {
  type AddressRules,
  addressRules,
  assertAllowed,
  createResolver,
  guardedLookup,
  RequestError,
} from '@im/webhooks';

/** Answer to one request. */
export interface ApnsAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

const MAX_ANSWER_BYTES = 16_384;
/** A connection is asked whether it lives this often, and closed when it was not used for long. */
const PING_MS = 60_000;
const PONG_MS = 10_000;
const UNUSED_MS = 15 * 60_000;
/** Connections that a request is tried on when the vendor did not process it on the one before. */
const ATTEMPTS = 3;

/** The vendor did not process the request: it may be sent again. */
class NotProcessed extends Error {}

/** Requests at once on a connection before the vendor has said how many it takes. */
const FIRST_STREAMS = 1;

interface Connection {
  readonly session: ClientHttp2Session;
  readonly timer: NodeJS.Timeout;
  usedAt: number;
  /** Streams above this id were not processed, by the vendor's GOAWAY. */
  lastProcessed: number;
  /** Requests at once that the vendor takes. */
  streams: number;
  open: number;
  /** Why no connection may be made. */
  refused?: RequestError;
  /** Requests that wait for one of the others to end. */
  readonly waiting: Set<() => void>;
}

/**
 * One HTTP/2 connection to a host, made when it is needed and kept. After a GOAWAY another one takes over: requests that
 * were not processed are repeated on it, all others are not.
 */
export class ApnsConnection {
  readonly #authority: URL;
  readonly #rules: AddressRules;
  readonly #lookup: LookupFunction;
  #current: Connection | undefined;

  /**
   * @param authority such as `https://api.push.apple.com`.
   * @param allowedNetworks internal networks in which it may be.
   */
  constructor(authority: string, allowedNetworks: readonly string[] = []) {
    this.#authority = new URL(authority);
    this.#rules = addressRules(allowedNetworks);
    this.#lookup = guardedLookup(this.#rules, createResolver());
  }

  /** @throws RequestError for an internal address that is not allowed; when it is unknown whether the request was processed, and the signal's reason when it aborts. */
  async request(
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<ApnsAnswer> {
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      const connection = this.#connection();
      await this.#turn(connection, signal);
      try {
        return await this.#once(connection, headers, body, signal);
      } catch (error) {
        if (!(error instanceof NotProcessed)) throw error;
        if (connection.refused) throw connection.refused;
        if (attempt >= ATTEMPTS) throw error;
      } finally {
        connection.open--;
        wakeNext(connection);
      }
    }
  }

  /** Waits until the vendor takes one more request on the connection, or the connection ends. */
  async #turn(connection: Connection, signal: AbortSignal): Promise<void> {
    while (connection.open >= connection.streams && this.#current === connection) {
      const { promise, resolve } = Promise.withResolvers<void>();
      connection.waiting.add(resolve);
      try {
        await unlessAborted(promise, signal);
      } finally {
        connection.waiting.delete(resolve);
      }
    }
    connection.open++;
  }

  /** Closes the connection once its requests are answered. */
  close(): void {
    if (this.#current) this.#leave(this.#current);
  }

  #connection(): Connection {
    if (this.#current && !this.#current.session.closed && !this.#current.session.destroyed)
      return this.#current;
    assertAllowed(this.#authority, this.#rules);
    const session = connect(this.#authority, { minVersion: 'TLSv1.2', lookup: this.#lookup });
    const connection: Connection = {
      session,
      timer: setInterval(() => this.#check(connection), PING_MS),
      usedAt: performance.now(),
      lastProcessed: Number.POSITIVE_INFINITY,
      streams: FIRST_STREAMS,
      open: 0,
      waiting: new Set(),
    };
    connection.timer.unref();
    // Its requests fail with it; each reports that itself.
    session.on('error', (error) => {
      if (error instanceof RequestError) connection.refused = error;
    });
    session.on('goaway', (_code, lastStreamID) => {
      connection.lastProcessed = lastStreamID;
      this.#leave(connection);
    });
    session.on('close', () => this.#leave(connection));
    session.on('remoteSettings', ({ maxConcurrentStreams = Number.POSITIVE_INFINITY }) => {
      connection.streams = Math.max(FIRST_STREAMS, maxConcurrentStreams);
      wakeAll(connection);
    });
    session.unref();
    this.#current = connection;
    return connection;
  }

  /** No more requests on this connection. */
  #leave(connection: Connection): void {
    clearInterval(connection.timer);
    if (this.#current === connection) this.#current = undefined;
    if (!connection.session.closed) connection.session.close();
    // They find the connection gone, and take the next one.
    wakeAll(connection);
  }

  #check(connection: Connection): void {
    if (performance.now() - connection.usedAt > UNUSED_MS) this.#leave(connection);
    else this.#ping(connection);
  }

  /** Ends a connection that does not answer. */
  #ping(connection: Connection): void {
    const { session } = connection;
    if (session.closed || session.destroyed || session.connecting) return;
    const silent = setTimeout(() => {
      this.#leave(connection);
      session.destroy(new Error('the connection does not answer'));
    }, PONG_MS);
    silent.unref();
    session.ping((error) => {
      if (!error) clearTimeout(silent);
    });
  }

  #once(
    connection: Connection,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<ApnsAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<ApnsAnswer>();
    let stream: ClientHttp2Stream;
    try {
      stream = connection.session.request({ ':method': 'POST', ...headers });
    } catch (error) {
      return Promise.reject(new NotProcessed('the connection has ended', { cause: error }));
    }
    connection.usedAt = performance.now();
    let answer: Pick<ApnsAnswer, 'status' | 'headers'> | undefined;
    let text = '';
    let failure: unknown;
    const listening = onAbort(signal, () => {
      // The answer that did not come may be due to the connection: the next requests should not wait for it.
      this.#ping(connection);
      stream.close(constants.NGHTTP2_CANCEL);
      reject(signal.reason);
    });
    stream.setEncoding('utf8');
    stream.on('response', ({ ':status': status = 0, ...rest }) => {
      answer = { status, headers: rest };
    });
    stream.on('data', (chunk: string) => {
      if (text.length < MAX_ANSWER_BYTES) text += chunk;
    });
    stream.on('error', (error) => {
      failure = error;
    });
    stream.on('close', () => {
      listening[Symbol.dispose]();
      if (answer && failure === undefined) {
        resolve({ ...answer, text });
        return;
      }
      // A GOAWAY that ended it is reported after it.
      setImmediate(() => {
        const unprocessed =
          stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ||
          stream.id === undefined ||
          stream.id > connection.lastProcessed;
        reject(
          unprocessed
            ? new NotProcessed('the request was not processed', { cause: failure })
            : new Error('the connection ended before the answer', { cause: failure }),
        );
      });
    });
    stream.end(body);
    return promise;
  }
}

function wakeNext({ waiting }: Connection): void {
  const [next] = waiting;
  next?.();
}

function wakeAll({ waiting }: Connection): void {
  for (const wake of waiting) wake();
}
