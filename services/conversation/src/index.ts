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
import type { ConversationDeps } from './deps.ts';
import { deleteConversationsMethods } from './methods/delete-conversations.ts';
import { jssdkMethods } from './methods/get-active-conversations.ts';
import { readConversationMethods } from './methods/get-conversations.ts';
import { syncConversationMethods } from './methods/get-incremental-conversation.ts';
import { sortedListMethods } from './methods/get-sorted-conversation-list.ts';
import { setConversationsMethods } from './methods/set-conversations.ts';
import { markMethods } from './methods/set-group-at-type.ts';

/** What the conversation domain needs of its process. */
export type ConversationServiceDeps = BaseDeps &
  Partial<Pick<LiveDeps, 'live'>> & { rpc: RpcRegistry; store: Store; bus: Bus };

/** Users' records of their conversations: settings, bounds, versions, and views that combine them with messages. */
export const conversationService: ServiceModule<ConversationServiceDeps> = {
  name: 'conversation',
  needs: ['rpc', 'store', 'bus'],
  async create(config, deps): Promise<Service> {
    const { rpc, store, bus, tenants, background, metrics, live } = deps;
    const limits = () => (live?.current ?? config).limits;
    const log = deps.log.child({ part: 'conversation' });
    const parts: ConversationDeps = {
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
