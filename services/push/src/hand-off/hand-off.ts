import type { TenantId } from '@im/contract';
import { type Metrics, onAbort, type Span } from '@im/kit';
import type { Logger } from '@im/process';
import {
  type Addressed,
  addressDevices,
  type Device,
  type Notification,
  type Outcome,
} from '@im/push-providers';
import type { PushPreferenceRepo, PushTokenRepo, RegisteredDevice } from '@im/store';
import type { Claims } from '../claims.ts';
import { type PushMetrics, pushMetrics } from '../metrics.ts';
import type { WakeLimit } from '../rate-limit.ts';
import { notificationOf, type Wake } from '../wake/notification.ts';
import type { ProviderQueue, Submission } from './provider-queue.ts';
import type { ProvidersByTenant, TenantProviders } from './tenant-providers.ts';

export interface HandOffDeps {
  readonly providers: ProvidersByTenant;
  readonly tokens: Pick<PushTokenRepo, 'ofUsers' | 'removeGone'>;
  readonly preferences: Pick<PushPreferenceRepo, 'badgesOf' | 'raiseBadges'>;
  readonly claims: Claims;
  readonly limit: WakeLimit;
  /** Key of something about one delivery. */
  readonly keyOf: (wake: Wake, delivery: string, ...parts: readonly string[]) => string;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Time that a delivery waits for its outcomes, ms; for tests. @default 3000 */
  readonly waitMs?: number;
}

/** A device on its way, and its claim. */
interface Claimed extends Addressed<RegisteredDevice> {
  readonly claim: string;
}

/** Users whose devices are looked up together. */
const USERS_AT_ONCE = 500;
const WAIT_MS = 3_000;
/** A delivery whose devices are under way comes again when they have ended, at the latest by their call's time limit. */
const UNDER_WAY_MS = 12_000;

/**
 * Notifies the devices of users, each of them once per delivery: a device is claimed before it is handed to its
 * provider, the claim is kept when that took it or never will, and given back when it may be tried again.
 */
export class HandOff {
  readonly #deps: HandOffDeps;
  readonly #counts: PushMetrics;
  readonly #underWay = new Set<Promise<void>>();

  constructor(deps: HandOffDeps) {
    this.#deps = deps;
    this.#counts = pushMetrics(deps.metrics);
    const sum = (read: (queue: ProviderQueue) => number) =>
      [...deps.providers.queues()].reduce((total, queue) => total + read(queue), 0);
    deps.metrics.observe('openim_push_queued', 'Devices that wait for a request to their provider', () =>
      sum(({ waiting }) => waiting),
    );
    deps.metrics.observe(
      'openim_push_providers_paused',
      'Providers of tenants that get no requests for now: they asked for it, or do not answer',
      () => sum(({ paused }) => (paused ? 1 : 0)),
    );
  }

  /** Those of the users who have not been notified too often of late; counts the others. */
  withinLimit(tenant: TenantId, userIDs: readonly string[]): string[] {
    const within = userIDs.filter((userID) => this.#deps.limit.allows(tenant, userID));
    this.#counts.users.inc({ outcome: 'limited' }, userIDs.length - within.length);
    return within;
  }

  /**
   * Notifies the users' devices.
   * @param delivery names the delivery among all of the tenant.
   * @returns time in ms after which the delivery is to come again for devices that were not notified; undefined when it
   * is settled for all.
   */
  async notify(wake: Wake, delivery: string, signal: AbortSignal): Promise<number | undefined> {
    const providers = this.#deps.providers.of(wake.tenant);
    if (!providers) return undefined;
    let notification: ReturnType<typeof notificationOf> | undefined;
    let again: number | undefined;
    for (let i = 0; i < wake.userIDs.length; i += USERS_AT_ONCE) {
      const part = { ...wake, userIDs: wake.userIDs.slice(i, i + USERS_AT_ONCE) };
      const own = await this.#claim(part, delivery, providers);
      if (own.length === 0) continue;
      const claimed = await this.#withBadges(part, delivery, own, providers);
      notification ??= notificationOf(wake, providers.settings);
      const afterMs = await this.#send(notification, claimed, providers, signal, wake.span);
      if (afterMs !== undefined) again = Math.max(again ?? 0, afterMs);
    }
    return again;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Devices of the users that are this process's to notify now. */
  async #claim(wake: Wake, delivery: string, { set }: TenantProviders): Promise<Claimed[]> {
    const { claims, tokens, limit, keyOf } = this.#deps;
    const { tenant, userIDs } = wake;
    const registered = set.takesTokens ? await tokens.ofUsers(tenant, userIDs, Date.now()) : [];
    const addressed = addressDevices(set, userIDs, registered);
    this.#counts.users.inc({ outcome: 'unreachable' }, userIDs.length - new Set(addressed.map(userOf)).size);
    const candidates = addressed.map((one): Claimed => {
      const { userID, kind, token } = one.device;
      // Two vendors may know the user by the same alias.
      return { ...one, claim: keyOf(wake, delivery, userID, kind, one.provider.name, token) };
    });
    const taken = await Promise.all(candidates.map(({ claim }) => claims.take(claim)));
    const claimed = candidates.filter((_, i) => taken[i]);
    const allowed = new Map<string, boolean>();
    for (const user of new Set(claimed.map(userOf))) allowed.set(user, limit.take(tenant, user));
    const limited = claimed.filter((one) => !allowed.get(userOf(one)));
    this.#counts.users.inc({ outcome: 'limited' }, new Set(limited.map(userOf)).size);
    await Promise.all(limited.map(({ claim }) => claims.settle(claim)));
    return claimed.filter((one) => allowed.get(userOf(one)));
  }

  /** Counts a badge up once per delivery and user, where the sender asks for it. */
  async #withBadges(
    wake: Wake,
    delivery: string,
    claimed: readonly Claimed[],
    { settings }: TenantProviders,
  ): Promise<readonly Claimed[]> {
    const { claims, preferences, keyOf, log } = this.#deps;
    if (!settings.badge) return claimed;
    const { tenant, operationID, message } = wake;
    const users = [...new Set(claimed.map(userOf))];
    try {
      if (message.offlinePushInfo?.iOSBadgeCount) {
        const first = await Promise.all(
          users.map((user) => claims.first(keyOf(wake, delivery, user, 'badge'))),
        );
        await preferences.raiseBadges(
          tenant,
          users.filter((_, i) => first[i]),
        );
      }
      const badges = await preferences.badgesOf(tenant, users);
      return claimed.map((one) => ({
        ...one,
        device: { ...one.device, badge: Math.max(1, badges.get(userOf(one)) ?? 0) },
      }));
    } catch (err) {
      log.warn(
        { tenant, operationID, err },
        'badges could not be read; notifications leave them as they are',
      );
      return claimed;
    }
  }

  async #send(
    notification: Notification,
    claimed: readonly Claimed[],
    providers: TenantProviders,
    signal: AbortSignal,
    step: Span | undefined,
  ): Promise<number | undefined> {
    const byDevice = new Map<Device, Claimed>(claimed.map((one) => [one.device, one]));
    const pending = new Set<Submission>();
    let again: number | undefined;
    const withdrawals: (() => void)[] = [];
    const sends: Promise<void>[] = [];
    for (const [provider, part] of Map.groupBy(claimed, (one) => one.provider)) {
      const queue = providers.queueOf(provider);
      const sentAt = Date.now();
      const submissions = queue.submit(
        notification,
        part.map(({ device }) => device),
        async (devices, outcomes) => {
          const afterMs = await this.#settle(notification, devices, outcomes, byDevice, sentAt);
          if (afterMs !== undefined) again = Math.max(again ?? 0, afterMs);
        },
      );
      withdrawals.push(() => queue.withdraw(submissions));
      for (const submission of submissions) {
        pending.add(submission);
        const span = step?.child(`push ${provider.name}`, { kind: 'client' });
        const send = submission.outcomes.then((outcomes) => {
          if (span) endWithOutcomes(span, outcomes);
          pending.delete(submission);
        });
        const underWay = send.catch((err: unknown) => {
          const { tenant, operationID } = notification;
          this.#deps.log.error({ tenant, operationID, err }, 'outcomes of a push provider could not be kept');
        });
        this.#underWay.add(underWay);
        void underWay.then(() => this.#underWay.delete(underWay));
        sends.push(underWay);
      }
    }
    await untilTime(Promise.all(sends), this.#deps.waitMs ?? WAIT_MS, signal);
    for (const withdraw of withdrawals) withdraw();
    // A process that stops waits for what it has sent: no other process knows of it.
    if (signal.aborted) await Promise.all(sends);
    return pending.size > 0 ? Math.max(again ?? 0, UNDER_WAY_MS) : again;
  }

  /** Keeps what became of devices. @returns time after which those not notified are to be tried again. */
  async #settle(
    { tenant, operationID }: Notification,
    devices: readonly Device[],
    outcomes: readonly Outcome[],
    byDevice: ReadonlyMap<Device, Claimed>,
    sentAt: number,
  ): Promise<number | undefined> {
    const { claims, tokens, log } = this.#deps;
    let again: number | undefined;
    await Promise.all(
      devices.map(async (device, i) => {
        const outcome = outcomes[i];
        const one = byDevice.get(device);
        if (!outcome || !one) return;
        const reason = outcome.kind === 'taken' ? '' : outcome.reason;
        this.#counts.devices.inc({ provider: one.provider.name, outcome: outcome.kind, reason });
        if (outcome.kind === 'later') {
          again = Math.max(again ?? 0, outcome.afterMs);
          await claims.giveBack(one.claim);
          return;
        }
        await claims.settle(one.claim);
        if (outcome.kind === 'taken') return;
        log.debug(
          { tenant, operationID, provider: one.provider.name, outcome: outcome.kind, reason },
          'device not notified',
        );
        if (outcome.kind !== 'gone' || !one.registered) return;
        const until = Math.min(sentAt, outcome.sinceMs ?? sentAt);
        if (await tokens.removeGone(tenant as Wake['tenant'], one.registered, until))
          this.#counts.tokensRemoved.inc();
      }),
    );
    return again;
  }
}

function userOf({ device }: Pick<Claimed, 'device'>): string {
  return device.userID;
}

function endWithOutcomes(span: Span, outcomes: readonly Outcome[]): void {
  const taken = outcomes.filter(({ kind }) => kind === 'taken').length;
  span.set({ 'openim.devices': outcomes.length, 'openim.devices_taken': taken });
  span.end();
}

/** Resolves with `work`, after `ms`, or when the signal aborts, whatever is first. */
async function untilTime(work: Promise<unknown>, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  using _ = onAbort(signal, resolve);
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
