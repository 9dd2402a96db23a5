import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  decodeResponse,
  encode,
  encodeRequest,
  type Framing,
  type MessageName,
  type Messages,
  type ResponseEnvelope,
} from '@im/protocol';
import { WebSocket } from 'ws';
import { token } from './fakes.ts';

/** How a test client presents itself. */
export interface ClientOptions {
  readonly userID?: string;
  readonly platformID?: number;
  readonly framing?: Framing;
  readonly issue?: number;
  readonly path?: string;
  readonly host?: string;
  /** Parameters that replace or, when undefined, leave out the usual ones. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export const GOB: Framing = { encoding: 'gob', gzip: false };
export const JSON_GZIP: Framing = { encoding: 'json', gzip: true };

/** The URL that a client of these options dials. */
export function dialUrl(port: number, options: ClientOptions = {}): string {
  const { userID = 'u1', platformID = 2, framing = GOB, issue = 1, path = '/', query = {} } = options;
  const all: Record<string, string | undefined> = {
    sendID: userID,
    token: token(userID, platformID, issue),
    platformID: String(platformID),
    operationID: 'op-dial',
    isBackground: 'false',
    compression: framing.gzip ? 'gzip' : undefined,
    sdkType: framing.encoding === 'json' ? 'js' : undefined,
    ...query,
  };
  const pairs = Object.entries(all).filter(([, value]) => value !== undefined);
  return `ws://127.0.0.1:${port}${path}?${pairs.map(([key, value]) => `${key}=${value}`).join('&')}`;
}

/** A real WebSocket client that speaks the gateway's protocol. */
export class Client implements Disposable {
  readonly socket: WebSocket;
  readonly userID: string;
  readonly framing: Framing;
  /** Every text frame so far. */
  readonly texts: string[] = [];
  readonly #frames: ResponseEnvelope[] = [];
  /** Arrival times of the frames, ms of the monotonic clock. */
  readonly arrivals: { readonly id: number; readonly at: number }[] = [];
  #wake = Promise.withResolvers<void>();
  #count = 0;
  /** Code of the close, once closed; 1006 without a close frame. */
  readonly closed: Promise<number>;
  /** When it was closed, ms of the monotonic clock. */
  closedAt: number | undefined;

  private constructor(port: number, options: ClientOptions) {
    this.userID = options.userID ?? 'u1';
    this.framing = options.framing ?? GOB;
    const headers = { ...options.headers, ...(options.host ? { host: options.host } : {}) };
    this.socket = new WebSocket(dialUrl(port, options), { perMessageDeflate: false, headers });
    const closed = Promise.withResolvers<number>();
    this.closed = closed.promise;
    this.socket.on('close', (code) => {
      this.closedAt = performance.now();
      closed.resolve(code);
      this.#wakeUp();
    });
    this.socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) this.texts.push(data.toString());
      else {
        const envelope = decodeResponse(this.framing, data);
        this.#frames.push(envelope);
        this.arrivals.push({ id: envelope.reqIdentifier, at: performance.now() });
      }
      this.#wakeUp();
    });
  }

  #wakeUp(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  static async connect(port: number, options: ClientOptions = {}): Promise<Client> {
    const client = new Client(port, options);
    await once(client.socket, 'open');
    client.socket.on('error', () => {});
    return client;
  }

  /** Sends one request and returns its msgIncr. */
  send(
    reqIdentifier: number,
    data: Uint8Array,
    fields: { operationID?: string; msgIncr?: string } = {},
  ): string {
    const msgIncr = fields.msgIncr ?? `${this.userID}_${++this.#count}`;
    const operationID = fields.operationID ?? `op-${this.#count}`;
    const envelope = { reqIdentifier, token: '', sendID: this.userID, operationID, msgIncr, data };
    this.socket.send(encodeRequest(this.framing, envelope));
    return msgIncr;
  }

  /** Sends one request and waits for its answer. */
  async request<N extends MessageName>(
    reqIdentifier: number,
    name: N,
    message: Messages[N],
  ): Promise<ResponseEnvelope> {
    const msgIncr = this.send(reqIdentifier, encode(name, message));
    return this.next((frame) => frame.msgIncr === msgIncr);
  }

  /** The next frame that satisfies `wanted`, taken out; frames before it stay. */
  async next(wanted: (frame: ResponseEnvelope) => boolean, withinMs = 20_000): Promise<ResponseEnvelope> {
    const until = performance.now() + withinMs;
    for (;;) {
      const at = this.#frames.findIndex(wanted);
      if (at >= 0) return this.#frames.splice(at, 1)[0] as ResponseEnvelope;
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error('closed before such a frame');
      if (performance.now() > until) throw new Error('no such frame');
      await Promise.race([this.#wake.promise, sleep(50)]);
    }
  }

  /** Frames not taken yet. */
  get left(): readonly ResponseEnvelope[] {
    return this.#frames;
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

/** Waits until `condition` holds. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${condition}`);
    await sleep(5);
  }
}

/** Answer to a handshake as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: string;
  readonly body: Record<string, unknown>;
}

/** Dials by hand, as a client that reads the HTTP answer. */
export async function dialRaw(port: number, options: ClientOptions = {}): Promise<RawAnswer> {
  const url = new URL(dialUrl(port, options));
  const socket = connect(port, '127.0.0.1');
  const extra = Object.entries(options.headers ?? {}).map(([key, value]) => `${key}: ${value}\r\n`);
  socket.write(
    `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${options.host ?? '127.0.0.1'}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${extra.join('')}\r\n`,
  );
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
    if (text.startsWith('HTTP/1.1 101')) socket.destroy();
  });
  await once(socket, 'close');
  const [headers = '', body = ''] = text.split('\r\n\r\n');
  return { status: Number(headers.split(' ')[1]), headers, body: body === '' ? {} : JSON.parse(body) };
}
