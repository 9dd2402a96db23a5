import type { Blob } from '@im/blob';
import type { Bus } from '@im/bus';
import type { ServerConfig } from '@im/contract';
import {
  type BaseDeps,
  type LiveDeps,
  type Need,
  READY,
  type Readiness,
  type ServiceModule,
} from '@im/process';
import type { Domain } from '@im/protocol';
import type { DomainService, RpcRegistry } from '@im/rpc';
import type { Store } from '@im/store';

/** What a process has for its domains besides {@link BaseDeps}. */
interface Parts {
  readonly rpc: RpcRegistry;
  readonly store: Store;
  readonly bus: Bus;
  readonly blob: Blob;
}

/** What a domain gets of its process: RPC and the store, and the further parts that it requires. */
export type DomainDeps<R extends Need = never> = BaseDeps &
  Partial<Pick<LiveDeps, 'live'>> &
  Pick<Parts, 'rpc' | 'store' | R>;

/** What a domain is built from. */
export type DomainContext<R extends Need = never> = DomainDeps<R> & {
  /** The settings at the start of the process. */
  readonly config: ServerConfig;
  /** The limits in force, which may change while the process runs. */
  readonly limits: () => ServerConfig['limits'];
};

/** A domain that was built. Most have methods alone. */
export interface BuiltDomain<N extends Domain> {
  readonly methods: DomainService<N>;
  /** Begins periodic work. */
  start?(): void;
  /** Ends what {@link start} began and the task runner does not end. */
  stop?(): void;
  /** @default ready at once */
  ready?(): Readiness;
}

/** A domain as the entry sees it. */
export interface DomainModule<N extends Domain, R extends Need = never> extends ServiceModule<DomainDeps<R>> {
  readonly name: N;
}

/** How {@link domainService} builds a domain. */
export interface DomainDefinition<N extends Domain, R extends Need> {
  /** Parts of the process that the domain requires besides `rpc` and `store`. @default none */
  readonly requires?: readonly R[];
  /** Builds the domain without I/O; its `log` carries the domain's name. */
  build(context: DomainContext<R>): BuiltDomain<N>;
}

/** A service that answers the calls of one domain. */
export function domainService<const N extends Domain, const R extends Need = never>(
  name: N,
  { requires = [], build }: DomainDefinition<N, R>,
): DomainModule<N, R> {
  return {
    name,
    needs: ['rpc', 'store', ...requires],
    async create(config, deps) {
      const limits = () => (deps.live?.current ?? config).limits;
      const log = deps.log.child({ part: name });
      const domain = build({ ...deps, log, config, limits });
      deps.rpc.bind(name, domain.methods);
      return {
        async start() {
          domain.start?.();
        },
        async stop() {
          domain.stop?.();
        },
        ready: () => domain.ready?.() ?? READY,
      };
    },
  };
}
