import type { TenantId } from '@im/contract';
import { randomId } from '@im/kit';
import { ERR, ImError, ROLE } from '@im/protocol';
import { type Filter, MongoBulkWriteError } from 'mongodb';
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
import { insertionOrder } from './list-keys.ts';
import { type MemberVersion, memberVersions } from './member-version.ts';
import { INFO_ENTRY, SORT_ENTRY, type VersionStamp } from './version-delta.ts';
import { type Change, deleted, inserted, updated, versionLogs } from './version-log.ts';

/** Changes of a member; what is absent stays. */
export interface MemberChanges {
  readonly nickname?: string;
  readonly faceURL?: string;
  readonly roleLevel?: number;
  readonly muteEndTime?: number;
  readonly ex?: string;
}

/** What became of a change of membership. */
export interface MembershipOutcome extends MemberVersion {
  /**
   * Users who are in the group by this change, and who are out of it, read after its version was made. Those whom
   * another change has moved meanwhile are left out: that one reports them, with a higher version if it is right.
   */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** A change of membership, as far as its own rows tell it apart. */
export interface MembershipTarget {
  /** Names the change. */
  readonly id: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** Passing a group on: the two swap their roles. */
export interface OwnerTransfer {
  /** Names the change. */
  readonly id: string;
  readonly oldOwnerUserID: string;
  readonly newOwnerUserID: string;
  /** The role of the new owner before, which the old one gets. */
  readonly roleLevel: number;
}

/** What became of a transfer: the version that notes it, or `undone` when the old owner was none any more. */
export type TransferOutcome = { readonly stamp: VersionStamp } | 'undone';

/**
 * Writes to memberships. Each also writes the group's and the users' version logs, after the change itself, and
 * makes all processes forget their copies.
 */
export interface GroupMemberChanges {
  /**
   * Adds members, in this order; those who are members already are left out of the outcome.
   * @param change names the change; a random name without.
   */
  add(
    tenant: TenantId,
    groupID: string,
    members: readonly GroupMember[],
    change?: string,
  ): Promise<MembershipOutcome>;
  /** Removes members; an owner stays, also one who became it meanwhile. */
  remove(tenant: TenantId, groupID: string, userIDs: readonly string[]): Promise<MembershipOutcome>;
  /**
   * Does what is left of a change whose rows are (perhaps) written: version logs and copies. It can be repeated.
   * @returns undefined when the members show nothing of the change.
   */
  settle(tenant: TenantId, groupID: string, target: MembershipTarget): Promise<MembershipOutcome | undefined>;
  /** Applies changes to one member. @returns undefined when the user is not a member, or an owner to be given a role. */
  update(
    tenant: TenantId,
    groupID: string,
    userID: string,
    changes: MemberChanges,
  ): Promise<VersionStamp | undefined>;
  /**
   * Makes the new owner one and gives the old one the other's role. Only one transfer of a group at a time may be
   * under way, and the caller keeps its intent until this has returned: what a crash leaves {@link settleOwner} ends.
   * @returns `undone` when either role is no longer what the caller saw.
   */
  transferOwner(tenant: TenantId, groupID: string, transfer: OwnerTransfer): Promise<TransferOutcome>;
  /**
   * Does what is left of a transfer whose rows are (perhaps) written. It can be repeated.
   * @returns undefined when the members show nothing of it.
   */
  settleOwner(
    tenant: TenantId,
    groupID: string,
    transfer: OwnerTransfer,
  ): Promise<TransferOutcome | undefined>;
  /** Notes a change that lies outside the member records: the group's info, or members' profiles. */
  touch(tenant: TenantId, groupID: string, ...ids: readonly string[]): Promise<VersionStamp>;
  /**
   * Removes up to `limit` members of a dismissed group.
   * @returns who was removed; empty when no member is left.
   */
  removeSome(tenant: TenantId, groupID: string, limit: number): Promise<string[]>;
  /** Notes that all members have left a dismissed group. @returns the last version of its members. */
  endVersions(tenant: TenantId, groupID: string): Promise<MemberVersion>;
  /** Removes the member log of a dismissed group. */
  dropVersions(tenant: TenantId, groupID: string): Promise<void>;
}

/** A group keeps its owner: who became one between a check and a write is neither removed nor given another role. */
const NOT_OWNER = { roleLevel: { $ne: ROLE.Owner } };
/** Rounds in which the logs are put right; a further change that interferes does so itself. */
const MAX_CORRECTIONS = 3;

/** Positions that an unordered insert did not write because their `_id` exists. */
function refused(error: unknown): Set<number> {
  if (!(error instanceof MongoBulkWriteError) || !isDuplicateKey(error)) throw error;
  const failed = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
  for (const { code } of failed) if (code !== error.code) throw error;
  return new Set(failed.map(({ index }) => index));
}

/** The writes to a store's memberships. */
export function groupMemberChanges(store: Store): GroupMemberChanges {
  const memberLog = versionLogs(store, 'groupMember');
  const versions = memberVersions(store);
  const joinVersions = versionLogs(store, 'groupJoin');
  const caches = memberCaches(store);
  const collectionOf = (tenant: TenantId) => store.collection(tenant, GROUP_MEMBERS);

  async function forget(tenant: TenantId, groupID: string, userIDs: readonly string[]): Promise<void> {
    await caches.member.invalidate(
      tenant,
      userIDs.map((userID) => memberID(groupID, userID)),
    );
    await caches.summary.invalidate(tenant, [groupID]);
  }
  async function forgetMembership(
    tenant: TenantId,
    groupID: string,
    userIDs: readonly string[],
  ): Promise<void> {
    await forget(tenant, groupID, userIDs);
    await caches.joined.invalidate(tenant, userIDs);
  }
  function joinedChanged(tenant: TenantId, change: Change, userIDs: readonly string[]): Promise<void> {
    return joinVersions.writeMany(
      tenant,
      userIDs.map((owner) => ({ owner, changes: [change] })),
    );
  }
  async function deleteRows(
    tenant: TenantId,
    groupID: string,
    userIDs: readonly string[],
    only: Filter<GroupMemberDocument> = {},
  ): Promise<void> {
    const members = collectionOf(tenant);
    await members.col.deleteMany({ _id: { $in: userIDs.map((id) => members.key(groupID, id)) }, ...only });
    await forgetMembership(tenant, groupID, userIDs);
  }
  /**
   * Has the old owner step down; the new one is an owner already, and so neither can leave the group meanwhile.
   * @returns false when the old one is not an owner, but by another change: then the new one was not to be one.
   */
  async function stepDown(
    tenant: TenantId,
    groupID: string,
    { id, oldOwnerUserID, newOwnerUserID, roleLevel }: OwnerTransfer,
  ): Promise<boolean> {
    const members = collectionOf(tenant);
    const [oldKey, newKey] = [members.key(groupID, oldOwnerUserID), members.key(groupID, newOwnerUserID)];
    const role = { roleLevel, rank: rankOf(roleLevel) };
    const { matchedCount } = await members.col.updateOne(
      { _id: oldKey, roleLevel: ROLE.Owner },
      { $set: { ...role, transfer: id } },
    );
    if (matchedCount === 1) return true;
    // By this transfer, done before; without a row the old owner has left since, which an owner cannot.
    const old = await members.col.findOne({ _id: oldKey }, { projection: { transfer: 1 } });
    if (!old || old.transfer === id) return true;
    await members.col.updateOne(
      { _id: newKey, roleLevel: ROLE.Owner, transfer: id },
      { $set: role, $unset: { transfer: 1 } },
    );
    return false;
  }
  async function endTransfer(
    tenant: TenantId,
    groupID: string,
    transfer: OwnerTransfer,
  ): Promise<TransferOutcome> {
    const { oldOwnerUserID, newOwnerUserID } = transfer;
    const passed = await stepDown(tenant, groupID, transfer);
    await forget(tenant, groupID, [oldOwnerUserID, newOwnerUserID]);
    if (!passed) return 'undone';
    const entries = updated(oldOwnerUserID, newOwnerUserID);
    return { stamp: await memberLog.write(tenant, groupID, entries, updated(SORT_ENTRY)) };
  }

  /** Writes the version logs of a change. */
  async function noteMembership(
    tenant: TenantId,
    groupID: string,
    added: readonly string[],
    removed: readonly string[],
  ): Promise<MemberVersion> {
    if (added.length > 0) await joinedChanged(tenant, inserted(groupID), added);
    if (removed.length > 0) await joinedChanged(tenant, deleted(groupID), removed);
    const noted = [inserted(...added), deleted(...removed)].filter(({ ids }) => ids.length > 0);
    return versions.write(tenant, groupID, ...noted);
  }
  /** Which change made each of these users a member. */
  async function changesOf(tenant: TenantId, groupID: string, userIDs: readonly string[]) {
    const members = collectionOf(tenant);
    const filter = { _id: { $in: userIDs.map((id) => members.key(groupID, id)) } };
    const docs = await members.col.find(filter, { projection: { _id: 0, userID: 1, change: 1 } }).toArray();
    return new Map(docs.map(({ userID, change }) => [userID, change]));
  }
  /**
   * Versions first, then the rows: of all changes of one user, the one with the highest version has seen what all
   * of them left behind, so that what it says is right. Where another change was faster, the logs are put right.
   */
  async function conclude(
    tenant: TenantId,
    groupID: string,
    { id, added, removed }: MembershipTarget,
  ): Promise<MembershipOutcome> {
    const version = await noteMembership(tenant, groupID, added, removed);
    let now = await changesOf(tenant, groupID, [...added, ...removed]);
    const outcome = {
      ...version,
      added: added.filter((userID) => now.get(userID) === id),
      removed: removed.filter((userID) => !now.has(userID)),
    };
    let gone = added.filter((userID) => !now.has(userID));
    let back = removed.filter((userID) => now.has(userID));
    for (let round = 0; round < MAX_CORRECTIONS && gone.length + back.length > 0; round++) {
      await noteMembership(tenant, groupID, back, gone);
      now = await changesOf(tenant, groupID, [...gone, ...back]);
      [gone, back] = [back.filter((userID) => !now.has(userID)), gone.filter((userID) => now.has(userID))];
    }
    return outcome;
  }

  return guarded<GroupMemberChanges>({
    async add(tenant, groupID, added, change = randomId()) {
      const members = collectionOf(tenant);
      const docs = added.map(
        (member, i): GroupMemberDocument => ({
          _id: members.key(groupID, member.userID),
          t: tenant,
          v: 1,
          ...member,
          change,
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
      await forgetMembership(tenant, groupID, ids);
      if (ids.length === 0) {
        return { stamp: await memberLog.stamp(tenant, groupID), before: 0, added: [], removed: [] };
      }
      return conclude(tenant, groupID, { id: change, added: ids, removed: [] });
    },
    async remove(tenant, groupID, userIDs) {
      await deleteRows(tenant, groupID, userIDs, NOT_OWNER);
      return conclude(tenant, groupID, { id: '', added: [], removed: userIDs });
    },
    async settle(tenant, groupID, { id, added, removed }) {
      const now = await changesOf(tenant, groupID, [...added, ...removed]);
      const target = {
        id,
        added: added.filter((userID) => now.get(userID) === id),
        removed: removed.filter((userID) => !now.has(userID)),
      };
      if (target.added.length + target.removed.length === 0) return undefined;
      await forgetMembership(tenant, groupID, [...target.added, ...target.removed]);
      return conclude(tenant, groupID, target);
    },
    async update(tenant, groupID, userID, changes) {
      const members = collectionOf(tenant);
      const set: Partial<GroupMemberDocument> = { ...changes };
      if (changes.roleLevel !== undefined) set.rank = rankOf(changes.roleLevel);
      if (Object.keys(set).length > 0) {
        const { matchedCount } = await members.col.updateOne(
          { _id: members.key(groupID, userID), ...(changes.roleLevel !== undefined && NOT_OWNER) },
          { $set: set },
        );
        if (matchedCount === 0) return undefined;
      }
      await forget(tenant, groupID, [userID]);
      const log: Change[] = [updated(userID)];
      if (changes.roleLevel !== undefined) log.push(updated(SORT_ENTRY));
      return memberLog.write(tenant, groupID, ...log);
    },
    async transferOwner(tenant, groupID, transfer) {
      const members = collectionOf(tenant);
      const { id, newOwnerUserID, roleLevel } = transfer;
      const { matchedCount } = await members.col.updateOne(
        { _id: members.key(groupID, newOwnerUserID), roleLevel },
        { $set: { roleLevel: ROLE.Owner, rank: rankOf(ROLE.Owner), transfer: id } },
      );
      return matchedCount === 1 ? endTransfer(tenant, groupID, transfer) : 'undone';
    },
    async settleOwner(tenant, groupID, transfer) {
      const members = collectionOf(tenant);
      const { id, oldOwnerUserID, newOwnerUserID } = transfer;
      const keys = [oldOwnerUserID, newOwnerUserID].map((userID) => members.key(groupID, userID));
      const written = await members.col.countDocuments({ _id: { $in: keys }, transfer: id });
      return written > 0 ? endTransfer(tenant, groupID, transfer) : undefined;
    },
    async touch(tenant, groupID, ...ids) {
      if (ids.length === 0) throw new ImError(ERR.ServerInternalError, 'nothing to note');
      return memberLog.write(tenant, groupID, updated(...ids));
    },
    async removeSome(tenant, groupID, limit) {
      const docs = await collectionOf(tenant)
        .col.find({ t: tenant, groupID }, { projection: { _id: 0, userID: 1 }, limit })
        .toArray();
      const userIDs = docs.map(({ userID }) => userID);
      if (userIDs.length > 0) {
        // The logs first: what a crash leaves is still found here, and noted once more.
        await joinedChanged(tenant, deleted(groupID), userIDs);
        await deleteRows(tenant, groupID, userIDs);
        await joinedChanged(tenant, deleted(groupID), userIDs);
      }
      return userIDs;
    },
    endVersions: (tenant, groupID) => versions.write(tenant, groupID, updated(INFO_ENTRY)),
    dropVersions: (tenant, groupID) => memberLog.drop(tenant, groupID),
  });
}
