import {
  type CallOptions,
  type ChannelOptions,
  Client,
  connectivityState,
  credentials,
  status,
} from '@grpc/grpc-js';
import {
  Backoff,
  type CallContext,
  notReady,
  READY,
  type Readiness,
  remainingMs,
  type ServerConfig,
  sleep,
} from '@im/kit';
import type { ReportCall } from './call-metrics.ts';
import type { AnyMessage, Method } from './contract.ts';
import { fromStatus, isServiceError, timedOut } from './errors.ts';
import { toMetadata } from './metadata.ts';

/** Settings of calls between processes. */
export type RpcConfig = ServerConfig['rpc'];

/** What every channel and server shares. */
export function channelOptions(config: RpcConfig): ChannelOptions {
  return {
    'grpc.max_receive_message_length': config.maxMessageBytes,
    'grpc.max_send_message_length': config.maxMessageBytes,
    'grpc.keepalive_time_ms': config.keepaliveMs,
    'grpc.keepalive_timeout_ms': config.keepaliveTimeoutMs,
    'grpc.keepalive_permit_without_calls': 1,
  };
}

/** A channel to all processes of one target, calls in turn to each that is there. */
export class Remote {
  readonly target: string;
  readonly #client: Client;

  constructor(target: string, config: RpcConfig) {
    this.target = target;
    this.#client = new Client(target, credentials.createInsecure(), {
      ...channelOptions(config),
      'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.min_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2_000,
      'grpc.dns_min_time_between_resolutions_ms': 2_000,
    });
  }

  /** Whether a process answers at this target; asking also makes the channel connect. */
  ready(): Readiness {
    const state = this.#client.getChannel().getConnectivityState(true);
    return state === connectivityState.READY ? READY : notReady(`no process at ${this.target}`);
  }

  close(): void {
    this.#client.close();
  }

  /**
   * One call. While no process is there it waits, up to its deadline. What may be done twice is sent
   * again when the connection broke; everything else fails then, with 90004.
   */
  async call(method: Method, ctx: CallContext, request: AnyMessage, report: ReportCall): Promise<AnyMessage> {
    const begun = performance.now();
    let backoff: Backoff | undefined;
    for (;;) {
      try {
        const response = await this.#attempt(method, ctx, request);
        report(0, (performance.now() - begun) / 1_000);
        return response;
      } catch (thrown) {
        const error = fromStatus(thrown, method.label);
        backoff ??= new Backoff();
        const wait = backoff.next();
        if (!mayRepeat(method, thrown) || wait >= remainingMs(ctx) || ctx.signal?.aborted) {
          report(error.code, (performance.now() - begun) / 1_000);
          throw error;
        }
        // An abort during the wait ends the next attempt at once.
        await sleep(wait, ctx.signal).catch(() => undefined);
      }
    }
  }

  #attempt(method: Method, ctx: CallContext, request: AnyMessage): Promise<AnyMessage> {
    if (remainingMs(ctx) === 0) return Promise.reject(timedOut(method.label));
    const { promise, resolve, reject } = Promise.withResolvers<AnyMessage>();
    const options: CallOptions = { deadline: ctx.deadline };
    const call = this.#client.makeUnaryRequest(
      method.path,
      method.request.encode,
      method.response.decode,
      request,
      toMetadata(ctx),
      options,
      (error, response) => {
        if (response === undefined)
          reject(error ?? new Error(`${method.label}: an answer without a message`));
        else resolve(response);
      },
    );
    if (ctx.signal) cancelOnAbort(ctx.signal, call, promise);
    return promise;
  }
}

/** Whether the same call may be sent again after this failure: the connection broke, and twice is as good as once. */
function mayRepeat(method: Method, failure: unknown): boolean {
  return method.idempotent && isServiceError(failure) && failure.code === status.UNAVAILABLE;
}

/** Ends the call when the signal aborts, and leaves no listener on a signal that outlives it. */
function cancelOnAbort(signal: AbortSignal, call: { cancel(): void }, settled: Promise<unknown>): void {
  const onAbort = () => call.cancel();
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  const forget = () => signal.removeEventListener('abort', onAbort);
  settled.then(forget, forget);
}
