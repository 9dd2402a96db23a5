import type { Bus } from '@im/bus';
import { createNotifier, createReach } from '@im/domain';
import { createUserLimit } from '@im/kit';
import { type BaseDeps, type LiveDeps, READY, type Service, type ServiceModule } from '@im/process';
import type { RpcRegistry } from '@im/rpc';
import {
  conversationSettings,
  conversationSettingsChanges,
  friendRepo,
  groupMemberRepo,
  type Store,
  userRepo,
} from '@im/store';
import { deleteConversationsMethods } from './methods/delete-conversations.ts';
import { jssdkMethods } from './methods/jssdk.ts';
import { markMethods } from './methods/marks.ts';
import { readConversationMethods } from './methods/read-conversations.ts';
import { setConversationsMethods } from './methods/set-conversations.ts';
import { sortedListMethods } from './methods/sorted-list.ts';
import { syncConversationMethods } from './methods/sync-conversations.ts';
import type { ConversationParts } from './parts.ts';

/** What the conversation domain needs of its process. */
export type ConversationDeps = BaseDeps &
  Partial<Pick<LiveDeps, 'live'>> & { rpc: RpcRegistry; store: Store; bus: Bus };

/** Users' records of their conversations: settings, bounds, versions, and views that combine them with messages. */
export const module: ServiceModule<ConversationDeps> = {
  name: 'conversation',
  needs: ['rpc', 'store', 'bus'],
  async create(config, deps): Promise<Service> {
    const { rpc, store, bus, tenants, background, metrics, live } = deps;
    const limits = () => (live?.current ?? config).limits;
    const log = deps.log.child({ part: 'conversation' });
    const parts: ConversationParts = {
      records: conversationSettings(store),
      changes: conversationSettingsChanges(store),
      users: userRepo(store),
      friends: friendRepo(store),
      members: groupMemberRepo(store),
      reach: createReach(store, tenants),
      bus,
      tenants,
      notifier: createNotifier({ rpc, log, metrics, background }),
      rpc,
      peerChanges: createUserLimit('profileChanges', { tenants, metrics, limits, part: 'conversation' }),
    };
    rpc.bind('conversation', {
      ...setConversationsMethods(parts),
      ...readConversationMethods(parts),
      ...syncConversationMethods(parts),
      ...sortedListMethods(parts),
      ...deleteConversationsMethods(parts),
      ...markMethods(parts),
      ...jssdkMethods(parts),
    });
    return { start: async () => {}, stop: async () => {}, ready: () => READY };
  },
};
