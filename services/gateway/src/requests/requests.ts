import { setTimeout as sleep } from 'node:timers/promises';
import type { DeliveryFeed } from '@im/bus';
import {
  type CallContext,
  KEY_SEPARATOR,
  randomId,
  type TenantDirectory,
  type Tracing,
  withSpan,
} from '@im/kit';
import { callFields, type Logger } from '@im/process';
import {
  argsError,
  declaredBytes,
  EnvelopeError,
  ERR,
  encodeResponse,
  ImError,
  MAX_ANSWER_FRAME_BYTES,
  parseRequest,
  plainRequest,
  REQ,
  type RequestEnvelope,
  toImError,
} from '@im/protocol';
import { type Connection, PAUSE_READING_AT } from '../connection/connection.ts';
import type { CatchUps } from '../deliver/catch-up.ts';
import type { OwnPushes } from '../deliver/own-push.ts';
import type { CloseReason, GatewayMetrics } from '../metrics.ts';
import { binaryFrame, framingAt } from '../wire/frame.ts';
import type { Route } from './handlers.ts';
import type { RequestBytes } from './request-limits.ts';
import { requestSpan } from './request-span.ts';
import { Turns } from './turns.ts';

export interface RequestsDeps {
  readonly routes: ReadonlyMap<number, Route>;
  readonly tenants: TenantDirectory;
  readonly ownPushes: OwnPushes;
  readonly catchUps: Pick<CatchUps, 'asked' | 'answered'>;
  readonly feed: Pick<DeliveryFeed, 'generation'>;
  readonly bytes: Pick<RequestBytes, 'take'>;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  /** Largest request after gunzip, bytes. */
  readonly inflatedLimit: number;
  /** Time limit of one request, ms. */
  readonly timeoutMs: number;
  /** Called with the time that the server took until a new connection was usable, ms. */
  readonly onUsable: (ms: number) => void;
  readonly tracing: Tracing;
}

/** More than this many, or this many bytes, in what was read already: no client does that. */
const MAX_WAITING = 1_024;
const MAX_WAITING_BYTES = 1_048_576;
/** Most bytes that wait so on all connections together. */
const MAX_TOTAL_BYTES = 268_435_456;
/** Requests up to this size are limited by their number alone. */
const SMALL_BYTES = 16_384;
/** Bytes of larger requests, of all connections, that one iteration of the event loop inflates; one request at least. */
const BYTES_PER_ITERATION = 262_144;
/** Longest operationID and msgIncr, bytes; the handshake's limit. */
const MAX_ID_BYTES = 512;

/** Works on the requests of each connection strictly one after the other. */
export class Requests {
  readonly #deps: RequestsDeps;
  readonly #turns = new Turns(BYTES_PER_ITERATION);
  #waitingBytes = 0;

  constructor(deps: RequestsDeps) {
    this.#deps = deps;
  }

  /** Bytes of requests, of all connections, that wait behind others of their connection. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Takes one binary frame of a connection. */
  accept(connection: Connection, frame: Buffer): void {
    if (!connection.open) return;
    if (!connection.busy) {
      connection.busy = true;
      void this.#work(connection, frame);
      return;
    }
    connection.input ??= [];
    connection.input.push(frame);
    connection.inputBytes += frame.length;
    this.#waitingBytes += frame.length;
    if (
      connection.input.length > MAX_WAITING ||
      connection.inputBytes > MAX_WAITING_BYTES ||
      this.#waitingBytes > MAX_TOTAL_BYTES
    ) {
      this.#deps.metrics.bounded('input-bytes');
      connection.close('flood');
    } else if (connection.input.length >= PAUSE_READING_AT) {
      connection.webSocket.pause();
    }
  }

  /** Answers this frame and those that arrive meanwhile. Never rejects. */
  async #work(connection: Connection, first: Buffer): Promise<void> {
    let frame: Buffer | undefined = first;
    while (frame !== undefined && connection.open) {
      try {
        await this.#one(connection, frame);
      } catch (error) {
        const { tenant } = connection.user;
        this.#deps.log.error({ tenant, connID: connection.id, err: error }, 'request not handled');
        connection.close('protocol');
      }
      connection.lastSeen = performance.now();
      frame = connection.input?.shift();
      this.#taken(connection, frame?.length ?? 0);
    }
    connection.busy = false;
    connection.input = undefined;
    this.#taken(connection, connection.inputBytes);
    connection.resumeReading();
  }

  #taken(connection: Connection, bytes: number): void {
    connection.inputBytes -= bytes;
    this.#waitingBytes -= bytes;
  }

  async #one(connection: Connection, frame: Buffer): Promise<void> {
    const startedAt = performance.now();
    const declared = declaredBytes(framingAt(connection.framing), frame);
    if (declared > SMALL_BYTES) {
      // Before it is inflated.
      await this.#turn(connection, Math.min(declared, this.#deps.inflatedLimit));
      if (!connection.open) return;
    }
    const request = this.#decode(connection, frame, declared);
    if (typeof request === 'string') {
      connection.close(request);
      return;
    }
    const route = this.#deps.routes.get(request.reqIdentifier);
    if (!route) {
      connection.close('unknown-request');
      return;
    }
    const tooLong = exceedsBytes(request.operationID, MAX_ID_BYTES);
    // What goes back, and into logs, is cut; clients find their request by msgIncr.
    if (tooLong) request.operationID = request.operationID.slice(0, MAX_ID_BYTES / 4);
    this.#deps.catchUps.asked(connection, request.reqIdentifier);
    const { tracer } = this.#deps.tracing;
    const span = tracer && requestSpan(tracer, connection, request, startedAt);
    const ctx = withSpan(this.#context(connection, request.operationID), span);
    if (request.reqIdentifier === REQ.SendMsg) connection.sending = ctx.operationID;
    const first = route.marksSynced === true && connection.syncedAtRun === undefined;
    let code = 0;
    let data: Uint8Array | null = null;
    let errMsg = '';
    let failure: ImError | undefined;
    try {
      if (tooLong) throw argsError(`operationID must have at most ${MAX_ID_BYTES} bytes`);
      if (route.requireIds) checkIds(request);
      if (route.waitForSubscriptions) {
        if (connection.user.complete !== undefined) await this.#waitForSubscriptions(connection, ctx);
        if (!connection.open) {
          span?.end();
          return;
        }
        if (route.marksSynced) connection.syncedAtRun = this.#deps.feed.generation();
      }
      data = await route.handle(connection, ctx, request.data);
    } catch (error) {
      failure = toImError(error);
      ({ code, errMsg } = failure);
      this.#report(ctx, request.reqIdentifier, failure);
    }
    this.#answer(connection, request, code, errMsg, data);
    span?.end(failure);
    this.#deps.catchUps.answered(connection, request.reqIdentifier);
    const ms = performance.now() - startedAt;
    this.#deps.metrics.answered(request.reqIdentifier, code, ms / 1_000);
    if (first) this.#deps.onUsable(connection.handshakeMs + ms);
    if (request.reqIdentifier === REQ.SendMsg) {
      if (code === 0) this.#deps.metrics.sendAccepted();
      this.#deps.ownPushes.answered(connection);
    }
    if (route.closesAfter) connection.close('logout');
  }

  /** Waits until the user may ask so many bytes, and until it is this request's turn among those to inflate. */
  async #turn(connection: Connection, bytes: number): Promise<void> {
    const waitMs = this.#take(connection, bytes);
    if (waitMs > 0) {
      this.#deps.metrics.bounded('request-bytes');
      await sleep(waitMs, undefined, { ref: false });
    }
    // What is not inflated is paced by what the socket reads.
    if (!framingAt(connection.framing).gzip) return;
    await this.#turns.take(Math.min(bytes, this.#turns.portion));
  }

  #take({ user }: Connection, bytes: number): number {
    return this.#deps.bytes.take(`${user.tenant}${KEY_SEPARATOR}${user.userID}`, bytes);
  }

  #decode(connection: Connection, frame: Buffer, declared: number): RequestEnvelope | CloseReason {
    const framing = framingAt(connection.framing);
    const { inflatedLimit } = this.#deps;
    let request: RequestEnvelope;
    // What it turns out to be counts, whatever it said; one that is too large was inflated up to the limit.
    let bytes = inflatedLimit;
    try {
      const plain = plainRequest(framing, frame, inflatedLimit);
      bytes = plain.length;
      request = parseRequest(framing, plain);
    } catch (error) {
      if (error instanceof EnvelopeError) return 'malformed';
      throw error;
    } finally {
      if (bytes > SMALL_BYTES && bytes > declared) this.#take(connection, bytes - declared);
    }
    if (exceedsBytes(request.msgIncr, MAX_ID_BYTES)) return 'malformed';
    return request.sendID === connection.user.userID ? request : 'sender';
  }

  #context(connection: Connection, operationID: string): CallContext {
    const { user, platformID, id } = connection;
    return {
      tenant: user.tenant,
      operationID: operationID === '' ? randomId() : operationID,
      deadline: Date.now() + this.#deps.timeoutMs,
      opUserID: user.userID,
      opPlatformID: platformID,
      opAdmin: this.#deps.tenants.get(user.tenant)?.adminUserIDs.includes(user.userID) ?? false,
      connID: id,
    };
  }

  /** Waits until deliveries are complete, at most until the request's deadline. @throws ImError 90004. */
  async #waitForSubscriptions(connection: Connection, ctx: CallContext): Promise<void> {
    const { promise: timeout, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new ImError(ERR.NetworkError, 'deliveries are not complete yet'));
    }, ctx.deadline - Date.now());
    try {
      await Promise.race([connection.user.complete, timeout]);
    } catch (error) {
      connection.answeredEarly = true;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #answer(
    connection: Connection,
    { reqIdentifier, msgIncr, operationID }: RequestEnvelope,
    errCode: number,
    errMsg: string,
    data: Uint8Array | null,
  ): void {
    const framing = framingAt(connection.framing);
    let payload = encodeResponse(framing, { reqIdentifier, msgIncr, operationID, errCode, errMsg, data });
    if (payload.length > MAX_ANSWER_FRAME_BYTES) {
      const tooLarge = new ImError(ERR.ServerInternalError);
      this.#deps.log.error(
        { tenant: connection.user.tenant, operationID, reqIdentifier },
        'answer too large',
      );
      const error = { errCode: tooLarge.code, errMsg: tooLarge.errMsg, data: null };
      payload = encodeResponse(framing, { reqIdentifier, msgIncr, operationID, ...error });
    }
    connection.send(binaryFrame(payload), 'reply');
    connection.flush();
  }

  #report(ctx: CallContext, reqIdentifier: number, error: ImError): void {
    const fields = { ...callFields(ctx), reqIdentifier, err: error };
    if (error.code === ERR.ServerInternalError || error.code >= ERR.CallbackError) {
      this.#deps.log.warn(fields, 'request failed');
    } else {
      this.#deps.log.debug(fields, 'request refused');
    }
  }
}

/** Whether a text has more bytes; the usual short one is not counted. */
function exceedsBytes(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && Buffer.byteLength(text) > bytes;
}

/** @throws ImError 500 unless the request has both ids. */
function checkIds({ operationID, msgIncr }: RequestEnvelope): void {
  if (operationID === '' || msgIncr === '') {
    throw new ImError(ERR.ServerInternalError, 'operationID and msgIncr must not be empty');
  }
}
