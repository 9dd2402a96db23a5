import { createNotifier, createReach, domainService } from '@im/domain';
import {
  groupMemberChanges,
  groupMemberRepo,
  groupRepo,
  groupRequestRepo,
  membershipOutbox,
  userRepo,
} from '@im/store';
import type { GroupDeps } from './deps.ts';
import { MembershipChanges } from './membership/membership-changes.ts';
import { MembershipRelay } from './membership/relay.ts';
import { createGroupMethods } from './methods/create-group.ts';
import { dismissGroupMethods } from './methods/dismiss-group.ts';
import { getGroupMembersMethods } from './methods/get-group-members.ts';
import { getGroupsMethods } from './methods/get-groups.ts';
import { groupApplicationMethods } from './methods/group-applications.ts';
import { incrementalSyncMethods } from './methods/incremental-sync.ts';
import { inviteUserToGroupMethods } from './methods/invite-user-to-group.ts';
import { joinGroupMethods } from './methods/join-group.ts';
import { muteGroupMethods } from './methods/mute-group.ts';
import { quitAndKickMethods } from './methods/quit-and-kick.ts';
import { removeUserDataMethods } from './methods/remove-user-data.ts';
import { setGroupInfoMethods } from './methods/set-group-info.ts';
import { setGroupMemberInfoMethods } from './methods/set-group-member-info.ts';
import { transferGroupMethods } from './methods/transfer-group.ts';
import { userProfileChangedMethods } from './methods/user-profile-changed.ts';
import { groupNotifications } from './notifications/group-notifications.ts';
import { createViews } from './views.ts';

/** How often a process looks for changes that another left unfinished. */
const RELAY_MS = 3_000;

/** Groups, their members, applications for membership. */
export const groupService = domainService('group', {
  requires: ['webhooks'],
  build(context) {
    const { rpc, store, webhooks, tenants, tasks, metrics, log } = context;
    const members = groupMemberRepo(store);
    const users = userRepo(store);
    const views = createViews({ members, users });
    const outbox = membershipOutbox(store);
    const notifications = groupNotifications({ notifier: createNotifier(context), views });
    const memberships = new MembershipChanges({ outbox, notifications, webhooks, tasks, log });
    const groups = groupRepo(store);
    const changes = groupMemberChanges(store);
    const deps: GroupDeps = {
      groups,
      members,
      changes,
      memberships,
      requests: groupRequestRepo(store),
      users,
      reach: createReach(store, tenants),
      views,
      notifications,
      webhooks,
      rpc,
      tenants,
      tasks,
      log,
    };
    const relay = new MembershipRelay({
      outbox,
      groups,
      members,
      changes,
      memberships,
      notifications,
      tenants,
      metrics,
      log,
    });
    const leaving = {
      ...quitAndKickMethods(deps),
      ...dismissGroupMethods(deps),
      ...transferGroupMethods(deps),
    };
    return {
      methods: {
        ...createGroupMethods(deps),
        ...setGroupInfoMethods(deps),
        ...joinGroupMethods(deps),
        ...inviteUserToGroupMethods(deps),
        ...leaving,
        ...removeUserDataMethods(deps, leaving),
        ...muteGroupMethods(deps),
        ...setGroupMemberInfoMethods(deps),
        ...groupApplicationMethods(deps),
        ...getGroupsMethods(deps),
        ...getGroupMembersMethods(deps),
        ...incrementalSyncMethods(deps),
        ...userProfileChangedMethods(deps),
      },
      start() {
        tasks.every('membership-relay', RELAY_MS, (signal) => relay.round(signal));
      },
    };
  },
});
