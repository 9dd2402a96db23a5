import { type BaseDeps, READY, type Service, type ServiceModule } from '@im/process';
import { createNotifier, type RpcRegistry } from '@im/rpc';
import { blackRepo, createReach, friendRepo, friendRequestRepo, type Store, userRepo } from '@im/store';
import { applyMethods } from './methods/apply.ts';
import { applyListMethods } from './methods/apply-lists.ts';
import { blacklistMethods } from './methods/blacklist.ts';
import { changeFriendMethods } from './methods/change-friend.ts';
import { importFriendMethods } from './methods/import-friend.ts';
import { profileChangedMethods } from './methods/profile-changed.ts';
import { readFriendMethods } from './methods/read-friends.ts';
import { syncFriendMethods } from './methods/sync-friends.ts';
import type { RelationParts } from './parts.ts';

/** What the relation domain needs of its process. */
export type RelationDeps = BaseDeps & { rpc: RpcRegistry; store: Store };

/** Friends, requests for friendship, blacklists. */
export const module: ServiceModule<RelationDeps> = {
  name: 'relation',
  needs: ['rpc', 'store'],
  async create(_config, deps): Promise<Service> {
    const { rpc, store, tenants, background, metrics } = deps;
    const log = deps.log.child({ part: 'relation' });
    const parts: RelationParts = {
      friends: friendRepo(store),
      requests: friendRequestRepo(store),
      blacks: blackRepo(store),
      users: userRepo(store),
      reach: createReach(store, tenants),
      notifier: createNotifier({ rpc, log, metrics, background }),
    };
    rpc.bind('relation', {
      ...applyMethods(parts),
      ...applyListMethods(parts),
      ...importFriendMethods(parts),
      ...changeFriendMethods(parts),
      ...readFriendMethods(parts),
      ...blacklistMethods(parts),
      ...syncFriendMethods(parts),
      ...profileChangedMethods(parts),
    });
    return { start: async () => {}, stop: async () => {}, ready: () => READY };
  },
};
