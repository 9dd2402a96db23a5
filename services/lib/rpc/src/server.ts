import {
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { callFields, DEFAULT_TIMEOUT_MS, type Logger } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import type { ReportCall } from './call-metrics.ts';
import type { AnyMessage, Handler, Method } from './contract.ts';
import { callError, toStatus } from './errors.ts';
import { fromMetadata } from './metadata.ts';
import { channelOptions, type RpcConfig } from './remote.ts';

/** Connections are renewed after this time, so that callers find processes that were added. */
const MAX_CONNECTION_AGE_MS = 300_000;
const MAX_CONNECTION_AGE_GRACE_MS = 30_000;

/** The handler of one method and where its calls are reported. */
export interface ServedMethod {
  readonly method: Method;
  readonly handler: Handler;
  readonly report: ReportCall;
}

/** A gRPC server for any number of domains, on any number of ports. */
export class RpcServer {
  readonly #server: Server;
  readonly #log: Logger;

  constructor(config: RpcConfig, log: Logger) {
    this.#log = log;
    this.#server = new Server({
      ...channelOptions(config),
      'grpc.max_connection_age_ms': MAX_CONNECTION_AGE_MS,
      'grpc.max_connection_age_grace_ms': MAX_CONNECTION_AGE_GRACE_MS,
    });
  }

  add(served: readonly ServedMethod[]): void {
    const definition: Record<string, MethodDefinition<AnyMessage, AnyMessage>> = {};
    const implementation: UntypedServiceImplementation = {};
    for (const one of served) {
      const { method } = one;
      definition[method.name] = {
        path: method.path,
        requestStream: false,
        responseStream: false,
        requestSerialize: method.request.encode,
        requestDeserialize: method.request.decode,
        responseSerialize: method.response.encode,
        responseDeserialize: method.response.decode,
      };
      implementation[method.name] = (
        call: ServerUnaryCall<AnyMessage, AnyMessage>,
        answer: sendUnaryData<AnyMessage>,
      ) => {
        void this.#handle(one, call, answer);
      };
    }
    this.#server.addService(definition, implementation);
  }

  /** Opens one more port and resolves with its number. @throws when it is taken. */
  listen(host: string, port: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(new Error(`cannot listen on ${address} for RPC`, { cause: error }));
      else resolve(bound);
    });
    return promise;
  }

  /** Refuses new calls, resolves when those under way are answered; cuts them when `deadline` aborts. */
  async stop(deadline: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cut = () => {
      this.#server.forceShutdown();
      resolve();
    };
    if (deadline.aborted) cut();
    else deadline.addEventListener('abort', cut, { once: true });
    this.#server.tryShutdown(() => resolve());
    await promise;
    deadline.removeEventListener('abort', cut);
  }

  /** Never rejects: every outcome is answered. */
  async #handle(
    { method, handler, report }: ServedMethod,
    call: ServerUnaryCall<AnyMessage, AnyMessage>,
    answer: sendUnaryData<AnyMessage>,
  ): Promise<void> {
    const begun = performance.now();
    try {
      const ctx = fromMetadata(call.metadata, deadlineOf(call));
      const response = await handler(ctx, call.request).catch((error: unknown) => {
        const failure = callError(error);
        if (failure.code === ERR.ServerInternalError) {
          this.#log.error({ ...callFields(ctx), method: method.label, err: error }, 'call failed');
        }
        throw failure;
      });
      report(0, (performance.now() - begun) / 1_000);
      answer(null, response);
    } catch (error) {
      const failure = error instanceof ImError ? error : callError(error);
      report(failure.code, (performance.now() - begun) / 1_000);
      answer(toStatus(failure));
    }
  }
}

function deadlineOf(call: ServerUnaryCall<AnyMessage, AnyMessage>): number {
  const deadline = call.getDeadline();
  const at = deadline instanceof Date ? deadline.getTime() : deadline;
  return Number.isFinite(at) ? at : Date.now() + DEFAULT_TIMEOUT_MS;
}
