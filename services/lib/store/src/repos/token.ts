import type { TenantId } from '@im/contract';
import { defineCollection, type TenantCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import { insertNew, untilWritten } from '../optimistic-writes.ts';
import type { Store } from '../store.ts';
import { readsById } from './by-id.ts';
import { readsByUser, readsOfUser, type UserQuery } from './by-user.ts';

/** A token that passes. */
export interface LiveToken {
  /** `tokenHash(token)` of @im/kit; the token itself is kept nowhere. */
  readonly hash: string;
  /** Rises with every issue to the user, over all platforms. */
  readonly issue: number;
  /** End of its life, ms. */
  readonly expires: number;
  /** A replaced administrator's token passes until this time, ms; absent on others. */
  readonly until?: number;
}

/** A token that was ended by another login or by an administrator. */
export interface KickedToken {
  readonly hash: string;
  readonly issue: number;
  readonly expires: number;
}

/** The tokens of one user on one platform. */
export interface TokenSet {
  readonly userID: string;
  readonly platformID: number;
  /** Rises with every change; 0 for a set that is not stored yet. */
  readonly rev: number;
  readonly live: readonly LiveToken[];
  readonly kicked: readonly KickedToken[];
}

/** `_id` = tenant, user, platform. The truth about tokens. */
export interface TokenDocument extends TenantDocument {
  v: 1;
  userID: string;
  platformID: number;
  rev: number;
  live: LiveToken[];
  kicked: KickedToken[];
  /** When the last of them expires, ms. */
  lastExpires: number;
}

/** Collection of tokens; the auth domain alone writes it. */
export const TOKENS = defineCollection<TokenDocument>('token', [
  { keys: { lastExpires: 1 } },
  { keys: { userID: 1 } },
]);

/** Why a user may not log in. */
export interface Ban {
  /** End, ms; 0 for none. */
  readonly until: number;
  /** Shown to the user. */
  readonly reason: string;
  /** When it was decided, ms, and by whom. */
  readonly time: number;
  readonly admin: string;
  /** The account was deleted: it ends never. */
  readonly deleted?: true;
}

/** `_id` = tenant, user. */
export interface IssueDocument extends TenantDocument {
  issue: number;
  ban?: Ban;
  /** Time of the ban and user: the order of the list of bans. */
  banned?: string;
}

/** Issue numbers. Never removed: a connection may outlive its token, and numbers must not come again. */
export const TOKEN_ISSUES = defineCollection<IssueDocument>('token_issue', [{ keys: { banned: 1 } }]);

/** What a login begins with. */
export interface IssueState {
  /** The last number that this user was given; 0 before the first. */
  readonly lastIssue: number;
  /** In force or not. */
  readonly ban?: Ban;
}

/** What a change makes of a set: the new lists, or undefined to leave it. */
export type TokenChange = (set: TokenSet) => Pick<TokenSet, 'live' | 'kicked'> | undefined;

/** The truth about tokens. */
export interface TokenRepo {
  /** A number above all that this user was given before. */
  nextIssue(tenant: TenantId, userID: string): Promise<number>;
  /** The last number that this user was given, and whether they are banned. */
  issueState(tenant: TenantId, userID: string): Promise<IssueState>;
  /** The set; an empty one when there is none. */
  get(tenant: TenantId, userID: string, platformID: number): Promise<TokenSet>;
  /** The sets of all platforms that have one. */
  getAll(tenant: TenantId, userID: string): Promise<TokenSet[]>;
  /**
   * Applies `change` to the set as it is now, as one step: `change` is called again when another caller was faster.
   * @returns the set afterwards.
   */
  change(tenant: TenantId, userID: string, platformID: number, change: TokenChange): Promise<TokenSet>;
  /** Removes sets whose tokens have all expired before `now` (ms). @returns how many. */
  removeExpired(tenant: TenantId, now: number): Promise<number>;
}

/** What a login or a ban is refused with when other logins of the user always come between. */
export const TOO_MANY_LOGINS = 'too many logins of this user at once';

function emptySet(userID: string, platformID: number): TokenSet {
  return { userID, platformID, rev: 0, live: [], kicked: [] };
}

function toSet({ userID, platformID, rev, live, kicked }: TokenDocument): TokenSet {
  return { userID, platformID, rev, live, kicked };
}

function lastExpiry(tokens: readonly { expires: number }[]): number {
  return tokens.reduce((last, { expires }) => Math.max(last, expires), 0);
}

/** The fields that a change of a set writes. */
export function changedFields({
  rev,
  live,
  kicked,
}: TokenSet): Pick<TokenDocument, 'rev' | 'live' | 'kicked' | 'lastExpires'> {
  return { rev, live: [...live], kicked: [...kicked], lastExpires: lastExpiry([...live, ...kicked]) };
}

/** Writes the next state of a set unless it changed since it was read. @returns false when it did. */
async function replace(
  tokens: TenantCollection<TokenDocument>,
  before: TokenSet,
  after: TokenSet,
): Promise<boolean> {
  const _id = tokens.key(after.userID, String(after.platformID));
  const body = changedFields(after);
  if (before.rev > 0) {
    const { matchedCount } = await tokens.col.updateOne({ _id, rev: before.rev }, { $set: body });
    return matchedCount === 1;
  }
  const { userID, platformID } = after;
  return insertNew(tokens.col, { _id, t: tokens.tenant, v: 1, userID, platformID, ...body });
}

interface SetQuery extends UserQuery {
  readonly platformID: number;
}

/** The tokens of a store. */
export function tokenRepo(store: Store): TokenRepo {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, TOKENS);
  const ofUser = readsByUser(store, { name: 'tokens', spec: TOKENS, field: 'userID' });
  const issueOf = readsOfUser(store, { name: 'token-issues', spec: TOKEN_ISSUES });

  const ofPlatform = readsById<TokenDocument, SetQuery>(store, {
    name: 'token-sets',
    spec: TOKENS,
    keyOf: ({ view, query }) => view.key(query.userID, String(query.platformID)),
  });

  async function get(tenant: TenantId, userID: string, platformID: number): Promise<TokenSet> {
    const doc = await ofPlatform({ tenant, userID, platformID });
    return doc ? toSet(doc) : emptySet(userID, platformID);
  }

  return guarded<TokenRepo>({
    async nextIssue(tenant, userID) {
      const { col, key } = store.collection(tenant, TOKEN_ISSUES);
      const _id = key(userID);
      return untilWritten(async () => {
        const last = await col.findOne({ _id });
        const issue = (last?.issue ?? 0) + 1;
        // Of all who read the same number, one writes the next.
        const done = last
          ? (await col.updateOne({ _id, issue: last.issue }, { $set: { issue } })).matchedCount === 1
          : await insertNew(col, { _id, t: tenant, issue });
        return done ? issue : undefined;
      }, TOO_MANY_LOGINS);
    },
    async issueState(tenant, userID) {
      const doc = await issueOf({ tenant, userID });
      return { lastIssue: doc?.issue ?? 0, ...(doc?.ban && { ban: doc.ban }) };
    },
    get,
    async getAll(tenant, userID) {
      return (await ofUser({ tenant, userID })).map(toSet);
    },
    async change(tenant, userID, platformID, change) {
      return untilWritten(async () => {
        const before = await get(tenant, userID, platformID);
        const next = change(before);
        if (!next) return before;
        const after: TokenSet = { userID, platformID, rev: before.rev + 1, ...next };
        return (await replace(collectionOf(tenant), before, after)) ? after : undefined;
      }, TOO_MANY_LOGINS);
    },
    async removeExpired(tenant, now) {
      const { deletedCount } = await collectionOf(tenant).col.deleteMany({
        t: tenant,
        lastExpires: { $lt: now },
      });
      return deletedCount;
    },
  });
}
