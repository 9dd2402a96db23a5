import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ServerDuplexStream, status as Status } from '@grpc/grpc-js';
import { isTenantId } from '@im/contract';
import {
  type CallContext,
  type CallScope,
  type ClusterKey,
  NO_TRACING,
  type Span,
  type Tracing,
  withSpan,
} from '@im/kit';
import { callFields, type Logger } from '@im/process';
import { argsError, ERR, ImError, make } from '@im/protocol';
import { CallerAdmission } from './admission.ts';
import type { AnyMessage, Method } from './contract.ts';
import { callError } from './errors.ts';
import { asBuffer, type Call, decodeFrame, encodeFrame, type Reply, TickWriter } from './frames.ts';
import { handleCall, type ServedMethod } from './handle.ts';

type Stream = ServerDuplexStream<Buffer, Buffer>;

/** Most calls that one process works on at once; further ones are refused with a code to try again. */
const MAX_RUNNING = 20_000;
/** Most bytes of their requests. */
const MAX_RUNNING_BYTES = 268_435_456;

/** Most bytes of answers, as parts of the largest one, that wait to be written in pieces. */
const LARGEST_ANSWERS = 2;
/** Bytes that are encoded before others have their turn. */
const TURN_BYTES = 262_144;

/** Largest answers. */
export interface AnswerLimits {
  /** In one piece. */
  readonly maxMessageBytes: number;
  /** In all its pieces. */
  readonly maxAnswerBytes: number;
}

/** Who may call. */
export interface Admission {
  /** The key of the cluster as it is now. */
  key(): ClusterKey;
  /** Called for each caller that is refused. */
  refused(): void;
}

/** The server's side of the pipes: every call runs on its own, and answers of a tick go in one message. */
export class PipeServer {
  readonly #methods: ReadonlyMap<string, ServedMethod>;
  readonly #limits: AnswerLimits;
  readonly #log: Logger;
  readonly #streams = new Map<Stream, CallerAdmission>();
  readonly #refused: () => void;
  readonly #admission: Admission;
  readonly #tracing: Tracing;
  #draining = false;
  /** Calls of all streams that are worked on. */
  #running = 0;
  #runningBytes = 0;
  /** Bytes of pieces that were not written yet. */
  #pieceBytes = 0;

  /** @param refused called for each call that is refused because too many are worked on. */
  constructor(
    methods: ReadonlyMap<string, ServedMethod>,
    limits: AnswerLimits,
    log: Logger,
    refused: () => void = () => {},
    admission: Admission = { key: () => ({ key: '', acceptMissingKey: true }), refused: () => {} },
    tracing: Tracing = NO_TRACING,
  ) {
    this.#tracing = tracing;
    this.#admission = admission;
    this.#refused = refused;
    this.#methods = methods;
    this.#limits = limits;
    this.#log = log;
  }

  /** Calls that are worked on now. */
  get running(): number {
    return this.#running;
  }

  /** Bytes of their requests. */
  get runningBytes(): number {
    return this.#runningBytes;
  }

  /** Bytes of answers in pieces that wait to be written. */
  get pieceBytes(): number {
    return this.#pieceBytes;
  }

  /** Asks every caller to go elsewhere. They end their streams when they have their answers. */
  drain(): void {
    this.#draining = true;
    for (const stream of this.#streams.keys()) stream.write(encodeFrame({ draining: true }));
  }

  /** The key has changed: callers that have not proved that they know it are asked. */
  keyChanged(): void {
    const now = this.#admission.key();
    for (const admission of [...this.#streams.values()]) admission.ask(now);
  }

  accept(stream: Stream): void {
    const running = new Map<number, CallScope | undefined>();
    let ended = false;
    const writer = new TickWriter<Reply>(
      (replies) => {
        for (const { more, response } of replies) if (more) this.#pieceBytes -= response.length;
        if (!this.#streams.has(stream) || stream.write(encodeFrame({ replies }))) return true;
        // A caller that does not read its answers asks for no more meanwhile.
        stream.pause();
        return false;
      },
      (reply) => reply.response.length,
    );
    stream.on('drain', () => {
      writer.resume();
      if (!writer.blocked) stream.resume();
    });
    const endWhenIdle = () => {
      if (!ended || running.size > 0) return;
      writer.flush();
      stream.end();
    };
    const admission = new CallerAdmission(this.#admission.key(), {
      challenge: (challenge) => void stream.write(encodeFrame({ challenge })),
      admit: () => void stream.write(encodeFrame({ hello: !this.#draining, draining: this.#draining })),
      refuse: () => {
        this.#admission.refused();
        this.#log.warn({ peer: stream.getPeer() }, 'rpc caller without the key of the cluster refused');
        const status = { code: Status.UNAUTHENTICATED, details: 'rpc.key differs from that of this process' };
        stream.emit('error', Object.assign(new Error(status.details), status));
      },
    });
    this.#streams.set(stream, admission);
    const take = (call: Call) => {
      const size = call.request.length;
      if (this.#running >= MAX_RUNNING || this.#runningBytes + size > MAX_RUNNING_BYTES) {
        this.#refused();
        writer.push(overloaded(call));
        return;
      }
      this.#running++;
      this.#runningBytes += size;
      running.set(call.id, undefined);
      const onScope = (scope: CallScope) => void running.set(call.id, scope);
      void this.#answer(call, writer, onScope).then((reply) => {
        this.#running--;
        this.#runningBytes -= size;
        running.delete(call.id);
        writer.push(reply);
        endWhenIdle();
      });
    };
    stream.on('data', (bytes: Buffer) => {
      try {
        const { calls, cancelled, proof } = decodeFrame(bytes);
        if (!admission.take(proof)) return;
        calls.forEach(take);
        for (const id of cancelled) running.get(id)?.cancel();
      } catch (error) {
        // This is how grpc-js ends a call with a status.
        const status = { code: Status.INVALID_ARGUMENT, details: 'an unreadable frame', cause: error };
        stream.emit('error', Object.assign(new Error(status.details), status));
      }
    });
    stream.on('end', () => {
      ended = true;
      endWhenIdle();
    });
    const forget = () => {
      this.#streams.delete(stream);
      admission.close();
      for (const scope of running.values()) scope?.cancel();
      // What still waits for this caller is dropped, since its stream is gone.
      writer.resume();
    };
    stream.on('cancelled', forget);
    stream.on('close', forget);
    stream.on('error', (error: Error) => {
      forget();
      this.#log.info({ peer: stream.getPeer(), reason: error.message }, 'rpc caller lost');
    });
  }

  /** Never rejects. */
  async #answer(call: Call, writer: TickWriter<Reply>, onScope: (scope: CallScope) => void): Promise<Reply> {
    const served = this.#methods.get(call.method);
    if (!served) {
      return make('rpc.Reply', {
        id: call.id,
        code: ERR.ServerInternalError,
        errMsg: 'NotImplemented',
        detail: `${call.method} is not served here`,
      });
    }
    const { method } = served;
    const span = this.#tracing.tracer?.resume(
      call.traceparent,
      // Items of a batch have their own tenants.
      method.partial ? '' : call.tenant,
      method.label,
      { kind: 'server' },
    );
    let answered = false;
    const onPartial = (answer: object) => {
      if (answered) return;
      const response = method.response.encode(answer as AnyMessage);
      writer.push(make('rpc.Reply', { id: call.id, response, partial: true }));
    };
    const outcome = await handleCall(
      served,
      this.#log,
      () =>
        call.partial && method.partial ? { ...contextOf(call, span), onPartial } : contextOf(call, span),
      () => method.request.decode(asBuffer(call.request)),
      onScope,
    );
    answered = true;
    span?.end('failure' in outcome ? outcome.failure : undefined);
    if ('failure' in outcome) {
      const { code, errMsg, detail } = outcome.failure;
      return make('rpc.Reply', { id: call.id, code, errMsg, detail });
    }
    try {
      return await this.#written(call, method, outcome.answer, writer);
    } catch (error) {
      const { tenant, operationID } = call;
      const fields = callFields({ tenant, operationID, ...(span && { span }) });
      this.#log.warn({ ...fields, method: call.method, err: error }, 'answer not written');
      const { code, errMsg, detail } = callError(error);
      return make('rpc.Reply', { id: call.id, code, errMsg, detail });
    }
  }

  /** The reply that holds the answer, or the end of it behind the pieces that were handed to the writer. */
  async #written(call: Call, method: Method, answer: AnyMessage, writer: TickWriter<Reply>): Promise<Reply> {
    if (!method.pieces.long(answer)) {
      const response = method.response.encode(answer);
      if (response.length <= this.#limits.maxMessageBytes)
        return make('rpc.Reply', { id: call.id, response });
    }
    const pieces = await this.#cut(call, method, answer);
    const response = pieces.pop() as Buffer;
    for (const piece of pieces) writer.push(make('rpc.Reply', { id: call.id, response: piece, more: true }));
    return make('rpc.Reply', { id: call.id, response });
  }

  /**
   * The answer as one piece when it fits, else as several, which count as waiting from now on. Others have their turn
   * while a large answer is encoded.
   * @throws ImError 1001 when it is too large for its caller, 429 when too much waits already.
   */
  async #cut(call: Call, { label, pieces }: Method, answer: AnyMessage): Promise<Buffer[]> {
    const { maxMessageBytes, maxAnswerBytes } = this.#limits;
    const bits: Buffer[] = [];
    let total = 0;
    let turn = 0;
    let counted = 0;
    try {
      for (const bit of pieces.encode(answer)) {
        total += bit.length;
        turn += bit.length;
        bits.push(bit);
        const most = call.pieces && bit.length <= maxMessageBytes ? maxAnswerBytes : maxMessageBytes;
        if (total > most) throw argsError(tooLarge(label, most, most === maxAnswerBytes));
        if (total > maxMessageBytes) {
          const others = this.#pieceBytes - counted;
          if (others > 0 && others + total > LARGEST_ANSWERS * maxAnswerBytes) {
            throw new ImError(ERR.TooManyRequests, `${label}: too many large answers wait to be written`);
          }
          this.#pieceBytes += total - counted;
          counted = total;
        }
        if (turn >= TURN_BYTES) {
          turn = 0;
          await nextTurn();
        }
      }
    } catch (error) {
      this.#pieceBytes -= counted;
      throw error;
    }
    if (counted === 0) return [Buffer.concat(bits)];
    // The last one goes with the reply itself.
    this.#pieceBytes -= bits.at(-1)?.length ?? 0;
    return bits;
  }
}

function tooLarge(label: string, most: number, inAll: boolean): string {
  const limit = inAll ? 'rpc.maxAnswerBytes' : 'rpc.maxMessageBytes';
  return `${label}: the answer exceeds ${limit} (${most} bytes); ask for fewer entries at once`;
}

function contextOf(call: Call, span: Span | undefined): CallContext {
  const { tenant, operationID, opUserID, opPlatformID, opAdmin, connID } = call;
  if (!isTenantId(tenant)) throw argsError('the call names no tenant');
  if (operationID === '') throw argsError('the call has no operationID');
  const deadline = Date.now() + call.timeoutMs;
  const ctx = { tenant, operationID, deadline, opUserID, opPlatformID, opAdmin, connID };
  return withSpan(ctx, span);
}

function overloaded({ id, method }: Call): Reply {
  const { code, errMsg, detail } = new ImError(ERR.TooManyRequests, `${method}: the process is overloaded`);
  return make('rpc.Reply', { id, code, errMsg, detail });
}
