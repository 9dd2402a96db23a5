import { Server, ServerCredentials, type ServerDuplexStream, type ServiceDefinition } from '@grpc/grpc-js';
import { type ClusterKey, type Metrics, onAbort, type Tracing } from '@im/kit';
import type { Logger } from '@im/process';
import { EXCHANGE } from './frames.ts';
import type { ServedMethod } from './handle.ts';
import { channelOptions, type RpcConfig } from './options.ts';
import { PipeServer } from './pipe-server.ts';

/**
 * A gRPC server of this process's domains, on any number of ports, all of which serve all of them. Its one method is
 * the pipe of another process, which carries all calls.
 */
export class RpcServer {
  readonly #server: Server;
  readonly #pipes: PipeServer;

  /** @param key the key of the cluster as it is now; see {@link RpcServer.keyChanged}. */
  constructor(
    config: RpcConfig,
    methods: readonly ServedMethod[],
    log: Logger,
    metrics: Metrics,
    key: () => ClusterKey = () => config,
    tracing?: Tracing,
  ) {
    this.#server = new Server(channelOptions(config));
    const byLabel = new Map(methods.map((served) => [served.method.label, served]));
    const refused = metrics.counter('openim_rpc_server_refused_total', 'Calls refused: too many under way');
    const strangers = metrics.counter(
      'openim_rpc_unauthenticated_total',
      'Callers refused because they do not know the key of the cluster',
    );
    const admission = { key, refused: () => strangers.inc() };
    const pipes = new PipeServer(byLabel, config, log, () => refused.inc(), admission, tracing);
    this.#pipes = pipes;
    metrics.observe('openim_rpc_server_running', 'Calls of other processes under way', () => pipes.running);
    metrics.observe(
      'openim_rpc_server_running_bytes',
      'Bytes of the requests of calls under way',
      () => pipes.runningBytes,
    );
    metrics.observe(
      'openim_rpc_server_piece_bytes',
      'Bytes of large answers that wait to be written in pieces',
      () => pipes.pieceBytes,
    );
    this.#server.addService(PIPE, {
      exchange: (stream: ServerDuplexStream<Buffer, Buffer>) => this.#pipes.accept(stream),
    });
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

  /** The key of the cluster has changed. */
  keyChanged(): void {
    this.#pipes.keyChanged();
  }

  /** Sends callers elsewhere, resolves when those under way are answered; cuts them when `deadline` aborts. */
  async stop(deadline: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    using _ = onAbort(deadline, () => {
      this.#server.forceShutdown();
      resolve();
    });
    this.#pipes.drain();
    this.#server.tryShutdown(() => resolve());
    await promise;
  }
}

const asIs = (bytes: Buffer): Buffer => bytes;

const PIPE: ServiceDefinition = {
  exchange: {
    path: EXCHANGE,
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
};
