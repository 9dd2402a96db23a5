import type { PushSettings, TenantId } from '@im/contract';
import type { Logger } from '@im/process';
import { createProviders, type ProviderSet, type PushProvider } from '@im/push-providers';
import { ProviderQueue } from './provider-queue.ts';

/** The providers of one tenant in use. */
export interface TenantProviders {
  readonly settings: PushSettings;
  readonly set: ProviderSet;
  queueOf(provider: PushProvider): ProviderQueue;
}

export interface TenantProvidersDeps {
  /** What is in force for a tenant. */
  readonly settingsOf: (tenant: TenantId) => PushSettings;
  /** In place of providers where a tenant has none; undefined: nothing. */
  readonly otherwise: PushProvider | undefined;
  readonly log: Logger;
  /** Internal networks in which webhook receivers may be. @default none */
  readonly allowedNetworks?: () => readonly string[];
  readonly create?: typeof createProviders;
  readonly callMs?: number;
}

const NO_NETWORKS: readonly string[] = [];

interface Current {
  readonly providers: TenantProviders;
  /** What they were made of, as JSON. */
  readonly source: string;
  /** The settings that were last compared: every reload of the config makes others. */
  seen: PushSettings;
  networks: readonly string[];
}

/** The providers of each tenant, made when they are first needed and again when their settings change. */
export class ProvidersByTenant {
  readonly #deps: TenantProvidersDeps;
  readonly #current = new Map<TenantId, Current>();

  constructor(deps: TenantProvidersDeps) {
    this.#deps = deps;
  }

  /** Whether any notification of the tenant would go anywhere. */
  serves(tenant: TenantId): boolean {
    return (
      this.#deps.otherwise !== undefined || Object.keys(this.#deps.settingsOf(tenant).providers).length > 0
    );
  }

  /** Undefined for a tenant without providers. */
  of(tenant: TenantId): TenantProviders | undefined {
    if (!this.serves(tenant)) {
      this.forget(tenant);
      return undefined;
    }
    const settings = this.#deps.settingsOf(tenant);
    const networks = this.#deps.allowedNetworks?.() ?? NO_NETWORKS;
    const known = this.#current.get(tenant);
    if (known?.seen === settings && known.networks === networks) return known.providers;
    const source = JSON.stringify([settings, networks]);
    if (known?.source === source) {
      known.seen = settings;
      known.networks = networks;
      return known.providers;
    }
    this.forget(tenant);
    const providers = this.#create(tenant, settings, networks);
    this.#current.set(tenant, { providers, source, seen: settings, networks });
    return providers;
  }

  /** Ends the connections of a tenant's providers; calls in progress go on. */
  forget(tenant: TenantId): void {
    const known = this.#current.get(tenant);
    this.#current.delete(tenant);
    known?.providers.set.close();
  }

  close(): void {
    for (const tenant of [...this.#current.keys()]) this.forget(tenant);
  }

  /** All queues, for metrics. */
  *queues(): Generator<ProviderQueue> {
    for (const { providers } of this.#current.values())
      for (const provider of providers.set.all) yield providers.queueOf(provider);
  }

  #create(tenant: TenantId, settings: PushSettings, allowedNetworks: readonly string[]): TenantProviders {
    const { create = createProviders, otherwise, log, callMs } = this.#deps;
    const made = create(settings, { allowedNetworks });
    const set = made.all.length > 0 || !otherwise ? made : only(otherwise, made);
    for (const { provider, fault } of set.faults)
      log.error(
        { tenant, provider, fault },
        'a push provider has unusable credentials; correct the settings of the tenant',
      );
    const { concurrency, devicesPerSecond } = settings;
    const queues = new Map(
      set.all.map((provider) => {
        let failing = false;
        const onError = (err: unknown) => {
          // The others that follow are counted.
          log[failing ? 'debug' : 'warn'](
            { tenant, provider: provider.name, err },
            'a push provider gave no answer',
          );
          failing = true;
        };
        const limits = { concurrency, devicesPerSecond };
        return [
          provider,
          new ProviderQueue({ provider, limits, onError, ...(callMs !== undefined && { callMs }) }),
        ];
      }),
    );
    return {
      // What stands in for providers shows no badge, so none is read or counted for it.
      settings: set === made ? settings : { ...settings, badge: false },
      set,
      queueOf(provider) {
        const queue = queues.get(provider);
        if (!queue) throw new TypeError(`${provider.name} is not a provider of this tenant`);
        return queue;
      },
    };
  }
}

/** A set of one provider that takes all users by alias. */
function only(provider: PushProvider, { faults }: ProviderSet): ProviderSet {
  return {
    all: [provider],
    ofKind: () => undefined,
    takesTokens: false,
    aliases: [{ provider, users: 'all' }],
    faults,
    close: () => provider.close(),
  };
}
