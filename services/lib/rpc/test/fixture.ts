import { ServerConfig, type ServerConfigInput } from '@im/contract';
import type { Metrics, Tracing } from '@im/kit';
import { createLiveConfig, createMetrics, type Logger, silentLogger } from '@im/process';
import type { Domain } from '@im/protocol';
import { createRpc, type DomainService, type RpcRegistry } from '../src/index.ts';

/** A registry under test and its metrics. */
export interface Peer extends AsyncDisposable {
  readonly rpc: RpcRegistry;
  readonly metrics: Metrics;
  /** Takes another config over while it runs. */
  reconfigure(config: ServerConfig): void;
}

/** A config that listens on free loopback ports and finds `user` at the given addresses. */
export function loopbackConfig(
  user: { port?: number; addresses?: string[] },
  rpc: ServerConfigInput['rpc'] = {},
) {
  return ServerConfig.parse({
    listen: { host: '127.0.0.1' },
    rpc: { ...rpc, domains: { user: { port: 0, ...user }, msg: { port: 0, addresses: ['127.0.0.1:9'] } } },
  } satisfies ServerConfigInput);
}

/** A started registry; an implementation may leave out methods that the test does not call. */
export async function startPeer<D extends Domain>(
  config: ServerConfig,
  domain?: D,
  implementation?: Partial<DomainService<D>>,
  { log = silentLogger(), tracing }: { readonly log?: Logger; readonly tracing?: Tracing | undefined } = {},
): Promise<Peer> {
  const metrics = createMetrics();
  const live = createLiveConfig(config);
  const rpc = createRpc(config, { log, metrics, live, tracing });
  if (domain && implementation) rpc.bind(domain, implementation as DomainService<D>);
  else if (domain) rpc.client(domain);
  await rpc.start();
  return {
    rpc,
    metrics,
    reconfigure: (next) => void live.apply(next),
    [Symbol.asyncDispose]: () => rpc.stop(AbortSignal.timeout(1_000)),
  };
}

/** The port of a started peer's domain. */
export function portOf(peer: Peer, domain: Domain): number {
  const port = peer.rpc.ports().get(domain);
  if (port === undefined) throw new Error(`${domain} does not listen`);
  return port;
}
