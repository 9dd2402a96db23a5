import { type TenantDirectory, type TenantId, TokenBucket } from '@im/kit';

interface Usage {
  connections: number;
  readonly handshakes: TokenBucket;
  readonly messages: TokenBucket;
}

/** What each tenant may use of this gateway, by its quotas, which may change at any time. */
export class TenantLimits {
  readonly #tenants: TenantDirectory;
  readonly #usage = new Map<TenantId, Usage>();
  readonly #unsubscribe: () => void;

  constructor(tenants: TenantDirectory) {
    this.#tenants = tenants;
    this.#unsubscribe = tenants.onChange((id, settings) => {
      const usage = this.#usage.get(id);
      if (!usage) return;
      usage.handshakes.configure({ ratePerSecond: settings?.quotas.handshakesPerSecond ?? 0 });
      usage.messages.configure({ ratePerSecond: settings?.quotas.messagesPerSecond ?? 0 });
    });
  }

  /** Why a new connection is refused, or undefined when it isn't; takes one handshake of the budget. */
  refusal(tenant: TenantId): string | undefined {
    const usage = this.#of(tenant);
    const most = this.#tenants.get(tenant)?.quotas.connections ?? 0;
    if (most > 0 && usage.connections >= most) return 'too many connections of this tenant';
    return usage.handshakes.take() ? undefined : 'too many handshakes of this tenant';
  }

  /** Takes one message of the budget. */
  takeMessage(tenant: TenantId): boolean {
    return this.#of(tenant).messages.take();
  }

  opened(tenant: TenantId): void {
    this.#of(tenant).connections++;
  }

  closed(tenant: TenantId): void {
    this.#of(tenant).connections--;
  }

  stop(): void {
    this.#unsubscribe();
  }

  #of(tenant: TenantId): Usage {
    let usage = this.#usage.get(tenant);
    if (!usage) {
      const quotas = this.#tenants.get(tenant)?.quotas;
      usage = {
        connections: 0,
        handshakes: new TokenBucket({ ratePerSecond: quotas?.handshakesPerSecond ?? 0 }),
        messages: new TokenBucket({ ratePerSecond: quotas?.messagesPerSecond ?? 0 }),
      };
      this.#usage.set(tenant, usage);
    }
    return usage;
  }
}
