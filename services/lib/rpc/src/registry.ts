import type { ServerConfig } from '@im/contract';
import type { CallContext, Metrics, Tracing } from '@im/kit';
import { type LiveConfig, type Logger, notReady, READY, type Readiness, type Service } from '@im/process';
import { type Domain, ERR, ImError } from '@im/protocol';
import { callMetrics, type ReportCall, type Side } from './call-metrics.ts';
import { type AnyMessage, type DomainService, type Handler, type Method, methodsOf } from './contract.ts';
import { callDirect, callEncoded } from './direct.ts';
import { isLoopback, parseEndpoints } from './endpoints.ts';
import { Peers } from './peers.ts';
import { RpcServer } from './server.ts';

/** One typed client per domain; a caller need not know whether a call crosses processes. */
export interface RpcRegistry extends Service {
  /**
   * Makes this process the home of a domain: its clients here call `implementation` directly, and
   * other processes reach it by gRPC when the registry serves. Bind before `start`.
   * @throws when the domain is bound already.
   */
  bind<D extends Domain>(domain: D, implementation: DomainService<D>): void;
  /** The client of a domain, the same object each time. It may be asked for before the domain is bound. */
  client<D extends Domain>(domain: D): DomainService<D>;
  /** Ports that bound domains listen on, once started. */
  ports(): ReadonlyMap<Domain, number>;
}

export interface RpcOptions {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Opens the ports of bound domains; without it they are reached in this process only. @default true */
  readonly serve?: boolean;
  /** Where `rpc.key` and `rpc.acceptMissingKey` are read; without it they stay what the config says. */
  readonly live?: LiveConfig | undefined;
  /** @default off */
  readonly tracing?: Tracing | undefined;
}

/** Makes the registry of a process, which has one. */
export function createRpc(config: ServerConfig, options: RpcOptions): RpcRegistry {
  return new Registry(config, options);
}

class Registry implements RpcRegistry {
  readonly #config: ServerConfig;
  readonly #log: Logger;
  readonly #serve: boolean;
  readonly #metrics: Metrics;
  readonly #reporter: (method: Method, side: Side) => ReportCall;
  readonly #bound = new Map<Domain, ReadonlyMap<string, Handler>>();
  readonly #clients = new Map<Domain, unknown>();
  readonly #peers = new Map<string, Peers>();
  readonly #ports = new Map<Domain, number>();
  readonly #live: LiveConfig | undefined;
  readonly #tracing: Tracing | undefined;
  #server: RpcServer | undefined;
  #closed = false;
  /** A key that was taken away is still proved: servers may learn later than we that there is none. */
  #lastKey: string;
  #unsubscribe: (() => void) | undefined;

  constructor(config: ServerConfig, { log, metrics, serve = true, live, tracing }: RpcOptions) {
    this.#tracing = tracing;
    this.#config = config;
    this.#live = live;
    this.#lastKey = this.#rpc.key;
    this.#unsubscribe = live?.onChange(({ rpc: { key } }) => {
      if (key !== '') this.#lastKey = key;
      this.#server?.keyChanged();
    });
    this.#log = log.child({ part: 'rpc' });
    this.#serve = serve;
    this.#reporter = callMetrics(metrics);
    this.#metrics = metrics;
    const all = () => [...this.#peers.values()];
    metrics.observe('openim_rpc_waiting', 'Calls to other processes without an answer', () =>
      all().reduce((sum, { inFlight }) => sum + inFlight, 0),
    );
    metrics.observe('openim_rpc_waiting_bytes', 'Bytes of their requests', () =>
      all().reduce((sum, { bytes }) => sum + bytes, 0),
    );
    metrics.observe('openim_rpc_piece_bytes', 'Bytes that came of large answers whose rest is awaited', () =>
      all().reduce((sum, { pieceBytes }) => sum + pieceBytes, 0),
    );
  }

  bind<D extends Domain>(domain: D, implementation: DomainService<D>): void {
    if (this.#bound.has(domain)) throw new Error(`RPC domain ${domain} is bound already`);
    this.#bound.set(domain, handlersOf(domain, implementation));
  }

  client<D extends Domain>(domain: D): DomainService<D> {
    let client = this.#clients.get(domain);
    if (client === undefined) {
      client = Object.fromEntries(methodsOf(domain).map((method) => [method.name, this.#caller(method)]));
      this.#clients.set(domain, client);
    }
    // Built from the contract's own list of methods, of which the type is generated.
    return client as DomainService<D>;
  }

  ports(): ReadonlyMap<Domain, number> {
    return this.#ports;
  }

  async start(): Promise<void> {
    for (const domain of this.#clients.keys()) {
      // The pipes open themselves from here on, so that the first call need not wait.
      if (!this.#bound.has(domain)) this.#peersOf(domain);
    }
    this.#warnOfStrangers();
    if (!this.#serve || this.#bound.size === 0) return;
    const methods = [...this.#bound].flatMap(([domain, handlers]) =>
      methodsOf(domain).map((method) => ({
        method,
        handler: handlers.get(method.name) ?? missing(method),
        report: this.#reporter(method, 'server'),
      })),
    );
    const server = new RpcServer(
      this.#config.rpc,
      methods,
      this.#log,
      this.#metrics,
      () => this.#rpc,
      this.#tracing,
    );
    this.#server = server;
    for (const domain of this.#bound.keys()) {
      const port = await server.listen(this.#config.listen.host, this.#config.rpc.domains[domain].port);
      this.#ports.set(domain, port);
      this.#log.info({ domain, port }, 'rpc listening');
    }
  }

  async stop(deadline: AbortSignal): Promise<void> {
    await this.#server?.stop(deadline);
    this.#unsubscribe?.();
    this.#closed = true;
    for (const peers of this.#peers.values()) peers.close();
  }

  ready(): Readiness {
    const waiting: string[] = [];
    for (const domain of this.#clients.keys()) {
      if (this.#bound.has(domain)) continue;
      const { ready, reason } = this.#peersOf(domain).ready();
      if (!ready) waiting.push(`${domain}: ${reason}`);
    }
    return waiting.length === 0 ? READY : notReady(waiting.join(', '));
  }

  /** The settings in force. */
  get #rpc(): ServerConfig['rpc'] {
    return (this.#live?.current ?? this.#config).rpc;
  }

  /** Other machines can reach us, or we call them, and no key is required. */
  #warnOfStrangers(): void {
    if (this.#rpc.key !== '') return;
    const { listen, rpc } = this.#config;
    const called = [...this.#clients.keys()].filter((domain) => !this.#bound.has(domain));
    const addresses = new Set(called.flatMap((domain) => rpc.domains[domain].addresses));
    const others = [...addresses].filter((address) => !isLoopback(address));
    const open = this.#serve && this.#bound.size > 0 && !isLoopback(listen.host);
    if (others.length === 0 && !open) return;
    this.#log.warn(
      { peers: others, ...(open ? { listen: listen.host } : {}) },
      'rpc.key is empty: only the network keeps strangers from calling as any user; give all processes the same key',
    );
  }

  /** The processes of a domain; domains with the same addresses share them. */
  #peersOf(domain: Domain): Peers {
    if (this.#closed) throw new ImError(ERR.NetworkError, 'the process stops');
    const { addresses } = this.#config.rpc.domains[domain];
    const name = addresses.join(',');
    let peers = this.#peers.get(name);
    if (peers === undefined) {
      const key = () => this.#lastKey;
      peers = new Peers(name, parseEndpoints(domain, addresses), this.#config.rpc, this.#log, key);
      this.#peers.set(name, peers);
    }
    return peers;
  }

  #caller(method: Method): Handler {
    const here = this.#config.rpc.encodeInProcess ? callEncoded : callDirect;
    const reportDirect = this.#reporter(method, 'direct');
    let reportClient: ReportCall | undefined;
    let peers: Peers | undefined;
    return async (ctx: CallContext, request: AnyMessage) => {
      const handlers = this.#bound.get(method.domain);
      if (handlers)
        return here(method, handlers.get(method.name) ?? missing(method), ctx, request, reportDirect);
      peers ??= this.#peersOf(method.domain);
      reportClient ??= this.#reporter(method, 'client');
      return peers.call(method, ctx, request, reportClient);
    };
  }
}

/** The methods of an implementation by name. */
function handlersOf<D extends Domain>(
  domain: D,
  implementation: DomainService<D>,
): ReadonlyMap<string, Handler> {
  // The contract's list of methods gives each its types back, on the client's side.
  const untyped = implementation as unknown as Partial<Record<string, Handler>>;
  const handlers = new Map<string, Handler>();
  for (const { name } of methodsOf(domain)) {
    const method = untyped[name];
    if (method) handlers.set(name, (ctx, request) => method.call(implementation, ctx, request));
  }
  return handlers;
}

/** Stands in for a method that an implementation does not have. */
function missing(method: Method): Handler {
  return async () => {
    throw new ImError(ERR.ServerInternalError, `${method.label} is not built`, 'NotImplemented');
  };
}
