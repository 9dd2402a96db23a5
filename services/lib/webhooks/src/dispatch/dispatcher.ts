import type { Bus, TakenWebhook } from '@im/bus';
import { AFTER_EVENTS, type TenantId } from '@im/contract';
import { type Metrics, sleep, type TenantDirectory, type Tracing } from '@im/kit';
import type { LiveConfig, Logger, TaskRunner } from '@im/process';
import { type Store, type WebhookDelivery, webhookDeliveryRepo, webhookEndpointRepo } from '@im/store';
import { type Delivery, decodeDelivery, encodeDelivery } from '../after/envelope.ts';
import { hookOf } from '../filter.ts';
import { addressRules } from '../http/address-rules.ts';
import { createResolver } from '../http/resolve.ts';
import { Backlog } from './backlog.ts';
import { type AttemptResult, Deliverer, settingsName } from './deliverer.ts';
import { dispatchMetrics } from './dispatch-metrics.ts';
import { type HeldDelivery, Lane } from './lane.ts';
import { MessageEvents } from './message-events.ts';
import { DAY_MS, waitAfter } from './schedule.ts';
import { StoreBounds } from './store-bounds.ts';
import { TenantBudget } from './tenant-budget.ts';

export interface DispatcherDeps {
  readonly bus: Pick<Bus, 'log' | 'webhooks'>;
  readonly store: Store;
  readonly tenants: TenantDirectory;
  readonly live: Pick<LiveConfig, 'current' | 'onChange'>;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly tasks: TaskRunner;
  /** @default off */
  readonly tracing?: Tracing | undefined;
  /** Part of the usual waits before attempts; for tests. @default 1 */
  readonly pace?: number;
}

/** Delivers after-webhooks; several processes share the work. */
export interface Dispatcher {
  start(): void;
  /** Gives back what waits, and resolves when no attempt is under way or the deadline has passed. */
  stop(deadline: AbortSignal): Promise<void>;
}

/** Deliveries in hand of all tenants, those that are being decoded included. */
const MAX_HELD = { items: 4_000, bytes: 67_108_864 };
const TICK_MS = 250;
const REFRESH_MS = 10_000;
const BOUNDS_MS = 30_000;
/** Dead deliveries that are too old are looked for this often. */
const EXPIRY_MS = 3_600_000;
/** A delivery whose tenant is not known here or has its share in hand, or that could not be stored, comes again after this long. */
const AGAIN_MS = 10_000;
/** Hand-outs after which a delivery of an unknown tenant is given up: it was removed. */
const UNKNOWN_ATTEMPTS = 60;
const STOP_POLL_MS = 50;

/** Builds a dispatcher; nothing is read before it is started. */
export function createDispatcher({
  bus,
  store,
  tenants,
  live,
  metrics,
  log: parent,
  tasks,
  tracing,
  pace = 1,
}: DispatcherDeps): Dispatcher {
  const log = parent.child({ part: 'webhooks' });
  const repo = webhookDeliveryRepo(store);
  const endpoints = webhookEndpointRepo(store);
  const counts = dispatchMetrics(metrics);
  const bounds = new StoreBounds({ repo, dropped: counts.dropped, log });
  const lanes = new Map<TenantId, Lane>();
  const work = new Set<Promise<void>>();
  /** Settings for which a receiver is switched off, by tenant. */
  let off = new Map<string, { readonly settings: string }>();
  let networks = live.current.webhooks.allowedNetworks;
  let rules = addressRules(networks);
  let stopping = false;
  const held = new TenantBudget(MAX_HELD);

  const deliverer = new Deliverer({ tenants, rules: () => rules, resolve: createResolver(), tracing });
  const isOff = (tenant: TenantId) => {
    const switchedOff = off.get(tenant);
    const settings = switchedOff && tenants.get(tenant)?.webhooks;
    return settings !== undefined && switchedOff?.settings === settingsName(settings);
  };
  const waitMs = (tenant: TenantId) => (isOff(tenant) ? Number.POSITIVE_INFINITY : deliverer.waitMs(tenant));

  metrics.observe(
    'openim_webhook_suspended',
    'Tenants whose receiver has failed several times in a row and is left alone for a while',
    () => deliverer.suspended,
  );
  metrics.observe(
    'openim_webhook_switched_off',
    'Tenants whose receiver answered 410 and gets nothing until their webhook settings change',
    () => [...off.keys()].filter((tenant) => isOff(tenant as TenantId)).length,
  );
  metrics.observe(
    'openim_webhook_held',
    'After-webhooks in the memory of the dispatcher',
    () => held.items + messages.held,
  );

  async function switchOff(tenant: TenantId): Promise<void> {
    const settings = tenants.get(tenant)?.webhooks;
    if (!settings) return;
    off.set(tenant, { settings: settingsName(settings) });
    log.error(
      { tenant, host: URL.parse(settings.url)?.host },
      'a webhook receiver answered 410 Gone: it gets nothing until the webhook settings of the tenant change',
    );
    await endpoints.switchOff(tenant, settingsName(settings));
  }

  /** Counts an attempt. @returns what the store keeps of it; undefined when the delivery is done. */
  function judged(delivery: Delivery, sinceMs: number, attempts: number, result: AttemptResult) {
    const { event } = delivery;
    const now = Date.now();
    switch (result.kind) {
      case 'delivered':
        counts.age.observe((now - delivery.createdMs) / 1_000);
        counts.outcomes.inc({ event, outcome: 'delivered' });
        return undefined;
      case 'off':
        counts.outcomes.inc({ event, outcome: 'off' });
        return undefined;
      case 'suspended':
        return { state: 'waiting' as const, dueMs: now + result.waitMs, last: undefined };
      case 'gone':
      case 'failed': {
        const failed = result.kind === 'failed';
        const wait = waitAfter(attempts, failed ? result.retryAfterMs : 0, pace);
        const state = now + wait - sinceMs > DAY_MS ? ('dead' as const) : ('waiting' as const);
        const outcome = failed ? result.outcome : 'status 410';
        counts.outcomes.inc({ event, outcome: state === 'dead' ? 'dead' : failed ? 'failed' : 'gone' });
        const { status, answer } = result;
        return { state, dueMs: now + wait, last: { outcome, status, answer, at: now, attempts } };
      }
      default:
        return result satisfies never;
    }
  }

  async function keep(tenant: TenantId, items: readonly { held: HeldDelivery; row: Row }[]): Promise<void> {
    try {
      const rows = await Promise.all(
        items.map(async ({ held: { delivery }, row }) => ({
          ...{ id: delivery.id, event: delivery.event, createdMs: delivery.createdMs, ...row },
          payload: await encodeDelivery(delivery),
        })),
      );
      await repo.add(tenant, rows);
      bounds.added(tenant);
      for (const { dueMs } of rows) backlog.expect(tenant, dueMs);
      for (const { held } of items) held.done();
    } catch (error) {
      log.warn(
        { tenant, deliveries: items.length, err: error },
        'webhook deliveries could not be stored; they come again',
      );
      for (const { held } of items) held.again(AGAIN_MS);
    }
  }

  function laneOf(tenant: TenantId): Lane {
    let lane = lanes.get(tenant);
    if (!lane) {
      lane = new Lane({
        closed: () => waitMs(tenant) > 0,
        release: (one) => release(tenant, one),
        async store(all) {
          const wait = waitMs(tenant);
          const dueMs = Date.now() + (Number.isFinite(wait) ? wait : 0);
          await keep(
            tenant,
            all.map((one) => ({ held: one, row: { state: 'waiting', dueMs, last: NO_ATTEMPT } })),
          );
          for (const one of all) release(tenant, one);
        },
        async deliver(one) {
          await deliver(tenant, one);
          release(tenant, one);
        },
      });
      lanes.set(tenant, lane);
    }
    return lane;
  }

  async function deliver(tenant: TenantId, one: HeldDelivery): Promise<void> {
    try {
      const { delivery } = one;
      const result = await deliverer.attempt(tenant, delivery);
      if (result.kind === 'gone') await switchOff(tenant);
      const row = judged(delivery, delivery.createdMs, 1, result);
      if (row) await keep(tenant, [{ held: one, row: { ...row, last: row.last ?? NO_ATTEMPT } }]);
      else one.done();
    } catch (error) {
      log.error(
        { tenant, event: one.delivery.event, err: error },
        'a webhook delivery could not be attempted; it comes again',
      );
      one.again(AGAIN_MS);
    }
  }

  async function attemptStored(tenant: TenantId, stored: WebhookDelivery): Promise<void> {
    const delivery = await decodeDelivery(stored.payload).catch((error: unknown) => {
      log.error({ tenant, id: stored.id, err: error }, 'a stored webhook delivery cannot be read');
      return undefined;
    });
    if (!delivery) {
      await repo.update(tenant, stored.id, { ...stored, state: 'dead' });
      return;
    }
    const result = await deliverer.attempt(tenant, delivery);
    if (result.kind === 'gone') await switchOff(tenant);
    const row = judged(delivery, stored.sinceMs, stored.last.attempts + 1, result);
    if (!row) await repo.remove(tenant, stored.id);
    else {
      await repo.update(tenant, stored.id, { ...row, last: row.last ?? stored.last });
      if (row.state === 'waiting') backlog.expect(tenant, row.dueMs);
    }
  }

  const backlog = new Backlog({ repo, tenants, attempt: attemptStored, waitMs, log, pace });

  function hold(tenant: TenantId, one: HeldDelivery): void {
    if (stopping) {
      one.again(0);
      return;
    }
    if (held.take(tenant, one.delivery.body.length)) laneOf(tenant).add(one);
    else one.again(AGAIN_MS);
  }

  function release(tenant: TenantId, { delivery }: HeldDelivery): void {
    held.release(tenant, delivery.body.length);
  }

  function take(taken: TakenWebhook): void {
    const { tenant } = taken;
    if (stopping) {
      taken.again(0);
      return;
    }
    if (!tenants.get(tenant)) {
      if (tenants.isRefused(tenant) || taken.attempt < UNKNOWN_ATTEMPTS) {
        taken.again(AGAIN_MS);
        return;
      }
      counts.dropped.inc({ reason: 'unknown tenant' });
      taken.done();
      return;
    }
    const { length } = taken.payload;
    if (!held.take(tenant, length)) {
      taken.again(AGAIN_MS);
      return;
    }
    const takenAt = performance.now();
    decodeDelivery(taken.payload).then(
      (delivery) => {
        held.release(tenant, length);
        hold(tenant, { delivery, takenAt, done: taken.done, again: taken.again });
      },
      (error: unknown) => {
        held.release(tenant, length);
        log.error({ tenant, err: error }, 'a webhook delivery cannot be read');
        counts.dropped.inc({ reason: 'unreadable' });
        taken.done();
      },
    );
  }

  /** Deliveries that the process can take from the queue, or make of records of the log. */
  const room = () => (stopping ? 0 : held.room);

  const messages = new MessageEvents({
    ...{ log: bus.log, store, tenants, metrics, tasks, room, hold },
    logger: log,
  });

  const isWanted = () =>
    tenants.list().some(({ webhooks }) => AFTER_EVENTS.some((event) => hookOf(webhooks, event)));

  const subscriptions = [
    tenants.onChange((tenant, settings) => {
      if (settings) return;
      deliverer.forget(tenant);
      backlog.forget(tenant);
    }),
    live.onChange(({ webhooks: { allowedNetworks } }) => {
      if (JSON.stringify(allowedNetworks) === JSON.stringify(networks)) return;
      networks = allowedNetworks;
      rules = addressRules(networks);
    }),
  ];

  return {
    start() {
      messages.start();
      tasks.loop('webhook-dispatcher', async (signal) => {
        // A cluster without webhooks has no stream for them.
        while (!isWanted()) await sleep(TICK_MS, signal);
        await bus.webhooks.consume({ room, onDelivery: take, signal });
      });
      tasks.every('webhook-backlog', TICK_MS, async () => {
        for (const started of backlog.tick()) {
          work.add(started);
          void started.finally(() => work.delete(started));
        }
        for (const [tenant, { size }] of lanes) if (size === 0) lanes.delete(tenant);
      });
      tasks.every('webhook-endpoints', REFRESH_MS, async () => {
        if (isWanted()) off = await endpoints.off();
      });
      tasks.every('webhook-bounds', BOUNDS_MS, () => bounds.enforce());
      tasks.every('webhook-expiry', EXPIRY_MS, async () => {
        for (const { id, webhooks } of tenants.list()) if (webhooks.url !== '') bounds.added(id);
      });
    },
    async stop(deadline) {
      stopping = true;
      for (const end of subscriptions) end();
      for (const lane of lanes.values()) lane.end();
      const busy = () => work.size > 0 || [...lanes.values()].some(({ size }) => size > 0);
      while (busy() && !deadline.aborted) await sleep(STOP_POLL_MS);
      deliverer.close();
    },
  };
}

/** What the store keeps of a delivery besides its content. */
interface Row {
  readonly state: 'waiting' | 'dead';
  readonly dueMs: number;
  readonly last: typeof NO_ATTEMPT | WebhookDelivery['last'];
}

const NO_ATTEMPT = { outcome: 'not attempted', at: 0, attempts: 0 } as const;
