import type { TenantId } from '@im/contract';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { timeOrder } from './list-keys.ts';
import { newestFirst } from './newest-first.ts';

/** A token of a backend, with a part of the administrators' rights. */
export interface BackendToken {
  readonly id: string;
  readonly role: string;
  readonly hash: string;
  readonly description: string;
  /** The administrator it was issued by, and in whose name it acts. */
  readonly admin: string;
  /** ms. */
  readonly time: number;
  /** ms. */
  readonly expires: number;
  /** When it was revoked, ms. */
  readonly revoked?: number;
}

/** `_id` = tenant, id. */
interface BackendTokenDocument extends TenantDocument, BackendToken {
  v: 1;
  /** Time and id: the order of lists. */
  o: string;
}

/** Expired ones are listed for as long. */
const KEPT_MS = 7 * 86_400_000;

/** Collection of tokens of backends; the auth domain writes it, and removes what has expired with the next one. */
export const BACKEND_TOKENS = defineCollection<BackendTokenDocument>('backend_token', [
  { keys: { o: 1 } },
  { keys: { expires: 1 } },
]);

/** Tokens of backends. */
export interface BackendTokenRepo {
  add(tenant: TenantId, token: BackendToken): Promise<void>;
  get(tenant: TenantId, id: string): Promise<BackendToken | undefined>;
  /** Tokens that have not expired by `now` (ms), revoked ones included; counts to `most`. */
  count(tenant: TenantId, now: number, most: number): Promise<number>;
  /** Newest first. @param before cursor: the `next` of the page before. */
  list(
    tenant: TenantId,
    limit: number,
    before?: string,
  ): Promise<{ readonly tokens: BackendToken[]; readonly next?: string }>;
  /** Revokes a token. @returns it as it is now; undefined when there is none. */
  revoke(tenant: TenantId, id: string, time: number): Promise<BackendToken | undefined>;
  /** Removes those that expired some days before `now` (ms). */
  removeExpired(tenant: TenantId, now: number): Promise<number>;
}

/** The tokens of a store. */
export function backendTokenRepo(store: Store): BackendTokenRepo {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, BACKEND_TOKENS);

  return guarded<BackendTokenRepo>({
    async add(tenant, token) {
      const { col, key } = collectionOf(tenant);
      await col.insertOne({
        _id: key(token.id),
        t: tenant,
        v: 1,
        o: timeOrder(token.time, token.id),
        ...token,
      });
    },
    async get(tenant, id) {
      const { col, key } = collectionOf(tenant);
      return tokenOf(await col.findOne({ _id: key(id) }));
    },
    async count(tenant, now, most) {
      const { col } = collectionOf(tenant);
      const filter = { t: tenant, expires: { $gt: now } };
      return (await col.find(filter, { limit: most, projection: { _id: 1 } }).toArray()).length;
    },
    async list(tenant, limit, before) {
      const { docs, ...more } = await newestFirst(collectionOf(tenant), limit, before);
      return { tokens: docs.flatMap((doc) => tokenOf(doc) ?? []), ...more };
    },
    async revoke(tenant, id, time) {
      const { col, key } = collectionOf(tenant);
      await col.updateOne({ _id: key(id), revoked: { $exists: false } }, { $set: { revoked: time } });
      return tokenOf(await col.findOne({ _id: key(id) }));
    },
    async removeExpired(tenant, now) {
      const { col } = collectionOf(tenant);
      return (await col.deleteMany({ t: tenant, expires: { $lt: now - KEPT_MS } })).deletedCount;
    },
  });
}

function tokenOf(doc: BackendTokenDocument | null): BackendToken | undefined {
  if (!doc) return undefined;
  const { _id, t, v, o, ...token } = doc;
  return token;
}
