import type { TenantId } from '@im/contract';
import { eachLimited, type TenantDirectory } from '@im/kit';
import type { Logger } from '@im/process';
import type { WebhookDelivery, WebhookDeliveryRepo } from '@im/store';
import { CONCURRENCY } from './deliverer.ts';

export interface BacklogDeps {
  readonly repo: WebhookDeliveryRepo;
  readonly tenants: Pick<TenantDirectory, 'list'>;
  /** Makes an attempt and counts it. */
  readonly attempt: (tenant: TenantId, stored: WebhookDelivery) => Promise<void>;
  /** Time until the receiver takes an attempt, ms; Infinity while it is switched off. */
  readonly waitMs: (tenant: TenantId) => number;
  readonly log: Logger;
  /** Part of the usual time between looks; for tests. @default 1 */
  readonly pace?: number;
}

/** A delivery that a process has taken is due again after this long: longer than an attempt may last. */
const CLAIM_MS = 60_000;
/** Deliveries read at once. */
const READ = 64;
/** Tenants whose backlog is worked on at once. */
const TENANTS = 256;
/** A tenant without a known backlog is looked at this often, each process by itself. */
const LOOK_MS = 30_000;
const LEAST_WAIT_MS = 250;

/** Attempts stored deliveries when they are due; each tenant's independently of all others. */
export class Backlog {
  readonly #deps: BacklogDeps;
  /** When each tenant is to be looked at, ms. */
  readonly #lookAt = new Map<TenantId, number>();
  readonly #running = new Set<TenantId>();
  readonly #lookMs: number;

  constructor(deps: BacklogDeps) {
    this.#deps = deps;
    this.#lookMs = LOOK_MS * (deps.pace ?? 1);
  }

  /** A delivery of the tenant was stored that is due then. */
  expect(tenant: TenantId, dueMs: number): void {
    this.#lookAt.set(tenant, Math.min(dueMs, this.#lookAt.get(tenant) ?? Number.POSITIVE_INFINITY));
  }

  /** Begins the work on all tenants that are to be looked at. @returns what must be awaited, one promise per tenant. */
  tick(): Promise<void>[] {
    const now = Date.now();
    const started: Promise<void>[] = [];
    for (const { id, webhooks } of this.#deps.tenants.list()) {
      if (webhooks.url === '' || this.#running.has(id)) continue;
      const at = this.#lookAt.get(id);
      // Processes that start together look at different times.
      if (at === undefined) this.#lookAt.set(id, now + Math.random() * this.#lookMs);
      if (at === undefined || at > now || this.#running.size >= TENANTS) continue;
      this.#running.add(id);
      started.push(this.#work(id).finally(() => this.#running.delete(id)));
    }
    return started;
  }

  forget(tenant: TenantId): void {
    this.#lookAt.delete(tenant);
  }

  async #work(tenant: TenantId): Promise<void> {
    const { repo, log, waitMs } = this.#deps;
    this.#lookAt.set(tenant, Date.now() + this.#lookMs * (0.75 + Math.random() / 2));
    try {
      const wait = waitMs(tenant);
      if (wait > 0) {
        this.expect(tenant, Date.now() + wait);
        return;
      }
      const due = await repo.due(tenant, Date.now(), READ);
      await eachLimited(due, CONCURRENCY, (stored) => this.#one(tenant, stored));
      const next = due.length === READ ? Date.now() : await repo.nextDue(tenant);
      if (next !== undefined) this.expect(tenant, Math.max(next, Date.now() + LEAST_WAIT_MS));
    } catch (error) {
      log.warn({ tenant, err: error }, 'stored webhook deliveries could not be attempted; they come again');
      this.expect(tenant, Date.now() + LEAST_WAIT_MS * 20);
    }
  }

  async #one(tenant: TenantId, stored: WebhookDelivery): Promise<void> {
    const { repo, attempt, waitMs } = this.#deps;
    if (waitMs(tenant) > 0) return;
    if (!(await repo.claim(tenant, stored, Date.now() + CLAIM_MS))) return;
    await attempt(tenant, stored);
  }
}
