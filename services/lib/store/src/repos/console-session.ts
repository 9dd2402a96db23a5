import type { TenantId } from '@im/contract';
import type { Filter } from 'mongodb';
import { guarded } from '../errors.ts';
import { insertNew } from '../optimistic-writes.ts';
import type { Store } from '../store.ts';

/** A role in a tenant, or in all of them. */
export interface ConsoleGrant {
  readonly tenant: TenantId | '*';
  readonly role: string;
}

/** Who may log in to the console, and with which rights. Times are ms. */
interface ConsoleUser {
  readonly name: string;
  readonly grants: readonly ConsoleGrant[];
  readonly expires: number;
}

/** By whom a person was named who did not come by a link. */
export interface ConsoleIdentity {
  readonly provider: string;
  readonly subject: string;
  /** For the logout at the provider; empty when it gave none. */
  readonly idToken: string;
}

/** `_id` is the hash of a login link's token. */
interface LoginDocument extends ConsoleUser {
  readonly _id: string;
  readonly v: 1;
}

/** `_id` is the hash of the key that proves the session. */
interface SessionDocument extends ConsoleUser {
  readonly _id: string;
  readonly v: 1;
  readonly id: string;
  readonly created: number;
  readonly seen: number;
  readonly address: string;
  /** Absent when a link opened it. */
  readonly granted?: ConsoleIdentity;
}

/** A login that waits for its link to be used. */
export interface ConsoleLogin extends ConsoleUser {
  readonly hash: string;
}

/** A session of the console. Times are ms. */
export interface ConsoleSession extends ConsoleUser {
  /** Names it to others. */
  readonly id: string;
  readonly created: number;
  readonly seen: number;
  readonly address: string;
  /** Absent when a link opened it. */
  readonly granted?: ConsoleIdentity;
}

/**
 * Logins and sessions of the console. They are of the cluster, since a session may have rights in several tenants; the
 * auth domain writes them, and each new login removes what has expired.
 */
export interface ConsoleSessionRepo {
  addLogin(login: ConsoleLogin): Promise<void>;
  /** Takes a login: of several callers, one gets it. @returns undefined when there is none (any more). */
  takeLogin(hash: string, now: number): Promise<ConsoleLogin | undefined>;
  addSession(hash: string, session: ConsoleSession): Promise<void>;
  getSession(hash: string): Promise<ConsoleSession | undefined>;
  /** Records that the session was used at `now`. */
  setSeen(hash: string, now: number): Promise<void>;
  /** @returns whether it was there. */
  removeSession(hash: string): Promise<boolean>;
  /** Ends a session by its id, if it has rights in the tenant. @returns it, when it was there. */
  removeSessionByID(id: string, tenant: TenantId): Promise<ConsoleSession | undefined>;
  /** Sessions with rights in a tenant, by id. @param after the last id of the page before */
  list(tenant: TenantId, limit: number, after: string, live: LiveSince): Promise<ConsoleSession[]>;
  /** Logins that wait and sessions, each with rights in the tenant. */
  count(tenant: TenantId | '*'): Promise<{ readonly logins: number; readonly sessions: number }>;
  /** Removes what has expired. */
  removeExpired(live: LiveSince): Promise<void>;
}

/** What is in force: expires after `now`, and was seen after `seen`. */
export interface LiveSince {
  readonly now: number;
  readonly seen: number;
}

const LOGINS = 'console_login';
const SESSIONS = 'console_session';

function sessionOf({ _id, v, ...session }: SessionDocument): ConsoleSession {
  return session;
}

/** The logins and sessions of a store. */
export function consoleSessionRepo(store: Store): ConsoleSessionRepo {
  const logins = () => store.shared<LoginDocument>(LOGINS);
  const sessions = () => store.shared<SessionDocument>(SESSIONS);

  return guarded<ConsoleSessionRepo>({
    async addLogin({ hash, ...user }) {
      await logins().insertOne({ _id: hash, v: 1, ...user });
    },
    async takeLogin(hash, now) {
      const found = await logins().findOne({ _id: hash });
      if (!found || found.expires <= now) return undefined;
      if ((await logins().deleteOne({ _id: hash })).deletedCount !== 1) return undefined;
      const { name, grants, expires } = found;
      return { hash, name, grants, expires };
    },
    async addSession(hash, session) {
      // There may be one already: a repeated write of the driver.
      await insertNew(sessions(), { _id: hash, v: 1, ...session });
    },
    async getSession(hash) {
      const found = await sessions().findOne({ _id: hash });
      return found ? sessionOf(found) : undefined;
    },
    async setSeen(hash, now) {
      await sessions().updateOne({ _id: hash }, { $max: { seen: now } });
    },
    async removeSession(hash) {
      return (await sessions().deleteOne({ _id: hash })).deletedCount === 1;
    },
    async removeSessionByID(id, tenant) {
      const found = await sessions().findOne({ id, 'grants.tenant': tenant });
      if (!found || (await sessions().deleteOne({ _id: found._id })).deletedCount !== 1) return undefined;
      return sessionOf(found);
    },
    async list(tenant, limit, after, { now, seen }) {
      const filter: Filter<SessionDocument> = {
        'grants.tenant': tenant,
        id: { $gt: after },
        expires: { $gt: now },
        seen: { $gt: seen },
      };
      return (
        await sessions()
          .find(filter, { sort: { id: 1 }, limit })
          .toArray()
      ).map(sessionOf);
    },
    async count(tenant) {
      const filter = { 'grants.tenant': tenant };
      const [waiting, open] = await Promise.all([
        logins().countDocuments(filter),
        sessions().countDocuments(filter),
      ]);
      return { logins: waiting, sessions: open };
    },
    async removeExpired({ now, seen }) {
      await logins().deleteMany({ expires: { $lte: now } });
      await sessions().deleteMany({ $or: [{ expires: { $lte: now } }, { seen: { $lte: seen } }] });
    },
  });
}
