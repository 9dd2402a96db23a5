import type { TenantId } from '@im/kit';
import { ERR, ImError, ROLE } from '@im/protocol';
import { MongoBulkWriteError } from 'mongodb';
import { guarded, isDuplicateKey } from '../errors.ts';
import type { Store } from '../store.ts';
import {
  GROUP_MEMBERS,
  type GroupMember,
  type GroupMemberDocument,
  memberCaches,
  memberID,
  rankOf,
} from './group-member.ts';
import { insertionOrder } from './insertion-order.ts';
import { SORT_ENTRY, type VersionStamp } from './version-delta.ts';
import { type Change, deleted, inserted, updated, versionLogs } from './version-log.ts';

/** Changes of a member; what is absent stays. */
export interface MemberChanges {
  readonly nickname?: string;
  readonly faceURL?: string;
  readonly roleLevel?: number;
  readonly muteEndTime?: number;
  readonly ex?: string;
}

/**
 * Writes to memberships. Each also writes the group's and the users' version logs, after the change itself, and
 * makes all processes forget their copies.
 */
export interface GroupMemberChanges {
  /** Adds members, in this order. @returns who was added; the others were members already. */
  add(
    tenant: TenantId,
    groupID: string,
    members: readonly GroupMember[],
  ): Promise<{ added: string[]; stamp: VersionStamp }>;
  remove(tenant: TenantId, groupID: string, userIDs: readonly string[]): Promise<VersionStamp>;
  /** Applies changes to one member. @returns undefined when the user is not a member. */
  update(
    tenant: TenantId,
    groupID: string,
    userID: string,
    changes: MemberChanges,
  ): Promise<VersionStamp | undefined>;
  /**
   * Makes `newOwner` the owner and gives the old one the role that `newOwner` had.
   * @returns undefined when either role is no longer what the caller saw.
   */
  transferOwner(
    tenant: TenantId,
    groupID: string,
    oldOwnerID: string,
    newOwner: GroupMember,
  ): Promise<VersionStamp | undefined>;
  /** Notes a change that lies outside the member records: the group's info, or members' profiles. */
  touch(tenant: TenantId, groupID: string, ...ids: readonly string[]): Promise<VersionStamp>;
  /**
   * Removes up to `limit` members of a dismissed group; the group's own version log goes with the last ones.
   * @returns who was removed; empty when nobody is left.
   */
  removeSome(tenant: TenantId, groupID: string, limit: number): Promise<string[]>;
}

/** Positions that an unordered insert did not write because their `_id` exists. */
function refused(error: unknown): Set<number> {
  if (!(error instanceof MongoBulkWriteError) || !isDuplicateKey(error)) throw error;
  const failed = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
  for (const { code } of failed) if (code !== error.code) throw error;
  return new Set(failed.map(({ index }) => index));
}

/** The writes to a store's memberships. */
export function groupMemberChanges(store: Store): GroupMemberChanges {
  const versions = versionLogs(store, 'groupMember');
  const joinVersions = versionLogs(store, 'groupJoin');
  const caches = memberCaches(store);
  const of = (tenant: TenantId) => store.collection(tenant, GROUP_MEMBERS);

  async function forget(tenant: TenantId, groupID: string, userIDs: readonly string[]): Promise<void> {
    await caches.member.invalidate(
      tenant,
      userIDs.map((userID) => memberID(groupID, userID)),
    );
    await caches.summary.invalidate(tenant, [groupID]);
  }
  async function joinedChanged(tenant: TenantId, userIDs: readonly string[], change: Change): Promise<void> {
    await joinVersions.writeMany(
      tenant,
      userIDs.map((owner) => ({ owner, changes: [change] })),
    );
    await caches.joined.invalidate(tenant, userIDs);
  }
  async function deleteRows(tenant: TenantId, groupID: string, userIDs: readonly string[]): Promise<void> {
    const members = of(tenant);
    await members.col.deleteMany({ _id: { $in: userIDs.map((id) => members.key(groupID, id)) } });
    await forget(tenant, groupID, userIDs);
  }

  return guarded<GroupMemberChanges>({
    async add(tenant, groupID, added) {
      const members = of(tenant);
      const docs = added.map(
        (member, i): GroupMemberDocument => ({
          _id: members.key(groupID, member.userID),
          t: tenant,
          v: 1,
          ...member,
          rank: rankOf(member.roleLevel),
          ord: insertionOrder(member.joinTime, i),
        }),
      );
      let lost = new Set<number>();
      try {
        await members.col.insertMany(docs, { ordered: false });
      } catch (error) {
        lost = refused(error);
      }
      const ids = docs.filter((_, i) => !lost.has(i)).map(({ userID }) => userID);
      await forget(tenant, groupID, ids);
      if (ids.length === 0) return { added: [], stamp: await versions.stamp(tenant, groupID) };
      await joinedChanged(tenant, ids, inserted(groupID));
      return { added: ids, stamp: await versions.write(tenant, groupID, inserted(...ids)) };
    },
    async remove(tenant, groupID, userIDs) {
      await deleteRows(tenant, groupID, userIDs);
      await joinedChanged(tenant, userIDs, deleted(groupID));
      return versions.write(tenant, groupID, deleted(...userIDs));
    },
    async update(tenant, groupID, userID, changes) {
      const members = of(tenant);
      const set: Partial<GroupMemberDocument> = { ...changes };
      if (changes.roleLevel !== undefined) set.rank = rankOf(changes.roleLevel);
      if (Object.keys(set).length > 0) {
        const { matchedCount } = await members.col.updateOne(
          { _id: members.key(groupID, userID) },
          { $set: set },
        );
        if (matchedCount === 0) return undefined;
      }
      await forget(tenant, groupID, [userID]);
      const log: Change[] = [updated(userID)];
      if (changes.roleLevel !== undefined) log.push(updated(SORT_ENTRY));
      return versions.write(tenant, groupID, ...log);
    },
    async transferOwner(tenant, groupID, oldOwnerID, newOwner) {
      const members = of(tenant);
      const setRole = async (userID: string, from: number, to: number) => {
        const { matchedCount } = await members.col.updateOne(
          { _id: members.key(groupID, userID), roleLevel: from },
          { $set: { roleLevel: to, rank: rankOf(to) } },
        );
        return matchedCount === 1;
      };
      // Promotion first: a crash between the two leaves an owner too many, not none.
      if (!(await setRole(newOwner.userID, newOwner.roleLevel, ROLE.Owner))) return undefined;
      if (!(await setRole(oldOwnerID, ROLE.Owner, newOwner.roleLevel))) {
        await setRole(newOwner.userID, ROLE.Owner, newOwner.roleLevel);
        return undefined;
      }
      await forget(tenant, groupID, [oldOwnerID, newOwner.userID]);
      return versions.write(tenant, groupID, updated(oldOwnerID, newOwner.userID), updated(SORT_ENTRY));
    },
    async touch(tenant, groupID, ...ids) {
      if (ids.length === 0) throw new ImError(ERR.ServerInternalError, 'nothing to note');
      return versions.write(tenant, groupID, updated(...ids));
    },
    async removeSome(tenant, groupID, limit) {
      const docs = await of(tenant)
        .col.find({ t: tenant, groupID }, { projection: { _id: 0, userID: 1 }, limit })
        .toArray();
      const userIDs = docs.map(({ userID }) => userID);
      if (userIDs.length > 0) {
        await deleteRows(tenant, groupID, userIDs);
        await joinedChanged(tenant, userIDs, deleted(groupID));
      }
      if (userIDs.length < limit) await versions.drop(tenant, groupID);
      return userIDs;
    },
  });
}
