import { createNotifier, createReach, createReadAudit, domainService } from '@im/domain';
import { createUserLimit } from '@im/kit';
import {
  auditRepo,
  conversationSettings,
  conversationSettingsChanges,
  friendRepo,
  groupMemberRepo,
  userRepo,
} from '@im/store';
import type { ConversationDeps } from './deps.ts';
import { deleteConversationsMethods } from './methods/delete-conversations.ts';
import { jssdkMethods } from './methods/get-active-conversations.ts';
import { readConversationMethods } from './methods/get-conversations.ts';
import { syncConversationMethods } from './methods/get-incremental-conversation.ts';
import { sortedListMethods } from './methods/get-sorted-conversation-list.ts';
import { removeUserDataMethods } from './methods/remove-user-data.ts';
import { setConversationsMethods } from './methods/set-conversations.ts';
import { markMethods } from './methods/set-group-at-type.ts';

/** Users' records of their conversations: settings, bounds, versions, and views that combine them with messages. */
export const conversationService = domainService('conversation', {
  requires: ['bus'],
  build(context) {
    const { rpc, store, bus, tenants, tasks, metrics, log, limits } = context;
    const deps: ConversationDeps = {
      records: conversationSettings(store),
      changes: conversationSettingsChanges(store),
      users: userRepo(store),
      friends: friendRepo(store),
      members: groupMemberRepo(store),
      reach: createReach(store, tenants),
      bus,
      tenants,
      notifier: createNotifier(context),
      rpc,
      readAudit: createReadAudit({ audit: auditRepo(store), metrics, tasks, log }),
      peerChanges: createUserLimit('profileChanges', { tenants, metrics, limits, part: 'conversation' }),
    };
    const deletion = deleteConversationsMethods(deps);
    return {
      methods: {
        ...setConversationsMethods(deps),
        ...readConversationMethods(deps),
        ...syncConversationMethods(deps),
        ...sortedListMethods(deps),
        ...deletion,
        ...removeUserDataMethods(deps, deletion),
        ...markMethods(deps),
        ...jssdkMethods(deps),
      },
      start: () => deps.readAudit.start(),
    };
  },
});
