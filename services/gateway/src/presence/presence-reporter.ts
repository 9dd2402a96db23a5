import { DEFAULT_TENANT } from '@im/contract';
import { Backoff, KEY_SEPARATOR, randomId, sleep, systemContext, tokenHash } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import type { user } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { TenantLimits } from '../connect/tenant-limits.ts';
import type { LocalUser } from '../connection/connection.ts';
import type { TenantConnections } from '../connection/tenant-connections.ts';
import type { TenantTraffic } from '../connection/tenant-traffic.ts';
import type { LocalUsers } from '../deliver/local-users.ts';

export interface PresenceReporterDeps {
  readonly localUsers: LocalUsers;
  readonly users: Pick<DomainService<'user'>, 'reportPresence' | 'gatewayHeartbeat'>;
  readonly limits: Pick<TenantLimits, 'limited' | 'atLimit' | 'learn' | 'onShareUsed'>;
  readonly tenantConnections: Pick<TenantConnections, 'counts'>;
  readonly traffic: Pick<TenantTraffic, 'of'>;
  readonly tasks: TaskRunner;
  readonly log: Logger;
  /** Name of this gateway among its peers. */
  readonly gatewayID: string;
  /** Connections now. */
  readonly connections: () => number;
  /** Heartbeat interval, ms. */
  readonly heartbeatMs: number;
  /** Least time between the beginnings of two reports of what changed, ms. @default 20 */
  readonly paceMs?: number;
}

/** Users of one report. */
const MAX_ITEMS = 1_000;
/** Connections of one report: some 100 bytes each. */
const MAX_CONNECTIONS = 10_000;
/** Each report costs the stores as much as some users in it. */
const PACE_MS = 20;
/** Heartbeats on demand follow each other no faster, ms. */
const MIN_HEARTBEAT_MS = 500;

interface Named {
  readonly tenant: string;
  readonly userID: string;
}

function describe(tenant: string, userID: string, known: LocalUser | undefined): user.PresenceItem {
  // The newest ones, should there be more than a report has room for.
  const connections = known?.connections.slice(-MAX_CONNECTIONS) ?? [];
  return {
    tenant,
    userID,
    platformIDs: connections.map(({ platformID }) => platformID),
    connections: connections.map(({ platformID, id, inBackground, token }) => ({
      platformID,
      connID: id,
      isBackground: inBackground,
      // What is kept of a token is its hash.
      token: tokenHash(token),
    })),
  };
}

/**
 * Reports to the user domain who is connected here: the users that changed, at once where few do and together where many
 * do; all users when it asks for them; and a heartbeat, without which all count as offline.
 */
export class PresenceReporter {
  readonly #deps: PresenceReporterDeps;
  readonly #beat: () => void;
  readonly #report: () => void;
  /** Users to be reported, by key. */
  readonly #changed = new Map<string, Named>();
  #fullWanted = false;
  #beatAt = Number.NEGATIVE_INFINITY;
  /** When the last report of changes began, ms of the monotonic clock. */
  #reportedAt = Number.NEGATIVE_INFINITY;
  /** Users of the next report: fewer after one failed, so that one user that cannot be reported holds up no others. */
  #most = MAX_ITEMS;

  constructor(deps: PresenceReporterDeps) {
    this.#deps = deps;
    // What the other gateways hold is asked for at once.
    deps.limits.onShareUsed(() => this.#beatSoon());
    this.#beat = deps.tasks.coalesce('gateway heartbeat', (signal) => this.#heartbeat(signal));
    this.#report = deps.tasks.coalesce('gateway presence', (signal) => this.#run(signal));
  }

  /** Users whose report is due. */
  get waiting(): number {
    return this.#changed.size;
  }

  /** Sends the first heartbeat, at once, and from then on one per interval. */
  start(): void {
    const { tasks: runner, heartbeatMs } = this.#deps;
    this.#beat();
    runner.every('gateway heartbeat timer', heartbeatMs, async () => this.#beat());
  }

  /** This user's connections changed. */
  changed({ tenant, userID }: LocalUser): void {
    this.#changed.set(`${tenant}${KEY_SEPARATOR}${userID}`, { tenant, userID });
    this.#report();
  }

  /** Reports what is left, once; for the end of a gateway. */
  async flush(): Promise<void> {
    while (this.#changed.size > 0) await this.#reportChanged();
  }

  #beatSoon(): void {
    if (performance.now() - this.#beatAt >= MIN_HEARTBEAT_MS) this.#beat();
  }

  /** Sends a heartbeat, again while it fails: at the start the user domain or its Redis may be a moment behind. */
  async #heartbeat(signal: AbortSignal): Promise<void> {
    const { log, heartbeatMs } = this.#deps;
    const backoff = new Backoff({ baseMs: 100, maxMs: 2_000 });
    let warnAt = performance.now() + heartbeatMs;
    for (;;) {
      try {
        await this.#sendHeartbeat(signal);
        return;
      } catch (error) {
        signal.throwIfAborted();
        const isLate = performance.now() >= warnAt;
        if (isLate) warnAt += heartbeatMs;
        log[isLate ? 'warn' : 'debug']({ err: error }, 'heartbeat not taken');
        await backoff.wait(signal);
      }
    }
  }

  async #sendHeartbeat(signal: AbortSignal): Promise<void> {
    const {
      users,
      limits,
      gatewayID,
      connections,
      heartbeatMs,
      tenantConnections: byTenant,
      traffic,
    } = this.#deps;
    this.#beatAt = performance.now();
    const ctx = systemContext(DEFAULT_TENANT, '', { timeoutMs: heartbeatMs, signal });
    const tenantConnections = limits.limited();
    const answer = await users.gatewayHeartbeat(ctx, {
      gatewayID,
      connections: connections(),
      tenantConnections,
      tenantsAtLimit: limits.atLimit(),
      counts: byTenant.counts().map((counts) => ({ ...counts, ...traffic.of(counts.tenant) })),
    });
    limits.learn(tenantConnections, answer);
    if (answer.reportAll) {
      this.#fullWanted = true;
      this.#report();
    }
  }

  /** Reports until nothing is left; only one at a time, so that reports of a user keep their order. */
  async #run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ baseMs: 100, maxMs: 2_000 });
    await endOfTick();
    while (this.#fullWanted || this.#changed.size > 0) {
      if (!this.#fullWanted) await this.#untilNext(signal);
      try {
        if (this.#fullWanted) await this.#reportAll();
        else await this.#reportChanged();
        this.#most = Math.min(MAX_ITEMS, this.#most * 2);
        backoff.reset();
      } catch (error) {
        this.#deps.log.warn({ err: error }, 'presence not reported');
        await backoff.wait(signal);
      }
    }
  }

  /** Waits for the time of the next report of changes, which begins with the end of this. */
  async #untilNext(signal: AbortSignal): Promise<void> {
    const { paceMs = PACE_MS } = this.#deps;
    const waitMs = this.#reportedAt + paceMs - performance.now();
    if (waitMs > 0) await sleep(Math.ceil(waitMs), signal);
    this.#reportedAt = performance.now();
  }

  async #reportChanged(): Promise<void> {
    const batch: [string, Named][] = [];
    const items: user.PresenceItem[] = [];
    let size = 0;
    for (const [key, { tenant, userID }] of this.#changed) {
      const item = describe(tenant, userID, this.#deps.localUsers.user(tenant, userID));
      size += item.connections.length;
      if (batch.length > 0 && (batch.length >= this.#most || size > MAX_CONNECTIONS)) break;
      batch.push([key, { tenant, userID }]);
      items.push(item);
    }
    for (const [key] of batch) this.#changed.delete(key);
    try {
      await this.#send(items, { full: false, fullID: '', lastPart: false });
    } catch (error) {
      this.#most = Math.max(1, batch.length >> 1);
      // Behind the others: they are reported first, whatever is the matter with these.
      for (const [key, user] of batch) if (!this.#changed.has(key)) this.#changed.set(key, user);
      throw error;
    }
  }

  async #reportAll(): Promise<void> {
    const fullID = randomId(8);
    const all = [...this.#deps.localUsers.users()];
    let at = 0;
    do {
      const items: user.PresenceItem[] = [];
      let size = 0;
      for (; at < all.length && items.length < MAX_ITEMS; at++) {
        const known = all[at];
        if (!known || known.gone) continue;
        size += known.connections.length;
        if (items.length > 0 && size > MAX_CONNECTIONS) break;
        items.push(describe(known.tenant, known.userID, known));
      }
      await this.#send(items, { full: true, fullID, lastPart: at >= all.length });
    } while (at < all.length);
    this.#fullWanted = false;
  }

  async #send(
    items: user.PresenceItem[],
    kind: Pick<user.ReportPresenceReq, 'full' | 'fullID' | 'lastPart'>,
  ): Promise<void> {
    const ctx = systemContext(DEFAULT_TENANT, '');
    await this.#deps.users.reportPresence(ctx, { gatewayID: this.#deps.gatewayID, items, ...kind });
  }
}

function endOfTick(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
