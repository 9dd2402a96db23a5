import { createNotifier, createReach, domainService } from '@im/domain';
import { blackRepo, friendRepo, friendRequestRepo, userRepo } from '@im/store';
import { applyMethods } from './methods/apply.ts';
import { applyListMethods } from './methods/apply-lists.ts';
import { blacklistMethods } from './methods/blacklist.ts';
import { changeFriendMethods } from './methods/change-friend.ts';
import { importFriendMethods } from './methods/import-friend.ts';
import { profileChangedMethods } from './methods/profile-changed.ts';
import { readFriendMethods } from './methods/read-friends.ts';
import { syncFriendMethods } from './methods/sync-friends.ts';
import type { RelationParts } from './parts.ts';

/** Friends, applications for friendship, blacklists. */
export const relationService = domainService('relation', {
  build(context) {
    const { store, tenants } = context;
    const parts: RelationParts = {
      friends: friendRepo(store),
      requests: friendRequestRepo(store),
      blacks: blackRepo(store),
      users: userRepo(store),
      reach: createReach(store, tenants),
      notifier: createNotifier(context),
    };
    return {
      methods: {
        ...applyMethods(parts),
        ...applyListMethods(parts),
        ...importFriendMethods(parts),
        ...changeFriendMethods(parts),
        ...readFriendMethods(parts),
        ...blacklistMethods(parts),
        ...syncFriendMethods(parts),
        ...profileChangedMethods(parts),
      },
    };
  },
});
