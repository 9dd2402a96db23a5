import type { Blob } from '@im/blob';
import type { Bus } from '@im/bus';
import type { ConfigOf, ServerConfig, SettingName } from '@im/contract';
import {
  type BaseDeps,
  type Dependency,
  type LiveDeps,
  READY,
  type Readiness,
  type ServiceModule,
} from '@im/process';
import type { Domain } from '@im/protocol';
import type { DomainService, RpcRegistry } from '@im/rpc';
import type { Store } from '@im/store';
import type { Webhooks } from '@im/webhooks';

/** What a process has for its domains besides {@link BaseDeps}. */
interface Parts {
  readonly rpc: RpcRegistry;
  readonly store: Store;
  readonly bus: Bus;
  readonly blob: Blob;
  readonly webhooks: Webhooks;
}

/** What a domain gets of its process: RPC and the store, and the further parts that it requires. */
export type DomainDeps<R extends Dependency = never> = BaseDeps &
  Partial<Pick<LiveDeps, 'live'>> &
  Pick<Parts, 'rpc' | 'store' | R>;

/** What a domain is built from. */
export type DomainContext<R extends Dependency = never, S extends SettingName = never> = DomainDeps<R> & {
  /** The settings that it declares, as of the start of the process. */
  readonly config: ConfigOf<S>;
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
export interface DomainModule<N extends Domain, R extends Dependency = never, S extends SettingName = never>
  extends ServiceModule<DomainDeps<R>, S | 'limits'> {
  readonly name: N;
}

/** How {@link domainService} builds a domain. */
export interface DomainDefinition<N extends Domain, R extends Dependency, S extends SettingName> {
  /** Parts of the process that the domain requires besides `rpc` and `store`. @default none */
  readonly requires?: readonly R[];
  /** What it reads of the config besides `limits`. @default none */
  readonly settings?: readonly S[];
  /** Builds the domain without I/O; its `log` carries the domain's name. */
  build(context: DomainContext<R, S>): BuiltDomain<N>;
}

/** A service that answers the calls of one domain. */
export function domainService<
  const N extends Domain,
  const R extends Dependency = never,
  const S extends SettingName = never,
>(name: N, { requires = [], settings = [], build }: DomainDefinition<N, R, S>): DomainModule<N, R, S> {
  return {
    name,
    requires: ['rpc', 'store', ...requires],
    settings: ['limits', ...settings],
    async create(declared, deps) {
      // What is declared is given; the compiler cannot tell for settings that it does not know yet.
      const config = declared as ConfigOf<S> & ConfigOf<'limits'>;
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
