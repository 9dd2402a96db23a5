import { type ServerDuplexStream, status as Status } from '@grpc/grpc-js';
import { type CallContext, type CallScope, isTenantId, type Logger } from '@im/kit';
import { argsError, ERR, make } from '@im/protocol';
import { asBuffer, type Call, decodeFrame, encodeFrame, type Reply, TickWriter } from './frames.ts';
import { handleCall, type ServedMethod } from './handle.ts';

type Stream = ServerDuplexStream<Buffer, Buffer>;

/** The server's side of the pipes: every call runs on its own, and answers of a tick go in one message. */
export class PipeServer {
  readonly #methods: ReadonlyMap<string, ServedMethod>;
  readonly #maxMessageBytes: number;
  readonly #log: Logger;
  readonly #streams = new Set<Stream>();
  #draining = false;

  constructor(methods: ReadonlyMap<string, ServedMethod>, maxMessageBytes: number, log: Logger) {
    this.#methods = methods;
    this.#maxMessageBytes = maxMessageBytes;
    this.#log = log;
  }

  /** Asks every caller to go elsewhere. They end their streams when they have their answers. */
  drain(): void {
    this.#draining = true;
    for (const stream of this.#streams) stream.write(encodeFrame({ draining: true }));
  }

  accept(stream: Stream): void {
    this.#streams.add(stream);
    const running = new Map<number, CallScope | undefined>();
    let ended = false;
    const writer = new TickWriter<Reply>(
      (replies) => {
        if (this.#streams.has(stream)) stream.write(encodeFrame({ replies }));
      },
      (reply) => reply.response.length,
    );
    const endWhenIdle = () => {
      if (!ended || running.size > 0) return;
      writer.flush();
      stream.end();
    };
    stream.write(encodeFrame({ hello: !this.#draining, draining: this.#draining }));
    const take = (call: Call) => {
      running.set(call.id, undefined);
      const onScope = (scope: CallScope) => void running.set(call.id, scope);
      void this.#answer(call, onScope).then((reply) => {
        running.delete(call.id);
        writer.push(reply);
        endWhenIdle();
      });
    };
    stream.on('data', (bytes: Buffer) => {
      try {
        const { calls, cancelled } = decodeFrame(bytes);
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
      for (const scope of running.values()) scope?.cancel();
    };
    stream.on('cancelled', forget);
    stream.on('close', forget);
    stream.on('error', (error: Error) => {
      forget();
      this.#log.info({ peer: stream.getPeer(), reason: error.message }, 'rpc caller lost');
    });
  }

  /** Never rejects. */
  async #answer(call: Call, onScope: (scope: CallScope) => void): Promise<Reply> {
    const served = this.#methods.get(call.method);
    if (!served) {
      return make('rpc.Reply', {
        id: call.id,
        code: ERR.ServerInternalError,
        errMsg: 'NotImplemented',
        detail: `${call.method} is not served here`,
      });
    }
    const outcome = await handleCall(
      served,
      this.#log,
      () => contextOf(call),
      () => served.method.request.decode(asBuffer(call.request)),
      onScope,
    );
    if ('failure' in outcome) {
      const { code, errMsg, detail } = outcome.failure;
      return make('rpc.Reply', { id: call.id, code, errMsg, detail });
    }
    const response = served.method.response.encode(outcome.answer);
    if (response.length <= this.#maxMessageBytes) return make('rpc.Reply', { id: call.id, response });
    this.#log.error({ method: call.method, bytes: response.length }, 'an answer exceeds rpc.maxMessageBytes');
    return make('rpc.Reply', {
      id: call.id,
      code: ERR.ServerInternalError,
      errMsg: 'ServerInternalError',
      detail: `${call.method}: an answer of ${response.length} bytes exceeds rpc.maxMessageBytes`,
    });
  }
}

function contextOf(call: Call): CallContext {
  const { tenant, operationID, opUserID, opPlatformID, opAdmin, connID } = call;
  if (!isTenantId(tenant)) throw argsError('the call names no tenant');
  if (operationID === '') throw argsError('the call has no operationID');
  const deadline = Date.now() + call.timeoutMs;
  return { tenant, operationID, deadline, opUserID, opPlatformID, opAdmin, connID };
}
