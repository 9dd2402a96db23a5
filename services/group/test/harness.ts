import assert from 'node:assert/strict';
import type { TenantId } from '@im/contract';
import { type conversation, type group, make, type sdkws } from '@im/protocol';
import { as, describeDomain, route, type SentNotification, TENANTS, type TestDomain } from '@im/testing';
import { groupService } from '../src/index.ts';

const [t1, t2] = TENANTS;

/** The first page of a list. */
export const PAGE = make('sdkws.RequestPagination', { pageNumber: 1, showNumber: 100 });

/** Users that the tests use: some with a letter, and m0 to m299. */
export const USERS = ['a', 'b', 'c', 'd', 'e', 'f', 'imAdmin'].concat(
  Array.from({ length: 300 }, (_, i) => `m${i}`),
);

/** The group domain, and what it asked of the conversation domain. */
export interface GroupHarness extends TestDomain<'group'> {
  /** Marks that conversations were given. */
  readonly marks: conversation.SetGroupAtTypeReq[];
}

/** The domain for all tests of a file; {@link USERS} exist in the first tenant, a and b in the second one too. */
export function describeGroups(): GroupHarness {
  const marks: conversation.SetGroupAtTypeReq[] = [];
  const fakes = {
    conversation: {
      async setGroupAtType(_ctx: unknown, request: conversation.SetGroupAtTypeReq) {
        marks.push(request);
        return make('conversation.SetGroupAtTypeResp');
      },
    },
  };
  const domain = describeDomain(groupService, { fakes }, { [t1]: USERS, [t2]: ['a', 'b'] });
  return Object.assign(domain, { marks });
}

/** The call of an administrator. */
export const admin = () => as(t1, 'imAdmin', true);

/** User ids of members in tips and answers. */
export const ids = (list: unknown) => (list as { userID: string }[]).map(({ userID }) => userID);

/** The only notification. */
export function only(sent: readonly SentNotification[]): SentNotification {
  assert.equal(sent.length, 1, sent.map(route).join(', '));
  return nth(sent, 0);
}

/** The notification at this place. */
export function nth(sent: readonly SentNotification[], place: number): SentNotification {
  const found = sent.at(place);
  assert.ok(found, `there is no notification ${place}`);
  return found;
}

/** A member inside tips. */
export const memberOf = (value: unknown) => value as sdkws.GroupMemberFullInfo;
/** A group inside tips. */
export const groupOf = (value: unknown) => value as sdkws.GroupInfo;

/** Calls that most tests make. */
export function actions(harness: GroupHarness) {
  async function create(
    ownerUserID: string,
    memberUserIDs: string[],
    info: Partial<sdkws.GroupInfo> = {},
    extra: Partial<group.CreateGroupReq> = {},
    tenant: TenantId = t1,
  ): Promise<sdkws.GroupInfo> {
    const groupInfo = make('sdkws.GroupInfo', { groupName: 'Team', groupType: 2, ...info });
    const req = make('group.CreateGroupReq', { ownerUserID, memberUserIDs, groupInfo, ...extra });
    const resp = await harness.group.createGroup(as(tenant, ownerUserID), req);
    assert.ok(resp.groupInfo);
    return resp.groupInfo;
  }
  return {
    create,
    /** A group whose own notifications were taken. */
    async quietly(...args: Parameters<typeof create>): Promise<string> {
      const { groupID } = await create(...args);
      harness.takeSent();
      return groupID;
    },
    async joinedOf(userID: string, tenant: TenantId = t1): Promise<string[]> {
      const req = make('group.GetJoinedGroupIDsReq', { userID });
      return (await harness.group.getJoinedGroupIDs(as(tenant, userID), req)).groupIDs;
    },
    async membersOf(groupID: string): Promise<string[]> {
      const req = make('group.GetGroupMemberUserIDsReq', { groupID });
      return (await harness.group.getGroupMemberUserIDs(admin(), req)).userIDs;
    },
  };
}
