import { type TenantId, tenantId } from '@im/contract';
import {
  type Metrics,
  type RefusingLimit,
  type TenantDirectory,
  type TenantRefusals,
  TokenBucket,
  tenantRefusals,
} from '@im/kit';
import type { user } from '@im/protocol';
import type { TenantTraffic } from '../connection/tenant-traffic.ts';

/** What {@link TenantLimits} needs. */
export interface TenantLimitsDeps {
  readonly tenants: TenantDirectory;
  readonly metrics: Metrics;
  readonly traffic: Pick<TenantTraffic, 'refused'>;
}

/** Of a tenant whose connections elsewhere are not known yet, so much of its quota may be opened meanwhile. */
const UNASKED_SHARE = 0.1;

interface Usage {
  connections: number;
  /** Connections here that the other gateways may know of. */
  reported: number;
  /** What this gateway may still open until the next answer to a heartbeat; undefined before the first. */
  share: number | undefined;
  /** One was refused since the last heartbeat. */
  refused: boolean;
  readonly handshakes: TokenBucket;
  readonly messages: TokenBucket;
}

/**
 * What each tenant may use, by its quotas, which may change at any time. Rates are per gateway.
 * Connections are the tenant's on all gateways: with every heartbeat a gateway reports how many it has
 * and gets a share of what is left, reserved for it until the next one; it asks at once when its share
 * is used up. Before the first answer it may open a tenth of the quota.
 */
export class TenantLimits {
  readonly #tenants: TenantDirectory;
  readonly #refusals: TenantRefusals;
  readonly #traffic: Pick<TenantTraffic, 'refused'>;
  readonly #usage = new Map<TenantId, Usage>();
  readonly #unsubscribe: () => void;
  #onShareUsed: () => void = () => {};
  /** The user domain computes no shares: the quota holds for each gateway. */
  #alone = false;

  constructor({ tenants, metrics, traffic }: TenantLimitsDeps) {
    this.#tenants = tenants;
    this.#refusals = tenantRefusals(metrics);
    this.#traffic = traffic;
    this.#unsubscribe = tenants.onChange((id, settings) => {
      const usage = this.#usage.get(id);
      if (!usage) return;
      usage.handshakes.configure({ ratePerSecond: settings?.quotas.handshakesPerSecond ?? 0 });
      usage.messages.configure({ ratePerSecond: settings?.quotas.messagesPerSecond ?? 0 });
      // The share was computed with another quota.
      usage.share = undefined;
      this.#forgetRemoved(id, usage);
    });
  }

  /** Calls `listener` when this gateway's share of a tenant's connections is used up, or not known yet. */
  onShareUsed(listener: () => void): void {
    this.#onShareUsed = listener;
  }

  /** Tenants with a connection, a handshake or a send here. */
  get size(): number {
    return this.#usage.size;
  }

  /** Why a new connection is refused, or undefined when it isn't; takes one handshake of the budget. */
  refusal(tenant: TenantId): string | undefined {
    const full = this.full(tenant);
    if (full !== undefined || this.#of(tenant).handshakes.take()) return full;
    this.#noteRefusal(tenant, 'handshakesPerSecond');
    return 'too many handshakes of this tenant';
  }

  /** Why there is no room for a new connection, or undefined when there is. */
  full(tenant: TenantId): string | undefined {
    const most = this.#most(tenant);
    if (most === 0) return undefined;
    const usage = this.#of(tenant);
    const { connections, reported, share } = usage;
    let room = most - connections;
    if (share !== undefined) room = Math.min(room, share - (connections - reported));
    else if (!this.#alone) room = Math.min(room, Math.ceil(most * UNASKED_SHARE) - connections);
    if (room > 0) {
      if (share === undefined && !this.#alone) this.#onShareUsed();
      return undefined;
    }
    usage.refused = true;
    this.#noteRefusal(tenant, 'connections');
    this.#onShareUsed();
    return `too many connections of this tenant: quotas.connections is ${most}`;
  }

  /** Takes one message of the budget. */
  takeMessage(tenant: TenantId): boolean {
    if (this.#of(tenant).messages.take()) return true;
    this.#noteRefusal(tenant, 'messagesPerSecond');
    return false;
  }

  opened(tenant: TenantId): void {
    this.#of(tenant).connections++;
  }

  closed(tenant: TenantId): void {
    const usage = this.#of(tenant);
    usage.connections--;
    this.#forgetRemoved(tenant, usage);
  }

  /** Connections here of each tenant whose connections are limited. */
  limited(): Record<string, number> {
    const found: Record<string, number> = {};
    for (const [tenant, { connections }] of this.#usage) {
      if (this.#most(tenant) > 0) found[tenant] = connections;
    }
    return found;
  }

  /** Tenants of which a connection was refused since this was last asked. */
  atLimit(): string[] {
    const found: string[] = [];
    for (const [tenant, usage] of this.#usage) {
      if (usage.refused) found.push(tenant);
      usage.refused = false;
    }
    return found;
  }

  /** Takes what this gateway may open until its next heartbeat. @param reported connections here by tenant, as in the heartbeat. */
  learn(
    reported: Readonly<Record<string, number>>,
    { sharing, tenantShares }: Pick<user.GatewayHeartbeatResp, 'sharing' | 'tenantShares'>,
  ): void {
    // The user domain may be of a version that computes no shares.
    this.#alone = !sharing;
    if (this.#alone) return;
    for (const [name, here] of Object.entries(reported)) {
      const usage = this.#usage.get(tenantId(name));
      const share = tenantShares[name];
      if (!usage || share === undefined) continue;
      usage.reported = here;
      usage.share = share;
    }
  }

  stop(): void {
    this.#unsubscribe();
  }

  #noteRefusal(tenant: TenantId, limit: RefusingLimit): void {
    this.#refusals.note(tenant, limit);
    this.#traffic.refused(tenant);
  }

  #most(tenant: TenantId): number {
    return this.#tenants.get(tenant)?.quotas.connections ?? 0;
  }

  /** Nothing is kept of a tenant that is gone, once its last connection is. */
  #forgetRemoved(tenant: TenantId, { connections }: Usage): void {
    if (connections === 0 && !this.#tenants.get(tenant)) this.#usage.delete(tenant);
  }

  #of(tenant: TenantId): Usage {
    let usage = this.#usage.get(tenant);
    if (!usage) {
      const quotas = this.#tenants.get(tenant)?.quotas;
      usage = {
        connections: 0,
        reported: 0,
        share: undefined,
        refused: false,
        handshakes: new TokenBucket({ ratePerSecond: quotas?.handshakesPerSecond ?? 0 }),
        messages: new TokenBucket({ ratePerSecond: quotas?.messagesPerSecond ?? 0 }),
      };
      this.#usage.set(tenant, usage);
    }
    return usage;
  }
}
