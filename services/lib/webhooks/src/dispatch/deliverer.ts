import { createHash } from 'node:crypto';
import type { TenantId, TenantWebhooks } from '@im/contract';
import type { TenantDirectory, Tracing } from '@im/kit';
import type { Delivery } from '../after/envelope.ts';
import { EVENTS } from '../events/table.ts';
import { hookOf } from '../filter.ts';
import type { AddressRules } from '../http/address-rules.ts';
import { Breaker } from '../http/breaker.ts';
import { HttpClient } from '../http/http-client.ts';
import { RequestError } from '../http/request-error.ts';
import type { Resolve } from '../http/resolve.ts';
import { retryAfter } from '../http/retry-after.ts';
import { CommandURLs, keyQuery, requestHeaders } from '../request.ts';

/** How an attempt ended. */
export type AttemptResult =
  | { readonly kind: 'delivered'; readonly status: number }
  /** The tenant has the event off, or no receiver, by now. */
  | { readonly kind: 'off' }
  /** The receiver answered 410: no more, please. */
  | { readonly kind: 'gone'; readonly status: number; readonly answer: string }
  | {
      readonly kind: 'failed';
      readonly outcome: string;
      readonly status?: number;
      readonly answer?: string;
      readonly retryAfterMs: number;
    }
  /** No attempt was made: the receiver has failed several times, or asked for a pause. */
  | { readonly kind: 'suspended'; readonly waitMs: number };

/** Attempts at one tenant at the same time. */
export const CONCURRENCY = 8;
/** Beginning of an answer that is kept for people to read. */
const ANSWER_BYTES = 512;
/** Failures in a row after which a receiver is tried by one delivery at a time, and how long it is left alone. */
const BREAKER = { failures: 5, firstMs: 5_000, longestMs: 300_000 };
/** Statuses by which a receiver says that it gets too much. */
const OVERLOADED: ReadonlySet<number> = new Set([429, 502, 503, 504]);

interface Target {
  readonly url: string;
  readonly urls: CommandURLs;
  readonly client: HttpClient;
  readonly breaker: Breaker;
  pausedUntil: number;
}

export interface DelivererDeps {
  readonly tenants: Pick<TenantDirectory, 'get'>;
  /** The rules now in force; connections of other rules are closed. */
  readonly rules: () => AddressRules;
  readonly resolve: Resolve;
  /** @default off */
  readonly tracing?: Tracing | undefined;
}

/** Names the settings of a tenant for which its receiver was switched off. */
export function settingsName(settings: TenantWebhooks): string {
  return createHash('sha256').update(JSON.stringify(settings)).digest('base64url').slice(0, 22);
}

/** Makes single attempts at the receivers of all tenants, and knows which of them are to be left alone for a while. */
export class Deliverer {
  readonly #deps: DelivererDeps;
  readonly #targets = new Map<TenantId, Target & { readonly rules: AddressRules }>();

  constructor(deps: DelivererDeps) {
    this.#deps = deps;
  }

  /** Tenants whose receiver has failed several times in a row. */
  get suspended(): number {
    return [...this.#targets.values()].filter(({ breaker }) => breaker.open).length;
  }

  /** Time until an attempt may be made, ms; 0 when one may now. */
  waitMs(tenant: TenantId): number {
    const target = this.#targets.get(tenant);
    if (!target) return 0;
    return Math.max(target.breaker.waitMs, target.pausedUntil - Date.now());
  }

  async attempt(tenant: TenantId, delivery: Delivery): Promise<AttemptResult> {
    const settings = this.#deps.tenants.get(tenant)?.webhooks;
    const hook = hookOf(settings, delivery.event);
    if (!settings || !hook) return { kind: 'off' };
    const target = this.#targetOf(tenant, settings.url);
    const waitMs = this.waitMs(tenant);
    if (waitMs > 0 || !target.breaker.mayCall())
      return { kind: 'suspended', waitMs: Math.max(waitMs, 1_000) };
    const result = await this.#post(tenant, target, delivery, settings, hook.timeoutMs).catch(
      (error: unknown) => {
        target.breaker.dropped();
        throw error;
      },
    );
    if (result.kind !== 'failed') {
      target.breaker.succeeded();
      return result;
    }
    const { status, retryAfterMs } = result;
    // An answer is one of a receiver that lives: only some say that it would rather be left alone.
    if (status === undefined || OVERLOADED.has(status)) target.breaker.failed();
    else target.breaker.succeeded();
    if (status !== undefined && OVERLOADED.has(status) && retryAfterMs > 0)
      target.pausedUntil = Date.now() + Math.min(retryAfterMs, BREAKER.longestMs);
    return result;
  }

  close(): void {
    for (const tenant of [...this.#targets.keys()]) this.forget(tenant);
  }

  /** Ends the connections of a tenant. */
  forget(tenant: TenantId): void {
    this.#targets.get(tenant)?.client.close();
    this.#targets.delete(tenant);
  }

  #targetOf(tenant: TenantId, url: string): Target {
    const rules = this.#deps.rules();
    const known = this.#targets.get(tenant);
    if (known?.url === url && known.rules === rules) return known;
    this.forget(tenant);
    const client = new HttpClient({ rules, resolve: this.#deps.resolve, connections: CONCURRENCY * 2 });
    const urls = new CommandURLs(url);
    const target = { url, urls, rules, client, breaker: new Breaker(BREAKER), pausedUntil: 0 };
    this.#targets.set(tenant, target);
    return target;
  }

  async #post(
    tenant: TenantId,
    { client, urls }: Target,
    { id, event, operationID, key, body, traceparent = '' }: Delivery,
    { secret, previousSecret }: TenantWebhooks,
    timeoutMs: number,
  ): Promise<Exclude<AttemptResult, { kind: 'off' | 'suspended' }>> {
    const span = this.#deps.tracing?.tracer?.resume(traceparent, tenant, `webhook ${event}`, {
      kind: 'client',
    });
    try {
      const {
        status,
        headers,
        body: answer,
      } = await client.post(urls.of(EVENTS[event].command), {
        ...(key && { query: keyQuery(key) }),
        headers: requestHeaders(id, operationID, body, [secret, previousSecret], span?.traceparent),
        ...{ body, timeoutMs, maxBytes: ANSWER_BYTES, whenLarger: 'cut' },
      });
      const taken = status >= 200 && status < 300;
      span?.set({ 'http.response.status_code': status });
      span?.end(taken ? undefined : new Error(`status ${status}`));
      if (taken) return { kind: 'delivered', status };
      if (status === 410) return { kind: 'gone', status, answer };
      const retryAfterMs = retryAfter(headers['retry-after']) ?? 0;
      return { kind: 'failed', outcome: `status ${status}`, status, answer, retryAfterMs };
    } catch (error) {
      span?.end(error);
      if (!(error instanceof RequestError)) throw error;
      return { kind: 'failed', outcome: `${error.failure}: ${error.message}`, retryAfterMs: 0 };
    }
  }
}
