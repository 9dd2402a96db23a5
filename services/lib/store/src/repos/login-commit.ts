import type { TenantId } from '@im/contract';
import type { TenantCollection, TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { GroupCommitWrite, GroupCommitWriter } from '../group-commit.ts';
import type { Store } from '../store.ts';
import {
  changedFields,
  type IssueDocument,
  TOKEN_ISSUES,
  TOKENS,
  type TokenDocument,
  type TokenSet,
} from './token.ts';

/** A set as it was read, and as it is to be. */
export interface TokenSetChange {
  readonly before: TokenSet;
  readonly after: TokenSet;
}

/** What one login writes. */
export interface LoginWrite {
  readonly tenant: TenantId;
  readonly userID: string;
  /** Its number, by one above the last one that was read. */
  readonly issue: number;
  readonly sets: readonly TokenSetChange[];
}

/** Writes the logins of several users of one database with one commit. */
export type LoginCommit = ReturnType<typeof loginCommit>;

/** Commits logins of a store. */
export function loginCommit(store: Store) {
  return guarded({
    /** The database that the tenant's logins are written to. @throws ImError 90004 for a tenant that is not known. */
    databaseOf: (tenant: TenantId): string => store.collection(tenant, TOKENS).col.dbName,
    /**
     * Takes the numbers and changes the sets, all or nothing, durably. At most one login of a user.
     * @returns false when nothing was written: another writer was faster, or the server cannot do it.
     */
    async commit(writer: GroupCommitWriter, logins: readonly LoginWrite[]): Promise<boolean> {
      const inserts: GroupCommitWrite[] = [];
      const updates: GroupCommitWrite[] = [];
      for (const login of logins) {
        const view = store.collection(login.tenant, TOKEN_ISSUES);
        (login.issue === 1 ? inserts : updates).push(issueWrite(view, login));
      }
      const setInserts: GroupCommitWrite[] = [];
      const setUpdates: GroupCommitWrite[] = [];
      for (const { tenant, sets } of logins) {
        const view = store.collection(tenant, TOKENS);
        for (const set of sets) (set.before.rev === 0 ? setInserts : setUpdates).push(setWrite(view, set));
      }
      // Writes of a kind to one collection follow each other: they are one command.
      return writer.writeAllOrNone([...inserts, ...updates, ...setInserts, ...setUpdates]);
    },
  });
}

/** Inserts cost the server a fraction of an upsert. */
function issueWrite(view: TenantCollection<IssueDocument>, { userID, issue }: LoginWrite): GroupCommitWrite {
  const _id = view.key(userID);
  const place = placeOf(view);
  if (issue === 1) return { ...place, insert: { _id, t: view.tenant, issue } };
  return {
    ...place,
    filter: { _id, issue: issue - 1 },
    update: { $set: { issue }, $setOnInsert: { t: view.tenant } },
  };
}

function setWrite(
  view: TenantCollection<TokenDocument>,
  { before, after }: TokenSetChange,
): GroupCommitWrite {
  const { userID, platformID } = after;
  const _id = view.key(userID, String(platformID));
  const unchanging = { t: view.tenant, v: 1, userID, platformID };
  const place = placeOf(view);
  if (before.rev === 0) return { ...place, insert: { _id, ...unchanging, ...changedFields(after) } };
  return {
    ...place,
    filter: { _id, rev: before.rev },
    update: { $set: changedFields(after), $setOnInsert: unchanging },
  };
}

function placeOf<T extends TenantDocument>({ col }: TenantCollection<T>) {
  return { database: col.dbName, collection: col.collectionName };
}
