import { type CallContext, pageRange, requireSelf } from '@im/kit';
import { make, type sdkws } from '@im/protocol';
import type { GroupMember } from '@im/store';
import type { GroupDeps, GroupMethods } from '../deps.ts';
import { operatorOf, requireMember } from '../permissions.ts';
import { memberInfo } from '../views.ts';

type GetGroupMembersMethods = GroupMethods<
  | 'getGroupMembersInfo'
  | 'getGroupMemberList'
  | 'getGroupMemberUserIDs'
  | 'getJoinedGroupIDs'
  | 'getMembership'
>;

/** Members whose names a search looks up at a time. */
const BATCH = 500;
/** Members that a search reads; those after them are not found. */
const MAX_SEARCHED = 20_000;

/** Who is in a group. */
export function getGroupMembersMethods(deps: GroupDeps): GetGroupMembersMethods {
  const { members, users, views } = deps;

  /** Members whose id or shown name contains the keyword, whatever the case. */
  async function search(
    ctx: CallContext,
    groupID: string,
    keyword: string,
  ): Promise<sdkws.GroupMemberFullInfo[]> {
    const wanted = keyword.toLowerCase();
    const found: sdkws.GroupMemberFullInfo[] = [];
    let batch: GroupMember[] = [];
    let seen = 0;
    async function searchBatch(): Promise<void> {
      const profiles = await users.getMany(
        ctx.tenant,
        batch.map(({ userID }) => userID),
      );
      for (const member of batch) {
        const info = memberInfo(member, profiles.get(member.userID));
        const texts = [info.userID, info.nickname];
        if (texts.some((text) => text.toLowerCase().includes(wanted))) found.push(info);
      }
      batch = [];
    }
    for await (const member of members.all(ctx.tenant, groupID)) {
      batch.push(member);
      if (batch.length === BATCH) await searchBatch();
      if (++seen === MAX_SEARCHED) break;
    }
    await searchBatch();
    return found;
  }

  return {
    async getGroupMembersInfo(ctx, { groupID, userIDs }) {
      requireMember(await operatorOf(deps, ctx, groupID));
      const found = await members.find(ctx.tenant, groupID, userIDs);
      return make('group.GetGroupMembersInfoResp', { members: await views.members(ctx.tenant, found) });
    },
    async getGroupMemberList(ctx, { groupID, pagination, keyword }) {
      requireMember(await operatorOf(deps, ctx, groupID));
      const range = pageRange(pagination);
      if (keyword !== '') {
        const found = await search(ctx, groupID, keyword);
        return make('group.GetGroupMemberListResp', {
          total: found.length,
          members: found.slice(range.skip, range.skip + range.limit),
        });
      }
      const { total, members: list } = await members.list(ctx.tenant, groupID, range);
      return make('group.GetGroupMemberListResp', {
        total,
        members: await views.members(ctx.tenant, list),
      });
    },
    async getGroupMemberUserIDs(ctx, { groupID }) {
      requireMember(await operatorOf(deps, ctx, groupID));
      return make('group.GetGroupMemberUserIDsResp', {
        userIDs: await members.userIDs(ctx.tenant, groupID),
      });
    },
    async getJoinedGroupIDs(ctx, { userID }) {
      requireSelf(ctx, userID);
      // As below, the versions first; those of groups that the user joined since are not known.
      const known = members.knownGroupIDs(ctx.tenant, userID);
      const before = known ?? (await members.joined(ctx.tenant, userID)).map(({ groupID }) => groupID);
      if (!known && before.length === 0) return make('group.GetJoinedGroupIDsResp');
      const versions = await members.memberVersions.current(ctx.tenant, before);
      const groupIDs = (await members.joined(ctx.tenant, userID)).map(({ groupID }) => groupID);
      const memberVersions = groupIDs.map((groupID) => versions.get(groupID) ?? 0);
      return make('group.GetJoinedGroupIDsResp', { groupIDs, memberVersions });
    },
    async getMembership(ctx, { groupID, userIDs, sinceVersion }) {
      // The version first: members read after it are at least as new.
      const since = await members.memberVersions.since(ctx.tenant, groupID, sinceVersion);
      const { version, full } = since;
      const changed = sinceVersion > 0 && !full ? since.changedUserIDs : [];
      const found = await members.find(ctx.tenant, groupID, [...new Set([...userIDs, ...changed])]);
      return make('group.GetMembershipResp', {
        memberUserIDs: found.map(({ userID }) => userID),
        memberVersion: version,
        changedUserIDs: [...changed],
        full: sinceVersion > 0 && full,
      });
    },
  };
}
