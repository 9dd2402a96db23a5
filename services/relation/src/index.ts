import { createNotifier, createReach, domainService } from '@im/domain';
import { blackRepo, friendRepo, friendRequestRepo, userRepo } from '@im/store';
import type { RelationDeps } from './deps.ts';
import { blacklistMethods } from './methods/blacklist.ts';
import { friendApplicationMethods } from './methods/friend-applications.ts';
import { getFriendsMethods } from './methods/get-friends.ts';
import { importFriendMethods } from './methods/import-friend.ts';
import { removeUserDataMethods } from './methods/remove-user-data.ts';
import { updateFriendsMethods } from './methods/update-friends.ts';
import { userProfileChangedMethods } from './methods/user-profile-changed.ts';
import { relationNotifications } from './notifications.ts';

/** Friends, applications for friendship, blacklists. */
export const relationService = domainService('relation', {
  requires: ['webhooks'],
  build(context) {
    const { store, tenants } = context;
    const reach = createReach(store, tenants);
    const deps: RelationDeps = {
      friends: friendRepo(store),
      requests: friendRequestRepo(store),
      blacks: blackRepo(store),
      users: userRepo(store),
      reach,
      notifications: relationNotifications(createNotifier(context), reach),
      webhooks: context.webhooks,
    };
    return {
      methods: {
        ...blacklistMethods(deps),
        ...friendApplicationMethods(deps),
        ...getFriendsMethods(deps),
        ...importFriendMethods(deps),
        ...removeUserDataMethods(deps),
        ...updateFriendsMethods(deps),
        ...userProfileChangedMethods(deps),
      },
    };
  },
});
