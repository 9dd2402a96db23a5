import { type CallContext, currentCall, remainingMs } from '@im/kit';
import { ERR, ImError, make } from '@im/protocol';
import type { AnyMessage, Method } from './contract.ts';
import { timedOut } from './errors.ts';
import { asBuffer, type Call, type Reply } from './frames.ts';

/** A call that waits for a process or for its answer. It settles once: by the answer, an error or its deadline. */
export class PendingCall {
  readonly method: Method;
  readonly answer: Promise<AnyMessage>;
  /** Bytes of the request. */
  readonly size: number;
  readonly #ctx: CallContext;
  readonly #request: Uint8Array;
  readonly #resolve: (answer: AnyMessage) => void;
  readonly #reject: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort: (() => void) | undefined;
  readonly #leaveScope: (() => void) | undefined;
  #settled = false;
  /** What came of an answer in pieces. */
  #pieces: AnyMessage | undefined;
  #pieceBytes = 0;
  /** Processes that were lost while they worked on it. */
  #lost = 0;

  constructor(method: Method, ctx: CallContext, request: Uint8Array) {
    this.method = method;
    this.size = request.length;
    this.#ctx = ctx;
    this.#request = request;
    const { promise, resolve, reject } = Promise.withResolvers<AnyMessage>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => this.fail(timedOut(method.label)), remainingMs(ctx));
    const gone = () => this.fail(new ImError(ERR.NetworkError, `${method.label}: the caller went away`));
    this.#leaveScope = currentCall()?.onCancel(gone);
    if (ctx.signal) {
      this.#onAbort = gone;
      if (ctx.signal.aborted) this.#onAbort();
      else ctx.signal.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  /** Not awaited any more: answered, failed, or out of time. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Notes that a process was lost while it worked on this. @returns how many were so far. */
  lost(): number {
    return ++this.#lost;
  }

  /** The call as it travels. */
  wire(id: number): Call {
    // What came from a process that was lost meanwhile comes again.
    this.#pieces = undefined;
    this.#pieceBytes = 0;
    const { tenant, operationID, opUserID, opPlatformID, opAdmin, connID, span } = this.#ctx;
    const call = make('rpc.Call', {
      id,
      method: this.method.label,
      tenant,
      operationID,
      timeoutMs: Math.ceil(remainingMs(this.#ctx)),
      opUserID,
      opPlatformID,
      opAdmin,
      connID,
      request: this.#request,
      partial: this.#takesParts,
      pieces: true,
    });
    if (span) call.traceparent = span.traceparent;
    return call;
  }

  get #takesParts(): boolean {
    return this.method.partial && this.#ctx.onPartial !== undefined;
  }

  /** Hands on a part of the answer; the rest is still awaited. */
  partial(reply: Reply): void {
    if (this.#settled || !this.#takesParts) return;
    try {
      this.#ctx.onPartial?.(this.method.response.decode(asBuffer(reply.response)));
    } catch (error) {
      this.fail(unreadable(this.method, error));
    }
  }

  /** Bytes of the pieces that came so far. */
  get pieceBytes(): number {
    return this.#pieceBytes;
  }

  /** Keeps a piece of the answer; the rest is still awaited. */
  piece(reply: Reply): void {
    if (this.#settled) return;
    try {
      this.#join(reply);
      this.#pieceBytes += reply.response.length;
    } catch (error) {
      this.fail(unreadable(this.method, error));
    }
  }

  #join({ response }: Reply): AnyMessage {
    const piece = this.method.response.decode(asBuffer(response));
    if (this.#pieces === undefined) this.#pieces = piece;
    else this.method.pieces.join(this.#pieces, piece);
    return this.#pieces;
  }

  succeed(reply: Reply): void {
    if (reply.code !== 0) {
      this.fail(new ImError(reply.code, reply.detail, reply.errMsg));
      return;
    }
    try {
      const answer = this.#join(reply);
      if (this.#settle()) this.#resolve(answer);
    } catch (error) {
      this.fail(unreadable(this.method, error));
    }
  }

  fail(error: ImError): void {
    if (this.#settle()) this.#reject(error);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#leaveScope?.();
    if (this.#onAbort) this.#ctx.signal?.removeEventListener('abort', this.#onAbort);
    return true;
  }
}

function unreadable({ label }: Method, cause: unknown): ImError {
  return new ImError(ERR.ServerInternalError, `${label}: an unreadable answer`, undefined, { cause });
}
