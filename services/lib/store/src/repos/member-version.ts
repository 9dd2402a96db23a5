import type { TenantId } from '@im/contract';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { IDS_PER_QUERY } from './by-id.ts';
import { INFO_ENTRY, MAX_DELTA, SORT_ENTRY, type VersionStamp } from './version-delta.ts';
import { appendToLog, type Change, KEPT_MARKS, VERSION_LOGS } from './version-log.ts';

/** Number of a change of membership, and of the one before it. */
export interface MemberVersion {
  readonly stamp: VersionStamp;
  /** 0 when it is not known any more. */
  readonly before: number;
}

/** Who may have come or left since a version: all whose membership changed in any way. */
export interface MembersSince {
  /** Version of the last change of membership; 0 when there was none since this is counted. */
  readonly version: number;
  readonly changedUserIDs: readonly string[];
  /** The log does not reach back that far: any user may have joined or left. */
  readonly full: boolean;
}

/**
 * Versions of groups' members that count changes of membership alone: the member log also counts changed names and
 * roles, which do not matter for where a message goes.
 */
export interface MemberVersions {
  /** Notes a change of membership in the group's member log. */
  write(tenant: TenantId, groupID: string, ...changes: readonly Change[]): Promise<MemberVersion>;
  /** Version of each group's last change of membership; groups without one are left out. */
  current(tenant: TenantId, groupIDs: readonly string[]): Promise<Map<string, number>>;
  /** As {@link current} of one group, from the process's copy, for the path of messages. 0 without one. */
  known(tenant: TenantId, groupID: string): number | Promise<number>;
  since(tenant: TenantId, groupID: string, version: number): Promise<MembersSince>;
}

const MEMBERS_ONLY = { members: 1 } as const;

/** Copies of {@link MemberVersions.known}; writers of memberships make all processes forget theirs. */
export function memberVersionCache(store: Store) {
  return store.cached<number>({ name: 'member-version', max: 50_000, ttlMs: 30_000, negativeTtlMs: 30_000 });
}

/** The versions of a store's groups. */
export function memberVersions(store: Store): MemberVersions {
  const cache = memberVersionCache(store);
  const collectionOf = (tenant: TenantId) => store.collection(tenant, VERSION_LOGS.groupMember);

  async function current(tenant: TenantId, groupIDs: readonly string[]): Promise<Map<string, number>> {
    const logs = collectionOf(tenant);
    const found = new Map<string, number>();
    for (let begin = 0; begin < groupIDs.length; begin += IDS_PER_QUERY) {
      const ids = groupIDs.slice(begin, begin + IDS_PER_QUERY).map((id) => logs.key(id));
      const docs = await logs.col
        .find({ _id: { $in: ids } }, { projection: MEMBERS_ONLY, batchSize: IDS_PER_QUERY })
        .toArray();
      for (const doc of docs) {
        const last = doc.members?.at(-1);
        if (last !== undefined) found.set(logs.parts(doc._id)[0] ?? '', last);
      }
    }
    return found;
  }

  return guarded<MemberVersions>({
    async write(tenant, groupID, ...changes) {
      const members = {
        $slice: [{ $concatArrays: [{ $ifNull: ['$members', []] }, ['$version']] }, -KEPT_MARKS],
      };
      const { stamp, written } = await appendToLog(collectionOf(tenant), groupID, changes, [
        { $set: { members } },
      ]);
      await cache.invalidate(tenant, [groupID]);
      return { stamp, before: written.members?.findLast((version) => version < stamp.version) ?? 0 };
    },
    current,
    known(tenant, groupID) {
      const copy = cache.peek(tenant, groupID);
      if (copy.known) return copy.value ?? 0;
      return cache
        .get(tenant, groupID, async () => (await current(tenant, [groupID])).get(groupID))
        .then((version) => version ?? 0);
    },
    async since(tenant, groupID, version) {
      const logs = collectionOf(tenant);
      const doc = await logs.col.findOne(
        { _id: logs.key(groupID) },
        { projection: { logs: 1, members: 1, version: 1 } },
      );
      const last = doc?.members?.at(-1) ?? 0;
      if (!doc || doc.version < version) return { version: last, changedUserIDs: [], full: true };
      // Updates too: one that follows a change of membership takes its place in the log.
      const missed = doc.logs.filter(({ v }) => v > version);
      const users = missed.filter(({ e }) => e !== INFO_ENTRY && e !== SORT_ENTRY);
      return { version: last, changedUserIDs: users.map(({ e }) => e), full: missed.length > MAX_DELTA };
    },
  });
}
