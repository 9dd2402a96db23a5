import { type CallContext, pageRange } from '@im/kit';
import { make, type sdkws } from '@im/protocol';
import type { GroupMember } from '@im/store';
import { operatorOf } from '../access.ts';
import type { GroupMethods, GroupParts } from '../parts.ts';
import { requireMember } from '../rules.ts';
import { memberInfo } from '../views.ts';

type ReadMemberMethods = GroupMethods<'getGroupMembersInfo' | 'getGroupMemberList' | 'getGroupMemberUserIDs'>;

/** Members whose names a search looks up at a time. */
const BATCH = 500;
/** Members that a search looks at; those behind are not found. */
const MAX_SEARCHED = 20_000;

/** Who is in a group. */
export function readMemberMethods(parts: GroupParts): ReadMemberMethods {
  const { members, users, views } = parts;

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
    async function lookAtBatch(): Promise<void> {
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
      if (batch.length === BATCH) await lookAtBatch();
      if (++seen === MAX_SEARCHED) break;
    }
    await lookAtBatch();
    return found;
  }

  return {
    async getGroupMembersInfo(ctx, { groupID, userIDs }) {
      requireMember(await operatorOf(parts, ctx, groupID));
      const found = await members.find(ctx.tenant, groupID, userIDs);
      return make('group.GetGroupMembersInfoResp', { members: await views.members(ctx.tenant, found) });
    },
    async getGroupMemberList(ctx, { groupID, pagination, keyword }) {
      requireMember(await operatorOf(parts, ctx, groupID));
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
      requireMember(await operatorOf(parts, ctx, groupID));
      return make('group.GetGroupMemberUserIDsResp', {
        userIDs: await members.userIDs(ctx.tenant, groupID),
      });
    },
  };
}
