import type { TenantId } from '@im/contract';
import { ERR, ImError, make, type sdkws } from '@im/protocol';
import { type Filter, MongoBulkWriteError } from 'mongodb';
import { defineCollection, type TenantCollection, type TenantDocument } from '../collection.ts';
import { guarded, isDuplicateKey } from '../errors.ts';
import type { Store } from '../store.ts';
import { readsOfUser } from './by-user.ts';
import type { CreatedCounts } from './count-by-day.ts';
import { CREATED_USERS, createdIn } from './created-days.ts';
import { contains, searchKey } from './list-keys.ts';

/** Profile of a user, as it is stored. `_id` = tenant, user. */
interface UserDocument extends TenantDocument {
  v: 1;
  userID: string;
  nickname: string;
  faceURL: string;
  ex: string;
  /** ms. */
  createTime: number;
  /** 0 ordinary, 1 app user, 2 app admin, 3 notification account, 4 robot. */
  level: number;
  recvOpt: number;
  /** Search keys of userID and nickname. */
  idKey: string;
  nickKey: string;
}

/** In order of registration, and with all that listings filter by, so that a search reads no profile that it leaves out. */
const BY_REGISTRATION = { createTime: 1, userID: 1, level: 1, idKey: 1, nickKey: 1 } as const;

/** Collection of profiles; the user domain alone writes it. */
export const USERS = defineCollection<UserDocument>('user', [
  { keys: BY_REGISTRATION },
  { keys: { level: 1, createTime: 1 } },
]);

/** What a new user starts with. */
export interface NewUser {
  readonly userID: string;
  readonly nickname: string;
  readonly faceURL: string;
  readonly ex: string;
  readonly createTime: number;
  readonly appMangerLevel: number;
  readonly globalRecvMsgOpt: number;
}

/** Changes of a profile; what is absent stays. */
export interface UserChanges {
  readonly nickname?: string;
  readonly faceURL?: string;
  readonly ex?: string;
  readonly globalRecvMsgOpt?: number;
}

/** A part of a list: `skip` entries left out, at most `limit` returned; 0 returns none. */
export interface Page {
  readonly skip: number;
  readonly limit: number;
}

/** Which users a listing shows. */
export interface UserQuery {
  readonly levels?: readonly number[];
  /** Either matches anywhere in its field, whatever the case; without both, all users. */
  readonly userID?: string;
  readonly nickname?: string;
}

/** The last user of a page, in order of registration. */
export interface UserCursor {
  readonly createTime: number;
  readonly userID: string;
}

/** One page and how many there are in all. */
export interface UserPage {
  readonly total: number;
  readonly users: sdkws.UserInfo[];
}

/** Profiles of users. Results are shared copies: do not change them. */
export interface UserRepo {
  /** The profile, from the process's copy when there is one. */
  get(tenant: TenantId, userID: string): Promise<sdkws.UserInfo | undefined>;
  /** As {@link get} for many; unknown ones are left out. */
  getMany(tenant: TenantId, userIDs: readonly string[]): Promise<Map<string, sdkws.UserInfo>>;
  /** Ids that are not registered, in the order given. */
  missing(tenant: TenantId, userIDs: readonly string[]): Promise<string[]>;
  /**
   * Registers all or none.
   * @returns ids that are taken; nothing was registered when there is one.
   */
  insert(tenant: TenantId, users: readonly NewUser[]): Promise<string[]>;
  /** Applies the changes and returns the profile before and after, or undefined for an unknown user. */
  update(
    tenant: TenantId,
    userID: string,
    changes: UserChanges,
  ): Promise<{ before: sdkws.UserInfo; after: sdkws.UserInfo } | undefined>;
  /** Removes a profile. @returns false when there was none. */
  remove(tenant: TenantId, userID: string): Promise<boolean>;
  /** In order of registration. */
  pageIDs(tenant: TenantId, page: Page): Promise<{ total: number; userIDs: string[] }>;
  /** In order of registration. */
  page(tenant: TenantId, query: UserQuery, page: Page): Promise<UserPage>;
  /**
   * Newest first, so that a user registered meanwhile moves no page.
   * @param after cursor: the `next` of the page before
   */
  newest(
    tenant: TenantId,
    query: Pick<UserQuery, 'userID' | 'nickname'>,
    limit: number,
    after?: UserCursor,
  ): Promise<{ readonly users: sdkws.UserInfo[]; readonly next?: UserCursor }>;
  /** Accounts of level 3 and above; by exact id or else exact nickname, or all of a level. */
  systemAccounts(
    tenant: TenantId,
    query: { keyword: string; level: number | undefined; except: readonly string[] },
    page: Page,
  ): Promise<UserPage>;
  count(tenant: TenantId): Promise<number>;
  /** Registrations by UTC day in [start, end), times in ms; up to a minute old. */
  registered(tenant: TenantId, start: number, end: number): Promise<CreatedCounts>;
}

/** What statistics ask again and again. */
const COUNTS = { name: 'user-counts', max: 200, ttlMs: 60_000 };
const CACHE = { name: 'user', max: 100_000, ttlMs: 60_000, negativeTtlMs: 2_000 };
/** A search that finds little reads the tenant's whole index; it ends here. */
const SEARCH_MS = 5_000;
const FIRST_SYSTEM_LEVEL = 3;
const MAX_ATTEMPTS = 50;

function toUserInfo(doc: UserDocument): sdkws.UserInfo {
  return make('sdkws.UserInfo', {
    userID: doc.userID,
    nickname: doc.nickname,
    faceURL: doc.faceURL,
    ex: doc.ex,
    createTime: doc.createTime,
    appMangerLevel: doc.level,
    globalRecvMsgOpt: doc.recvOpt,
  });
}

function toDocument(users: TenantCollection<UserDocument>, user: NewUser): UserDocument {
  return {
    _id: users.key(user.userID),
    t: users.tenant,
    v: 1,
    userID: user.userID,
    nickname: user.nickname,
    faceURL: user.faceURL,
    ex: user.ex,
    createTime: user.createTime,
    level: user.appMangerLevel,
    recvOpt: user.globalRecvMsgOpt,
    idKey: searchKey(user.userID),
    nickKey: searchKey(user.nickname),
  };
}

function toUpdate(changes: UserChanges): Partial<UserDocument> {
  const set: Partial<UserDocument> = {};
  if (changes.nickname !== undefined) {
    set.nickname = changes.nickname;
    set.nickKey = searchKey(changes.nickname);
  }
  if (changes.faceURL !== undefined) set.faceURL = changes.faceURL;
  if (changes.ex !== undefined) set.ex = changes.ex;
  if (changes.globalRecvMsgOpt !== undefined) set.recvOpt = changes.globalRecvMsgOpt;
  return set;
}

/** Users whose id or nickname contains these. */
function having({ userID, nickname }: Pick<UserQuery, 'userID' | 'nickname'>): Filter<UserDocument> {
  const either: Filter<UserDocument>[] = [];
  if (userID) either.push({ idKey: contains(userID) });
  if (nickname) either.push({ nickKey: contains(nickname) });
  return either.length === 0 ? {} : { $or: either };
}

/** Positions that an unordered insert did not write because their `_id` exists. */
function refused(error: unknown): number[] {
  if (!(error instanceof MongoBulkWriteError) || !isDuplicateKey(error)) throw error;
  return (Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors]).map(
    ({ index }) => index,
  );
}

/** The profiles of a store. */
export function userRepo(store: Store): UserRepo {
  const counts = store.cached<CreatedCounts>(COUNTS);
  const cache = store.cached<sdkws.UserInfo>(CACHE);
  const collectionOf = (tenant: TenantId) => store.collection(tenant, USERS);

  async function load(tenant: TenantId, userIDs: readonly string[]): Promise<Map<string, sdkws.UserInfo>> {
    const users = collectionOf(tenant);
    const docs = await users.col.find({ _id: { $in: userIDs.map((id) => users.key(id)) } }).toArray();
    return new Map(docs.map((doc) => [doc.userID, toUserInfo(doc)]));
  }

  const readOne = readsOfUser(store, { name: 'users', spec: USERS });

  /** One page in the order of an index, which the whole search goes by. */
  async function find(
    tenant: TenantId,
    filter: Filter<UserDocument>,
    sort: Readonly<Record<string, 1>>,
    { skip, limit }: Page,
  ): Promise<UserPage> {
    const scoped = { t: tenant, ...filter };
    const options = { hint: { t: 1, ...sort } as const, maxTimeMS: SEARCH_MS };
    return store.search(tenant, USERS, async ({ col }) => {
      const total = await col.countDocuments(scoped, options);
      if (limit === 0 || skip >= total) return { total, users: [] };
      const docs = await col.find(scoped, { ...options, sort: { t: 1, ...sort }, skip, limit }).toArray();
      return { total, users: docs.map(toUserInfo) };
    });
  }

  return guarded<UserRepo>({
    get: (tenant, userID) =>
      cache.get(tenant, userID, async () => {
        const doc = await readOne({ tenant, userID });
        return doc && toUserInfo(doc);
      }),
    getMany: (tenant, userIDs) => cache.getMany(tenant, userIDs, (missing) => load(tenant, missing)),
    async missing(tenant, userIDs) {
      const users = collectionOf(tenant);
      const docs = await users.col
        .find({ _id: { $in: userIDs.map((id) => users.key(id)) } }, { projection: { userID: 1 } })
        .toArray();
      const found = new Set(docs.map(({ userID }) => userID));
      return userIDs.filter((id) => !found.has(id));
    },
    async insert(tenant, newUsers) {
      const users = collectionOf(tenant);
      const docs = newUsers.map((user) => toDocument(users, user));
      const ids = docs.map(({ _id }) => _id);
      const taken = await users.col.find({ _id: { $in: ids } }, { projection: { userID: 1 } }).toArray();
      if (taken.length > 0) return taken.map(({ userID }) => userID);
      try {
        await users.col.insertMany(docs, { ordered: false });
        return [];
      } catch (error) {
        // Another call registered one of them meanwhile: take back the others.
        const lost = new Set(refused(error));
        await users.col.deleteMany({ _id: { $in: ids.filter((_, i) => !lost.has(i)) } });
        return docs.filter((_, i) => lost.has(i)).map(({ userID }) => userID);
      } finally {
        await cache.invalidate(
          tenant,
          docs.map(({ userID }) => userID),
        );
      }
    },
    async update(tenant, userID, changes) {
      const users = collectionOf(tenant);
      const set = toUpdate(changes);
      const _id = users.key(userID);
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const before = await users.col.findOne({ _id });
        if (!before) return undefined;
        // Only if these fields are what was read: of two changes at once, one sees the other.
        const seen = Object.fromEntries(
          Object.keys(set).map((field) => [field, before[field as keyof UserDocument]]),
        );
        const done =
          Object.keys(set).length === 0 ||
          (await users.col.updateOne({ ...seen, _id }, { $set: set })).matchedCount === 1;
        if (!done) continue;
        await cache.invalidate(tenant, [userID]);
        return { before: toUserInfo(before), after: toUserInfo({ ...before, ...set }) };
      }
      throw new ImError(ERR.NetworkError, 'too many changes of this profile at once');
    },
    async remove(tenant, userID) {
      const users = collectionOf(tenant);
      const { deletedCount } = await users.col.deleteOne({ _id: users.key(userID) });
      await cache.invalidate(tenant, [userID]);
      return deletedCount === 1;
    },
    pageIDs: (tenant, { skip, limit }) =>
      store.search(tenant, USERS, async ({ col }) => {
        const total = await col.countDocuments({ t: tenant }, { maxTimeMS: SEARCH_MS });
        if (limit === 0 || skip >= total) return { total, userIDs: [] };
        const sort = { createTime: 1, userID: 1 } as const;
        const docs = await col
          .find({ t: tenant }, { projection: { _id: 0, userID: 1 }, sort, skip, limit, maxTimeMS: SEARCH_MS })
          .toArray();
        return { total, userIDs: docs.map(({ userID }) => userID) };
      }),
    page(tenant, { levels, ...words }, page) {
      const filter = having(words);
      if (levels) filter.level = { $in: [...levels] };
      return find(tenant, filter, BY_REGISTRATION, page);
    },
    newest: (tenant, words, limit, after) =>
      store.search(tenant, USERS, async ({ col }) => {
        const until = performance.now() + SEARCH_MS;
        const read = (range: Filter<UserDocument>, most: number) =>
          col
            .find(
              { t: tenant, ...range, ...having(words) },
              {
                hint: { t: 1, ...BY_REGISTRATION },
                sort: { createTime: -1, userID: -1 },
                limit: most,
                maxTimeMS: Math.max(1, Math.ceil(until - performance.now())),
              },
            )
            .toArray();
        const docs = after
          ? await read({ createTime: after.createTime, userID: { $lt: after.userID } }, limit + 1)
          : await read({}, limit + 1);
        if (after && docs.length <= limit)
          docs.push(...(await read({ createTime: { $lt: after.createTime } }, limit + 1 - docs.length)));
        const page = docs.slice(0, limit);
        const last = page.at(-1);
        return {
          users: page.map(toUserInfo),
          ...(docs.length > limit && last && { next: { createTime: last.createTime, userID: last.userID } }),
        };
      }),
    async systemAccounts(tenant, { keyword, level, except }, page) {
      const users = collectionOf(tenant);
      if (keyword !== '') {
        const doc = await users.col.findOne({ _id: users.key(keyword) });
        if (doc && doc.level >= FIRST_SYSTEM_LEVEL && !except.includes(keyword)) {
          return { total: 1, users: page.skip === 0 && page.limit > 0 ? [toUserInfo(doc)] : [] };
        }
      }
      const filter: Filter<UserDocument> = {
        level: level === undefined || keyword !== '' ? { $gte: FIRST_SYSTEM_LEVEL } : { $eq: level },
        userID: { $nin: [...except] },
      };
      if (keyword !== '') filter.nickname = keyword;
      if (level !== undefined && level < FIRST_SYSTEM_LEVEL) return { total: 0, users: [] };
      return find(tenant, filter, { level: 1, createTime: 1 }, page);
    },
    count: (tenant) => collectionOf(tenant).col.countDocuments({ t: tenant }),
    async registered(tenant, start, end) {
      const load = () =>
        createdIn(store, tenant, { spec: USERS, kind: CREATED_USERS }, { start, end }, SEARCH_MS);
      return (await counts.get(tenant, `${start} ${end}`, load)) ?? load();
    },
  });
}
