import { type CallContext, requireSelf } from '@im/kit';
import { argsError, GROUP_STATUS, type group, make, matchesIdHash, type sdkws } from '@im/protocol';
import { type Delta, type Group, notFound } from '@im/store';
import type { GroupDeps, GroupMethods } from '../deps.ts';
import { operatorOf, requireLiveGroup, requireMember } from '../permissions.ts';

type IncrementalSyncMethods = GroupMethods<
  | 'getIncrementalGroupMember'
  | 'batchGetIncrementalGroupMember'
  | 'getFullGroupMemberUserIDs'
  | 'getIncrementalJoinGroup'
  | 'getFullJoinGroupIDs'
>;

/** A batch ends when its answer has this many changes; the client asks again for the groups that are missing. */
const BATCH_CHANGES = 500;
/** It ends, too, when the groups that it shows have this many characters: each may have 80,000. */
const BATCH_CHARS = 4_194_304;
/** Most groups in one request; clients ask for 500. */
const MAX_GROUPS = 1_000;

const changesOf = ({ insert, update, delete: gone }: Delta) => insert.length + update.length + gone.length;

/** Whether the group itself is part of the answer. */
const shows = (delta: Delta) => delta.full || delta.infoChanged || changesOf(delta) > 0;

/** Characters of a group's texts. */
function charsOf(group: Group | undefined): number {
  if (!group) return 0;
  const { groupName, notification, introduction, faceURL, ex } = group;
  return groupName.length + notification.length + introduction.length + faceURL.length + ex.length;
}

/** What changed among members, and in a user's list of groups, since a client last asked: docs/protocol/sync.md. */
export function incrementalSyncMethods(deps: GroupDeps): IncrementalSyncMethods {
  const { groups, members, views } = deps;

  /** Fills the deltas of several groups, with one read of all members and one of all groups. */
  async function fill(
    ctx: CallContext,
    deltas: ReadonlyMap<string, Delta>,
    found: ReadonlyMap<string, Group>,
  ): Promise<Map<string, group.GetIncrementalGroupMemberResp>> {
    const pairs = [...deltas].flatMap(([groupID, { insert, update }]) =>
      [...insert, ...update].map((userID) => ({ groupID, userID })),
    );
    const list = pairs.length === 0 ? [] : await members.findPairs(ctx.tenant, pairs);
    const infos = Map.groupBy(await views.members(ctx.tenant, list), ({ groupID }) => groupID);
    const shown = [...deltas].filter(([, delta]) => shows(delta));
    const groupInfos = await views.groups(
      ctx.tenant,
      shown.flatMap(([groupID]) => found.get(groupID) ?? []),
    );
    const groupOf = new Map(groupInfos.map((info) => [info.groupID, info]));
    return new Map(
      [...deltas].map(([groupID, delta]) => {
        const memberOf = new Map((infos.get(groupID) ?? []).map((info) => [info.userID, info]));
        return [groupID, answer(delta, memberOf, groupOf.get(groupID))];
      }),
    );
  }

  return {
    async getIncrementalGroupMember(ctx, { groupID, versionID, version }) {
      requireMember(await operatorOf(deps, ctx, groupID));
      const stored = await requireLiveGroup(deps, ctx, groupID);
      const delta = await members.versions.since(ctx.tenant, groupID, { versionID, version });
      const filled = await fill(ctx, new Map([[groupID, delta]]), new Map([[groupID, stored]]));
      return filled.get(groupID) ?? make('group.GetIncrementalGroupMemberResp');
    },
    async batchGetIncrementalGroupMember(ctx, { reqList }) {
      if (reqList.length > MAX_GROUPS) throw argsError(`reqList has more than ${MAX_GROUPS} entries`);
      const ids = reqList.map(({ groupID }) => groupID);
      const [found, own] = await Promise.all([
        groups.getMany(ctx.tenant, ids),
        members.findPairs(
          ctx.tenant,
          ids.map((groupID) => ({ groupID, userID: ctx.opUserID })),
        ),
      ]);
      const joined = new Map(own.map((member) => [member.groupID, member]));
      const live = reqList.filter(({ groupID }) => {
        const stored = found.get(groupID);
        if (!stored) throw notFound('group');
        return stored.status !== GROUP_STATUS.Dismissed && (ctx.opAdmin || joined.has(groupID));
      });
      const known = new Map(live.map(({ groupID, versionID, version }) => [groupID, { versionID, version }]));
      const all = await members.versions.sinceMany(ctx.tenant, known);
      const taken = new Map<string, Delta>();
      let changes = 0;
      let chars = 0;
      for (const groupID of known.keys()) {
        const delta = all.get(groupID);
        if (!delta) continue;
        taken.set(groupID, delta);
        changes += changesOf(delta);
        if (shows(delta)) chars += charsOf(found.get(groupID));
        if (changes >= BATCH_CHANGES || chars >= BATCH_CHARS) break;
      }
      const respList = Object.fromEntries(await fill(ctx, taken, found));
      // The JS SDK keeps asking for groups that its user has left, and cannot handle an error or an
      // empty map: the answer is that nothing changed there.
      const lost = reqList.filter((request) => !live.includes(request));
      for (const { groupID } of lost) respList[groupID] = make('group.GetIncrementalGroupMemberResp');
      return make('group.BatchGetIncrementalGroupMemberResp', { respList });
    },
    async getFullGroupMemberUserIDs(ctx, { groupID, idHash }) {
      requireMember(await operatorOf(deps, ctx, groupID));
      const stamp = await members.versions.stamp(ctx.tenant, groupID);
      const userIDs = await members.userIDs(ctx.tenant, groupID);
      const equal = matchesIdHash(idHash, userIDs);
      return make('group.GetFullGroupMemberUserIDsResp', {
        ...stamp,
        equal,
        userIDs: equal ? [] : userIDs,
      });
    },
    async getIncrementalJoinGroup(ctx, { userID, versionID, version }) {
      requireSelf(ctx, userID);
      const delta = await members.joinVersions.since(ctx.tenant, userID, { versionID, version });
      const found = await groups.getMany(ctx.tenant, [...delta.insert, ...delta.update]);
      const infos = await views.groups(ctx.tenant, [...found.values()]);
      const byID = new Map(infos.map((info) => [info.groupID, info]));
      return make('group.GetIncrementalJoinGroupResp', {
        ...delta.stamp,
        full: delta.full,
        delete: [...delta.delete],
        insert: delta.insert.flatMap((id) => byID.get(id) ?? []),
        update: delta.update.flatMap((id) => byID.get(id) ?? []),
      });
    },
    async getFullJoinGroupIDs(ctx, { userID, idHash }) {
      requireSelf(ctx, userID);
      const stamp = await members.joinVersions.stamp(ctx.tenant, userID);
      const joined = await members.joined(ctx.tenant, userID);
      const groupIDs = joined.map(({ groupID }) => groupID);
      const equal = matchesIdHash(idHash, groupIDs);
      return make('group.GetFullJoinGroupIDsResp', {
        ...stamp,
        equal,
        groupIDs: equal ? [] : groupIDs,
      });
    },
  };
}

function answer(
  delta: Delta,
  memberOf: ReadonlyMap<string, sdkws.GroupMemberFullInfo>,
  group: sdkws.GroupInfo | undefined,
): group.GetIncrementalGroupMemberResp {
  return make('group.GetIncrementalGroupMemberResp', {
    ...delta.stamp,
    full: delta.full,
    delete: [...delta.delete],
    insert: delta.insert.flatMap((id) => memberOf.get(id) ?? []),
    update: delta.update.flatMap((id) => memberOf.get(id) ?? []),
    group: group ?? null,
    sortVersion: delta.sortVersion,
  });
}
