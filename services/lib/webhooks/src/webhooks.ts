import type { WebhookQueue } from '@im/bus';
import type { AfterEvent, BeforeEvent, TenantId, WebhookEvent } from '@im/contract';
import {
  type CallContext,
  LATENCY_BUCKETS,
  type Metrics,
  randomId,
  sha256Parts,
  type TenantDirectory,
} from '@im/kit';
import { callFields, type LiveConfig, type Logger } from '@im/process';
import { argsError, toImError } from '@im/protocol';
import { encodeDelivery } from './after/envelope.ts';
import { handedCounter } from './after/handed-counter.ts';
import { ask } from './before/ask.ts';
import { type ProbeResult, probe } from './before/probe.ts';
import { Receiver } from './before/receiver.ts';
import type { AfterBody, BeforeBody } from './events/bodies.ts';
import type { BeforeReply } from './events/replies.ts';
import { EVENTS } from './events/table.ts';
import { hookOf, wantedHook } from './filter.ts';
import { addressRules } from './http/address-rules.ts';
import { createResolver } from './http/resolve.ts';
import { encodeBody } from './request.ts';

/** Options of {@link Webhooks.after}. */
export interface AfterOptions {
  /** Names what happened, unique per event; a hand-over with the same one is the same delivery. @default random */
  readonly id?: string;
}

/** HTTP calls to the backend of a tenant before and after events; docs/protocol/webhooks.md. */
export interface Webhooks {
  /** Whether the tenant of the call has the event on. Cheap: call it before a body is built. */
  enabled(ctx: Pick<CallContext, 'tenant'>, event: WebhookEvent): boolean;
  /**
   * Asks the receiver of a before-event, once.
   * @returns what the answer changes; undefined when the event is off, filtered out, or could not be asked about and
   * continues nevertheless.
   * @throws ImError as the receiver refuses: its errCode (80000 for 0), errMsg and errDlt; 90004 when there is no
   * answer, 90007 when it cannot be understood.
   */
  before<E extends BeforeEvent>(
    ctx: CallContext,
    event: E,
    body: BeforeBody[E],
  ): Promise<BeforeReply[E] | undefined>;
  /**
   * Hands over an after-event. Resolves when it is stored, from when on it is delivered whatever fails; at once when it
   * is off or filtered out.
   * @throws ImError 90004 (retryable) when it could not be stored; it may be, nevertheless.
   */
  after<E extends AfterEvent>(
    ctx: CallContext,
    event: E,
    body: AfterBody[E],
    options?: AfterOptions,
  ): Promise<void>;
  /**
   * Sends a sample of an event to the tenant's receiver, whether it is on or not, and says what came back.
   * @throws ImError 1001 when the tenant has no receiver.
   */
  probe(ctx: CallContext, event: WebhookEvent): Promise<ProbeResult>;
}

/** Webhooks of a process. */
export interface OwnedWebhooks extends Webhooks {
  /** Ends connections to receivers. */
  close(): void;
}

export interface WebhooksDeps {
  readonly tenants: TenantDirectory;
  readonly queue: Pick<WebhookQueue, 'publish'>;
  readonly live: Pick<LiveConfig, 'current' | 'onChange'>;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Largest delivery that the queue takes. */
const MAX_DELIVERY_BYTES = 943_718;
const ID_BYTES = 18;

/** Builds the webhooks of a process; nothing is connected before the first call. */
export function createWebhooks({ tenants, queue, live, metrics, log: parent }: WebhooksDeps): OwnedWebhooks {
  const log = parent.child({ part: 'webhooks' });
  const resolve = createResolver();
  const receivers = new Map<TenantId, Receiver>();
  let networks = live.current.webhooks.allowedNetworks;
  let rules = addressRules(networks);
  const outcomes = metrics.counter('openim_webhook_before_total', 'Before-webhooks, by event and outcome', [
    'event',
    'outcome',
  ]);
  const seconds = metrics.histogram(
    'openim_webhook_before_seconds',
    'Time that a before-webhook took, by event',
    ['event'],
    LATENCY_BUCKETS,
  );
  const handed = handedCounter(metrics);
  metrics.observe(
    'openim_webhook_before_suspended',
    'Tenants whose receiver has failed several times in a row and is not asked for a while',
    () => [...receivers.values()].filter(({ breaker }) => breaker.open).length,
  );

  const settingsOf = (tenant: TenantId) => tenants.get(tenant)?.webhooks;

  function drop(tenant: TenantId): void {
    receivers.get(tenant)?.client.close();
    receivers.delete(tenant);
  }

  function receiverOf(tenant: TenantId, url: string): Receiver {
    const known = receivers.get(tenant);
    if (known?.url === url) return known;
    drop(tenant);
    const receiver = new Receiver(url, rules, resolve);
    receivers.set(tenant, receiver);
    return receiver;
  }

  const subscriptions = [
    tenants.onChange((tenant, settings) => {
      if (settings?.webhooks.url !== receivers.get(tenant)?.url) drop(tenant);
    }),
    live.onChange(({ webhooks: { allowedNetworks } }) => {
      if (JSON.stringify(allowedNetworks) === JSON.stringify(networks)) return;
      networks = allowedNetworks;
      rules = addressRules(networks);
      for (const tenant of [...receivers.keys()]) drop(tenant);
    }),
  ];

  return {
    enabled({ tenant }, event) {
      return hookOf(settingsOf(tenant), event) !== undefined;
    },
    async before(ctx, event, body) {
      const { tenant } = ctx;
      const settings = settingsOf(tenant);
      const hook = wantedHook(settings, event, body);
      if (!hook || !settings) return undefined;
      const receiver = receiverOf(tenant, settings.url);
      return ask(ctx, event, body, { settings, hook, receiver }, { log, outcomes, seconds });
    },
    async after(ctx, event, body, options) {
      const { tenant, operationID, span } = ctx;
      if (!wantedHook(settingsOf(tenant), event, body)) return;
      const name = deliveryID(tenant, event, options?.id ?? randomId());
      const payload = await encodeDelivery({
        ...{ id: name, event, operationID, createdMs: Date.now() },
        ...(span && { traceparent: span.traceparent }),
        body: encodeBody(EVENTS[event], operationID, body),
      });
      if (payload.length > MAX_DELIVERY_BYTES) {
        handed.inc({ event, outcome: 'too large' });
        log.error(
          { ...callFields(ctx), event, bytes: payload.length },
          'an after-webhook is larger than the queue takes, and is not delivered',
        );
        return;
      }
      try {
        await queue.publish(tenant, [{ id: name, payload }]);
        handed.inc({ event, outcome: 'stored' });
      } catch (error) {
        handed.inc({ event, outcome: 'failed' });
        throw toImError(error);
      }
    },
    async probe(ctx, event) {
      const settings = settingsOf(ctx.tenant);
      if (!settings?.url) throw argsError('webhooks.url: the tenant has none, so no webhook is called');
      return probe(ctx, event, settings, receiverOf(ctx.tenant, settings.url).client);
    },
    close() {
      for (const end of subscriptions) end();
      for (const tenant of [...receivers.keys()]) drop(tenant);
    },
  };
}

/** `webhook-id` of an event that happened: the same for every process that hands it over, and unlike that of any other event. */
export function deliveryID(tenant: TenantId, event: AfterEvent, id: string): string {
  const hash = sha256Parts('webhook', tenant, event, id);
  return `evt_${Buffer.from(hash).subarray(0, ID_BYTES).toString('base64url')}`;
}
