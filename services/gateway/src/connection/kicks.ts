import type { Events, Unsubscribe } from '@im/bus';
import { type TenantId, type TenantSettings, tokenKeysDigest } from '@im/contract';
import { Backoff, sleep, systemContext } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import { ERR, type event, ImError, PLATFORM_NAMES, REQ } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { Webhooks } from '@im/webhooks';
import type { LocalUsers } from '../deliver/local-users.ts';
import type { CloseReason } from '../metrics.ts';
import { SharedFrame } from '../wire/frame.ts';
import type { Connection, LocalUser } from './connection.ts';

export interface KicksDeps {
  readonly localUsers: LocalUsers;
  readonly events: Pick<Events, 'subscribeAllKicks'>;
  readonly auth: Pick<DomainService<'auth'>, 'registerConnection'>;
  readonly tasks: TaskRunner;
  readonly log: Logger;
  readonly gatewayID: string;
  readonly webhooks: Pick<Webhooks, 'enabled' | 'after'>;
  /** Most connections being registered at once. */
  readonly limit: number;
}

/** Connections registered again per second after kicks may have been missed. */
const RECHECKS_PER_SECOND = 500;
/** Kicks whose events are being handed over at once. */
const MAX_REPORTING = 5_000;

function isTokenError(error: unknown): error is ImError {
  return (
    error instanceof ImError && error.code >= ERR.TokenExpiredError && error.code <= ERR.TokenNotExistError
  );
}

/**
 * Multi-terminal login: auth decides by the tokens' issue numbers, a gateway closes its own
 * connections that auth has outdated. A connection is registered only once kicks published from then
 * on are sure to arrive, so of two logins at once one always learns of the other.
 */
export class Kicks {
  readonly #deps: KicksDeps;
  readonly #frame = new SharedFrame(() => ({
    reqIdentifier: REQ.KickOnline,
    msgIncr: '',
    operationID: '',
    errCode: 0,
    errMsg: '',
    data: null,
  }));

  readonly #recheck: () => void;
  /** When kicks were last missed, ms of the monotonic clock. */
  #missedAt = 0;
  /** Digests of the keys by which tenants are to be looked at again, since tokens of them ended. */
  readonly #changedKeys = new Map<TenantId, { readonly digest: string; readonly at: number }>();

  constructor(deps: KicksDeps) {
    this.#deps = deps;
    this.#recheck = deps.tasks.coalesce('gateway recheck', (signal) => this.#recheckDue(signal));
  }

  /**
   * Begins to listen. One subscription receives the kicks of all users: there is one per login, which costs
   * less than a subscription for each user here.
   * @returns a function that ends it.
   */
  listen(): Unsubscribe {
    return this.#deps.events.subscribeAllKicks((tenant, kick) => {
      const user = this.#deps.localUsers.user(tenant, kick.userID);
      if (user) this.#onKick(user, kick);
    });
  }

  /** Registers a new connection once what is published from then on arrives; tries for as long as it is open. */
  register(connection: Connection): void {
    const { tasks: runner, limit } = this.#deps;
    runner.spawn(
      'gateway register',
      async (signal) => {
        const backoff = new Backoff({ baseMs: 100, maxMs: 2_000 });
        await connection.user.subscribed;
        while (connection.open && !(await this.#registered(connection))) await backoff.wait(signal);
      },
      {
        limit,
        // Without a registration no login would end it: the client connects again.
        onRefused: (reason) => {
          if (reason === 'limit') connection.close('resync');
        },
      },
    );
  }

  /**
   * Kicks may have been missed: asks auth about every connection again, at a limited rate. What is
   * missed meanwhile is looked for as well, at those who were asked about before that.
   */
  recheckAll(): void {
    this.#missedAt = performance.now();
    this.#recheck();
  }

  /**
   * Tokens of a tenant may have ended by a change of its keys: asks auth about its connections again, as soon as auth
   * has these keys.
   */
  recheckTenant(settings: TenantSettings): void {
    this.#changedKeys.set(settings.id, { digest: tokenKeysDigest(settings), at: performance.now() });
    this.#recheck();
  }

  /** Forgets a tenant that is gone. */
  forgetTenant(tenant: TenantId): void {
    this.#changedKeys.delete(tenant);
  }

  #dueFrom({ tenant }: LocalUser): number {
    return Math.max(this.#missedAt, this.#changedKeys.get(tenant)?.at ?? 0);
  }

  async #recheckDue(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ baseMs: 100, maxMs: 2_000 });
    for (;;) {
      let failed = false;
      let count = 0;
      const behind = new Set<TenantId>();
      const connections = [...this.#deps.localUsers.users()].flatMap((user) => user.connections);
      for (const connection of connections) {
        if (!connection.open || connection.issue === undefined) continue;
        if (connection.checkedAt > this.#dueFrom(connection.user)) continue;
        const { tenant } = connection.user;
        if (behind.has(tenant)) continue;
        if (!(await this.#registered(connection))) {
          failed = true;
          // All of the tenant wait for the same.
          behind.add(tenant);
        }
        if (++count % RECHECKS_PER_SECOND === 0) await sleep(1_000, signal);
        signal.throwIfAborted();
      }
      if (!failed) return;
      await backoff.wait(signal);
    }
  }

  /** Sends the client a kick, then closes. */
  kick(connection: Connection, reason: CloseReason = 'kick'): void {
    connection.send(this.#frame.for(connection.framing), 'kick');
    connection.close(reason);
    this.#report(connection);
  }

  #report({ user: { tenant, userID }, platformID, id }: Connection): void {
    const { webhooks, tasks, log } = this.#deps;
    if (!webhooks.enabled({ tenant }, 'afterUserKickOff')) return;
    const platform = PLATFORM_NAMES[platformID] ?? '';
    const body = { platformID, platform, userID, seq: Date.now() };
    const ctx = systemContext(tenant, '');
    const lost = (err?: unknown) =>
      log.error({ tenant, connID: id, event: 'afterUserKickOff', err }, 'event of a webhook lost');
    const report = () => webhooks.after(ctx, 'afterUserKickOff', body, { id }).catch(lost);
    tasks.spawn('kick event', report, { limit: MAX_REPORTING, onRefused: () => lost() });
  }

  /** @returns false when it is to be tried again. */
  async #registered(connection: Connection): Promise<boolean> {
    const { user, platformID, token, id } = connection;
    const { auth, gatewayID, log } = this.#deps;
    const begunAt = performance.now();
    const keysDigest = this.#changedKeys.get(user.tenant)?.digest ?? '';
    try {
      const ctx = systemContext(user.tenant, `register-${id}`);
      const request = { userID: user.userID, platformID, token, connID: id, gatewayID, keysDigest };
      const { issue } = await auth.registerConnection(ctx, request);
      connection.issue = issue;
      connection.checkedAt = begunAt;
      if (issue < connection.kickBelow) this.kick(connection);
      return true;
    } catch (error) {
      if (isTokenError(error)) {
        if (error.code === ERR.TokenKickedError) this.kick(connection);
        else connection.close('token');
        return true;
      }
      log.warn({ tenant: user.tenant, connID: id, err: error }, 'connection not registered yet');
      return false;
    }
  }

  #onKick(user: LocalUser, kick: event.Kick): void {
    const below = kick.keepIssue === 0 ? Number.POSITIVE_INFINITY : kick.keepIssue;
    for (const connection of user.connections) {
      if (!connection.open) continue;
      if (kick.platformIDs.length > 0 && !kick.platformIDs.includes(connection.platformID)) continue;
      if (connection.issue === undefined) connection.kickBelow = Math.max(connection.kickBelow, below);
      else if (connection.issue < below) this.kick(connection);
    }
  }
}
