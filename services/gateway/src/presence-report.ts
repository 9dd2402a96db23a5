import { type Background, Backoff, background, DEFAULT_TENANT, type Logger, randomId } from '@im/kit';
import type { user } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { LocalUser } from './local-user.ts';
import type { Roster } from './roster.ts';

/** Parts of {@link PresenceReporter}. */
export interface PresenceReporterDeps {
  readonly roster: Roster;
  readonly users: Pick<DomainService<'user'>, 'reportPresence' | 'gatewayHeartbeat'>;
  readonly background: Background;
  readonly log: Logger;
  /** Name of this gateway among its peers. */
  readonly gatewayID: string;
  /** Connections now. */
  readonly connections: () => number;
  /** Between signs of life, ms. */
  readonly heartbeatMs: number;
}

/** Users of one report. */
const MAX_ITEMS = 1_000;

function describe(tenant: string, userID: string, known: LocalUser | undefined): user.PresenceItem {
  const connections = known?.connections ?? [];
  return {
    tenant,
    userID,
    platformIDs: connections.map(({ platformID }) => platformID),
    connections: connections.map(({ platformID, id, background, token }) => ({
      platformID,
      connID: id,
      isBackground: background,
      token,
    })),
  };
}

/**
 * Tells the user domain who is connected here: the users that changed, what changed in one tick as
 * one call; everybody when it asks for it; and a sign of life, without which all count as offline.
 */
export class PresenceReporter {
  readonly #deps: PresenceReporterDeps;
  /** Users to be reported, by key. */
  #changed = new Map<string, { readonly tenant: string; readonly userID: string }>();
  #fullWanted = false;
  #running = false;

  constructor(deps: PresenceReporterDeps) {
    this.#deps = deps;
  }

  /** Begins the signs of life. */
  start(): void {
    const { background: runner, heartbeatMs, users, gatewayID, connections } = this.#deps;
    runner.every('gateway heartbeat', heartbeatMs, async (signal) => {
      const ctx = background(DEFAULT_TENANT, '', { timeoutMs: heartbeatMs, signal });
      const { reportAll } = await users.gatewayHeartbeat(ctx, { gatewayID, connections: connections() });
      if (reportAll) {
        this.#fullWanted = true;
        this.#schedule();
      }
    });
  }

  /** This user's connections changed. */
  changed({ tenant, userID }: LocalUser): void {
    this.#changed.set(`${tenant}\u0000${userID}`, { tenant, userID });
    this.#schedule();
  }

  /** Reports what is left, once; for the end of a gateway. */
  async flush(): Promise<void> {
    while (this.#changed.size > 0) await this.#reportChanged();
  }

  #schedule(): void {
    if (this.#running) return;
    this.#running = this.#deps.background.spawn('gateway presence', (signal) => this.#run(signal));
  }

  /** Reports until nothing is left; only one at a time, so that reports of a user keep their order. */
  async #run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ baseMs: 100, maxMs: 2_000 });
    try {
      await endOfTick();
      while (this.#fullWanted || this.#changed.size > 0) {
        try {
          if (this.#fullWanted) await this.#reportAll();
          else await this.#reportChanged();
          backoff.reset();
        } catch (error) {
          this.#deps.log.warn({ err: error }, 'presence not reported');
          await backoff.wait(signal);
        }
      }
    } finally {
      this.#running = false;
    }
  }

  async #reportChanged(): Promise<void> {
    const batch = [...this.#changed].slice(0, MAX_ITEMS);
    for (const [key] of batch) this.#changed.delete(key);
    const items = batch.map(([, { tenant, userID }]) =>
      describe(tenant, userID, this.#deps.roster.user(tenant, userID)),
    );
    try {
      await this.#report(items, { full: false, fullID: '', lastPart: false });
    } catch (error) {
      for (const [key, user] of batch) this.#changed.set(key, user);
      throw error;
    }
  }

  async #reportAll(): Promise<void> {
    const fullID = randomId(8);
    const all = [...this.#deps.roster.users()];
    let sent = 0;
    do {
      const part = all.slice(sent, sent + MAX_ITEMS);
      sent += part.length;
      const items = part.filter((u) => !u.gone).map((u) => describe(u.tenant, u.userID, u));
      await this.#report(items, { full: true, fullID, lastPart: sent >= all.length });
    } while (sent < all.length);
    this.#fullWanted = false;
  }

  async #report(
    items: user.PresenceItem[],
    kind: Pick<user.ReportPresenceReq, 'full' | 'fullID' | 'lastPart'>,
  ): Promise<void> {
    const ctx = background(DEFAULT_TENANT, '');
    await this.#deps.users.reportPresence(ctx, { gatewayID: this.#deps.gatewayID, items, ...kind });
  }
}

function endOfTick(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
