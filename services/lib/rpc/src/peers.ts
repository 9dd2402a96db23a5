import { type CallContext, QueueFullError, remainingMs, withSpan } from '@im/kit';
import { type Logger, notReady, READY, type Readiness } from '@im/process';
import { argsError, ERR, ImError } from '@im/protocol';
import type { ReportCall } from './call-metrics.ts';
import type { AnyMessage, Method } from './contract.ts';
import { type Endpoint, hasNames, resolveEndpoints } from './endpoints.ts';
import { callError, timedOut } from './errors.ts';
import type { RpcConfig } from './options.ts';
import { PendingCall } from './pending-call.ts';
import { Pipe } from './pipe.ts';

/** How often names are looked up again, so that processes that were added are found. */
const LOOKUP_MS = 5_000;
const FAILED_LOOKUP_MS = 500;
/** Most calls that wait for the answer of one process, or for any process to be reachable. */
const MAX_WAITING = 10_000;
/** Most bytes of their requests. */
const MAX_WAITING_BYTES = 134_217_728;
/** A call under which so many processes were lost is not given to a further one: it may be what ended them. */
const MAX_LOST = 2;

/**
 * All processes that answer for some domains. A call goes to the one with the fewest unanswered
 * calls, in turn among equals; while none is reachable it waits, up to its deadline. When a process is
 * lost, what it had not been sent goes to another, and so does, once, what may be done twice; the rest
 * fails with 90004.
 */
export class Peers {
  readonly name: string;
  readonly #endpoints: readonly Endpoint[];
  readonly #config: RpcConfig;
  readonly #log: Logger;
  readonly #key: () => string;
  readonly #pipes = new Map<string, Pipe>();
  readonly #waiting = new Set<PendingCall>();
  #waitingBytes = 0;
  #turn = 0;
  #lookup: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param key what is proved to processes that ask for it. */
  constructor(
    name: string,
    endpoints: readonly Endpoint[],
    config: RpcConfig,
    log: Logger,
    key: () => string,
  ) {
    this.name = name;
    this.#endpoints = endpoints;
    this.#config = config;
    this.#log = log;
    this.#key = key;
    void this.#resolve();
  }

  ready(): Readiness {
    for (const pipe of this.#pipes.values()) if (pipe.up) return READY;
    return notReady(`no process answers at ${this.name}`);
  }

  async call(method: Method, ctx: CallContext, request: AnyMessage, report: ReportCall): Promise<AnyMessage> {
    const startedAt = performance.now();
    const span = ctx.span?.child(method.label, { kind: 'client' });
    try {
      if (remainingMs(ctx) === 0) throw timedOut(method.label);
      const bytes = method.request.encode(request);
      if (bytes.length > this.#config.maxMessageBytes) {
        throw argsError(`${method.label}: a request of ${bytes.length} bytes exceeds rpc.maxMessageBytes`);
      }
      const call = new PendingCall(method, withSpan(ctx, span), bytes);
      this.#dispatch(call);
      const answer = await call.answer;
      span?.end();
      report(0, (performance.now() - startedAt) / 1_000);
      return answer;
    } catch (error) {
      const failure = callError(error);
      span?.end(failure);
      report(failure.code, (performance.now() - startedAt) / 1_000);
      throw failure;
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#lookup);
    for (const pipe of this.#pipes.values()) pipe.close();
    for (const call of this.#waiting) call.fail(stopping());
    this.#waiting.clear();
    this.#waitingBytes = 0;
  }

  /** Calls without an answer, those that wait for a process included. */
  get inFlight(): number {
    let sum = this.#waiting.size;
    for (const pipe of this.#pipes.values()) sum += pipe.inFlight;
    return sum;
  }

  /** Bytes of their requests. */
  get bytes(): number {
    let sum = this.#waitingBytes;
    for (const pipe of this.#pipes.values()) sum += pipe.bytes;
    return sum;
  }

  /** Bytes that came of answers in pieces whose rest is awaited. */
  get pieceBytes(): number {
    let sum = 0;
    for (const pipe of this.#pipes.values()) sum += pipe.pieceBytes;
    return sum;
  }

  #dispatch(call: PendingCall): void {
    if (call.settled) return;
    if (this.#closed) {
      call.fail(stopping());
      return;
    }
    const pipe = this.#pick();
    const bytes = pipe?.bytes ?? this.#waitingBytes;
    if ((pipe?.inFlight ?? this.#waiting.size) >= MAX_WAITING) {
      call.fail(callError(new QueueFullError(`${MAX_WAITING} calls wait for ${this.name}`)));
    } else if (bytes > 0 && bytes + call.size > MAX_WAITING_BYTES) {
      call.fail(callError(new QueueFullError(`${bytes} bytes of calls wait for ${this.name}`)));
    } else if (pipe) {
      pipe.send(call);
    } else {
      this.#waiting.add(call);
      this.#waitingBytes += call.size;
      const forget = () => {
        if (this.#waiting.delete(call)) this.#waitingBytes -= call.size;
      };
      call.answer.then(forget, forget);
    }
  }

  /** The least busy process; the search starts one further each time. */
  #pick(): Pipe | undefined {
    const up = [...this.#pipes.values()].filter((pipe) => pipe.up);
    if (up.length < 2) return up[0];
    this.#turn = (this.#turn + 1) % up.length;
    let best: Pipe | undefined;
    for (let i = 0; i < up.length; i++) {
      const pipe = up[(this.#turn + i) % up.length];
      if (pipe && (!best || pipe.inFlight < best.inFlight)) best = pipe;
    }
    return best;
  }

  #sendWaiting(): void {
    const calls = [...this.#waiting];
    this.#waiting.clear();
    this.#waitingBytes = 0;
    for (const call of calls) this.#dispatch(call);
  }

  #reassign(sent: readonly PendingCall[], unsent: readonly PendingCall[]): void {
    for (const call of unsent) this.#dispatch(call);
    for (const call of sent) {
      if (call.method.idempotent && call.lost() < MAX_LOST) this.#dispatch(call);
      else
        call.fail(
          new ImError(ERR.NetworkError, `${call.method.label}: the connection broke before the answer`),
        );
    }
  }

  /** Never rejects: a failed look-up keeps what is known and is tried again. */
  async #resolve(): Promise<void> {
    let again = LOOKUP_MS;
    try {
      const addresses = await resolveEndpoints(this.#endpoints);
      if (this.#closed) return;
      this.#adopt(addresses);
    } catch (error) {
      this.#log.warn({ peers: this.name, err: error }, 'rpc peers cannot be looked up');
      again = FAILED_LOOKUP_MS;
    }
    if (this.#closed || !hasNames(this.#endpoints)) return;
    this.#lookup = setTimeout(() => void this.#resolve(), again);
  }

  #adopt(addresses: ReadonlySet<string>): void {
    for (const [address, pipe] of this.#pipes) {
      if (addresses.has(address)) continue;
      this.#pipes.delete(address);
      pipe.retire();
    }
    for (const address of addresses) {
      if (this.#pipes.has(address)) continue;
      const events = {
        onUp: () => this.#sendWaiting(),
        onDown: (sent: readonly PendingCall[], unsent: readonly PendingCall[]) =>
          this.#reassign(sent, unsent),
      };
      this.#pipes.set(address, new Pipe(address, this.#config, events, this.#log, this.#key));
    }
  }
}

function stopping(): ImError {
  return new ImError(ERR.NetworkError, 'the process stops');
}
