import { createNotifier, createReach, domainService } from '@im/domain';
import {
  groupMemberChanges,
  groupMemberRepo,
  groupRepo,
  groupRequestRepo,
  membershipOutbox,
  userRepo,
} from '@im/store';
import { MembershipChanges } from './membership/membership-changes.ts';
import { MembershipRelay } from './membership/relay.ts';
import { abstractInfoMethods } from './methods/abstract-info.ts';
import { answerApplicationMethods } from './methods/answer-application.ts';
import { applicationListMethods } from './methods/application-lists.ts';
import { createGroupMethods } from './methods/create-group.ts';
import { dismissGroupMethods } from './methods/dismiss-group.ts';
import { inviteMethods } from './methods/invite.ts';
import { joinGroupMethods } from './methods/join-group.ts';
import { leaveMethods } from './methods/leave.ts';
import { membershipMethods } from './methods/membership.ts';
import { muteMethods } from './methods/mute.ts';
import { profileChangedMethods } from './methods/profile-changed.ts';
import { readGroupMethods } from './methods/read-groups.ts';
import { readMemberMethods } from './methods/read-members.ts';
import { setGroupInfoMethods } from './methods/set-group-info.ts';
import { setMemberInfoMethods } from './methods/set-member-info.ts';
import { syncJoinedMethods } from './methods/sync-joined.ts';
import { syncMemberMethods } from './methods/sync-members.ts';
import { transferOwnerMethods } from './methods/transfer-owner.ts';
import { groupNotices } from './notices/notices.ts';
import type { GroupParts } from './parts.ts';
import { createViews } from './views.ts';

/** How often a process looks for changes that another left unfinished. */
const RELAY_MS = 3_000;

/** Groups, their members, applications for membership. */
export const groupService = domainService('group', {
  build(context) {
    const { rpc, store, tenants, background, metrics, log } = context;
    const members = groupMemberRepo(store);
    const users = userRepo(store);
    const views = createViews({ members, users });
    const outbox = membershipOutbox(store);
    const notices = groupNotices({ notifier: createNotifier(context), views });
    const memberships = new MembershipChanges({ outbox, notices, background, log });
    const groups = groupRepo(store);
    const changes = groupMemberChanges(store);
    const parts: GroupParts = {
      groups,
      members,
      changes,
      memberships,
      requests: groupRequestRepo(store),
      users,
      reach: createReach(store, tenants),
      views,
      notices,
      rpc,
      tenants,
      background,
      log,
    };
    const relay = new MembershipRelay({
      outbox,
      groups,
      members,
      changes,
      memberships,
      notices,
      tenants,
      metrics,
      log,
    });
    return {
      methods: {
        ...createGroupMethods(parts),
        ...setGroupInfoMethods(parts),
        ...joinGroupMethods(parts),
        ...inviteMethods(parts),
        ...leaveMethods(parts),
        ...dismissGroupMethods(parts),
        ...transferOwnerMethods(parts),
        ...muteMethods(parts),
        ...setMemberInfoMethods(parts),
        ...answerApplicationMethods(parts),
        ...applicationListMethods(parts),
        ...readGroupMethods(parts),
        ...readMemberMethods(parts),
        ...abstractInfoMethods(parts),
        ...syncJoinedMethods(parts),
        ...syncMemberMethods(parts),
        ...membershipMethods(parts),
        ...profileChangedMethods(parts),
      },
      start() {
        background.every('membership-relay', RELAY_MS, (signal) => relay.round(signal));
      },
    };
  },
});
