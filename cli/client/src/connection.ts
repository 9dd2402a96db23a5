import { REQ } from '@im/protocol';
import { WebSocket } from 'ws';
import { type FrameCodec, gzipped, jsonFrames, type WireResponse } from './frame-codec.ts';
import { gobFrames } from './gob-frames.ts';

/** Who connects, and how it talks. */
export interface WireOptions {
  /** Base URL of the gateway. */
  readonly ws: string;
  readonly userID: string;
  readonly token: string;
  readonly platformID: number;
  /** `json` is what the browser SDK speaks, `gob` what the Go core speaks. */
  readonly encoding?: 'json' | 'gob';
  readonly gzip?: boolean;
}

/** Events of a connection. */
export interface WireHandlers {
  /** A push of messages: encoded `sdkws.PushMessages`. */
  push?(data: Uint8Array, operationID: string): void;
  /** The gateway ended this login. */
  kicked?(): void;
  /** A change of online status that was subscribed to: encoded `sdkws.SubUserOnlineStatusTips`. */
  status?(data: Uint8Array): void;
  /** The connection is over; called once, also after {@link WireConnection.close}. */
  closed?(code: number): void;
}

/** The gateway refused a connection or a request. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code: number;
  constructor(code: number, message: string) {
    super(`${code} ${message}`);
    this.code = code;
  }
}

/** The connection ended before an answer came: the outcome of the request is unknown. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** One WebSocket connection to a gateway. */
export interface WireConnection {
  readonly userID: string;
  readonly open: boolean;
  /**
   * Sends a request and returns the data of its answer.
   * @throws WireError for an error code, ConnectionLost when the connection ended first or no answer came in time.
   */
  request(reqIdentifier: number, data: Uint8Array, options?: RequestOptions): Promise<Uint8Array>;
  /** Sends a frame as it is. */
  sendRaw(frame: Uint8Array | string): void;
  /** Bytes not yet handed to the kernel. */
  readonly buffered: number;
  close(): void;
  /** Cuts the connection without a closing handshake. */
  terminate(): void;
}

export interface RequestOptions {
  readonly operationID?: string;
  readonly timeoutMs?: number;
}

const REQUEST_TIMEOUT_MS = 20_000;
const HANDSHAKE_TIMEOUT_MS = 30_000;
/** The server drops a connection that is silent for 30 s. */
const HEARTBEAT_MS = 20_000;

/** Connects and waits for the connect result. @throws WireError when it is refused, Error when there is no answer. */
export async function connectWire(
  options: WireOptions,
  handlers: WireHandlers = {},
): Promise<WireConnection> {
  const encoding = options.encoding ?? 'json';
  const plain: FrameCodec = encoding === 'json' ? jsonFrames : gobFrames;
  const codec = options.gzip ? gzipped(plain) : plain;
  const socket = new WebSocket(connectUrl(options), {
    perMessageDeflate: false,
    skipUTF8Validation: true,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  const waiting = new Map<
    string,
    { resolve(r: WireResponse): void; reject(e: Error): void; since: number }
  >();
  const ready = Promise.withResolvers<void>();
  let connected = false;
  let next = 0;

  function onText(text: string): void {
    if (connected) return;
    const result: { errCode?: number; errMsg?: string } = JSON.parse(text);
    if (result.errCode === 0) {
      connected = true;
      ready.resolve();
    } else {
      ready.reject(new WireError(result.errCode ?? -1, result.errMsg ?? ''));
    }
  }
  function onBinary(frame: Buffer): void {
    const response = codec.decode(frame);
    const waiter = response.msgIncr === '' ? undefined : waiting.get(response.msgIncr);
    if (waiter) {
      waiting.delete(response.msgIncr);
      waiter.resolve(response);
    } else if (response.reqIdentifier === REQ.PushMsg) {
      handlers.push?.(response.data, response.operationID);
    } else if (response.reqIdentifier === REQ.KickOnline) {
      handlers.kicked?.();
    } else if (response.reqIdentifier === REQ.SubUserOnlineStatus) {
      handlers.status?.(response.data);
    }
  }
  socket.on('message', (data, binary) => {
    const bytes = data as Buffer;
    try {
      if (binary) onBinary(bytes);
      else onText(bytes.toString('utf8'));
    } catch (error) {
      ready.reject(error instanceof Error ? error : new Error(String(error)));
      socket.terminate();
    }
  });
  socket.on('error', (error) => ready.reject(error));
  socket.on('close', (code) => {
    clearInterval(timer);
    ready.reject(new ConnectionLost(`closed with ${code} before the connect result`));
    for (const waiter of waiting.values()) waiter.reject(new ConnectionLost(`closed with ${code}`));
    waiting.clear();
    if (connected) handlers.closed?.(code);
  });

  // One timer a connection for heartbeats and time-outs; requests are many, and most are answered at once.
  let sinceHeartbeat = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    for (const [key, waiter] of waiting) {
      if (now < waiter.since) break;
      waiting.delete(key);
      waiter.reject(new ConnectionLost('no answer in time'));
    }
    sinceHeartbeat += 1_000;
    if (connected && sinceHeartbeat >= HEARTBEAT_MS && socket.readyState === WebSocket.OPEN) {
      sinceHeartbeat = 0;
      socket.ping();
    }
  }, 1_000);
  timer.unref();

  const connection: WireConnection = {
    userID: options.userID,
    get open() {
      return socket.readyState === WebSocket.OPEN;
    },
    get buffered() {
      return socket.bufferedAmount;
    },
    async request(reqIdentifier, data, { operationID, timeoutMs = REQUEST_TIMEOUT_MS } = {}) {
      if (socket.readyState !== WebSocket.OPEN) throw new ConnectionLost('not connected');
      next += 1;
      const msgIncr = `${options.userID}_${next}`;
      const answer = Promise.withResolvers<WireResponse>();
      waiting.set(msgIncr, { ...answer, since: performance.now() + timeoutMs });
      socket.send(
        codec.encode({
          reqIdentifier,
          msgIncr,
          operationID: operationID ?? `${msgIncr}_op`,
          sendID: options.userID,
          data,
        }),
      );
      const response = await answer.promise;
      if (response.errCode !== 0) throw new WireError(response.errCode, response.errMsg);
      return response.data;
    },
    sendRaw: (frame) => socket.send(frame),
    close: () => socket.close(),
    terminate: () => socket.terminate(),
  };
  try {
    await ready.promise;
  } catch (error) {
    socket.terminate();
    throw error;
  }
  return connection;
}

/** The URL of a handshake that asks for the connect result as the first frame. */
export function connectUrl(options: WireOptions): string {
  const query = new URLSearchParams({
    sendID: options.userID,
    token: options.token,
    platformID: String(options.platformID),
    operationID: `${options.userID}-connect`,
    isBackground: 'false',
    isMsgResp: 'true',
  });
  if ((options.encoding ?? 'json') === 'json') query.set('sdkType', 'js');
  if (options.gzip) query.set('compression', 'gzip');
  return `${options.ws}/?${query}`;
}
