import type { Notifier } from '@im/domain';
import type { CallContext } from '@im/kit';
import { CONTENT, make, SESSION } from '@im/protocol';

/** The notifications of the conversation domain, docs/protocol/notifications.md. None of them rejects. */
export function conversationNotifications(notifier: Notifier) {
  return {
    /** 1300 to the owner's devices. */
    changed: (ctx: CallContext, userID: string, conversationIDList: readonly string[]) =>
      notifier.send(
        ctx,
        {
          contentType: CONTENT.ConversationChange,
          sessionType: SESSION.Single,
          sendID: userID,
          recvID: userID,
        },
        'sdkws.ConversationUpdateTips',
        make('sdkws.ConversationUpdateTips', { userID, conversationIDList: [...conversationIDList] }),
      ),
    /** 1701 to the peer: the messages of this chat disappear once they are read, or no longer do. */
    privateChatSet: (
      ctx: CallContext,
      sendID: string,
      recvID: string,
      conversationID: string,
      isPrivate: boolean,
    ) =>
      notifier.send(
        ctx,
        { contentType: CONTENT.ConversationPrivateChat, sessionType: SESSION.Single, sendID, recvID },
        'sdkws.ConversationSetPrivateTips',
        make('sdkws.ConversationSetPrivateTips', { recvID, sendID, isPrivate, conversationID }),
      ),
  };
}
