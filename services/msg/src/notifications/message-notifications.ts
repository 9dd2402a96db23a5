import type { Notifier } from '@im/domain';
import type { CallContext } from '@im/kit';
import { CONTENT, type conversation, make, SESSION, type sdkws } from '@im/protocol';

type ChatRecord = Pick<
  conversation.Conversation,
  'conversationType' | 'groupID' | 'userID' | 'conversationID'
>;

/** To the other devices of the user alone. */
function toSelf(userID: string) {
  return { sessionType: SESSION.Single, sendID: userID, recvID: userID };
}

/** To all participants of the conversation that a user has this record of. */
function toParticipants(sendID: string, { conversationType, groupID, userID }: ChatRecord) {
  return {
    sessionType: conversationType,
    sendID,
    recvID: conversationType === SESSION.Group ? groupID : userID,
  };
}

/** The notifications of changed messages (docs/protocol/notifications.md). None of them rejects. */
export function messageNotifications(notifier: Notifier) {
  return {
    /** A message was revoked. In a single chat it goes between its two users, even if an administrator revoked it. */
    revoked(ctx: CallContext, message: sdkws.MsgData, tips: sdkws.RevokeMsgTips): Promise<void> {
      const { sessionType, sendID, recvID, groupID } = message;
      const address =
        sessionType === SESSION.Group
          ? { sessionType, sendID: tips.revokerUserID, recvID: groupID }
          : { sessionType, sendID, recvID };
      return notifier.send(
        ctx,
        { contentType: CONTENT.MsgRevoke, ...address },
        'sdkws.RevokeMsgTips',
        make('sdkws.RevokeMsgTips', tips),
      );
    },

    /** Messages were deleted, for all participants or for the user alone. */
    deleted(
      ctx: CallContext,
      userID: string,
      record: ChatRecord,
      seqs: readonly number[],
      audience: 'participants' | 'self',
    ): Promise<void> {
      const address = audience === 'self' ? toSelf(userID) : toParticipants(userID, record);
      const { conversationID } = record;
      return notifier.send(
        ctx,
        { contentType: CONTENT.DeleteMsgs, ...address },
        'sdkws.DeleteMsgsTips',
        make('sdkws.DeleteMsgsTips', { userID, conversationID, seqs: [...seqs] }),
      );
    },

    /** All messages of a conversation were deleted for its participants. */
    cleared(ctx: CallContext, userID: string, record: ChatRecord): Promise<void> {
      return notifier.send(
        ctx,
        { contentType: CONTENT.ClearConversation, ...toParticipants(userID, record) },
        'sdkws.ClearConversationTips',
        make('sdkws.ClearConversationTips', { userID, conversationIDs: [record.conversationID] }),
      );
    },

    /** All messages of these conversations were deleted for the user alone. */
    clearedForSelf(ctx: CallContext, userID: string, conversationIDs: readonly string[]): Promise<void> {
      return notifier.send(
        ctx,
        { contentType: CONTENT.ClearConversation, ...toSelf(userID) },
        'sdkws.ClearConversationTips',
        make('sdkws.ClearConversationTips', { userID, conversationIDs: [...conversationIDs] }),
      );
    },

    /**
     * Messages were read: a receipt for the peer of a single chat.
     * @param peer undefined to inform the other devices of the reader only.
     */
    read(ctx: CallContext, userID: string, peer: string | undefined, read: ReadState): Promise<void> {
      const { conversationID, seqs, hasReadSeq } = read;
      return notifier.send(
        ctx,
        {
          contentType: CONTENT.HasReadReceipt,
          sessionType: SESSION.Single,
          sendID: userID,
          recvID: peer ?? userID,
        },
        'sdkws.MarkAsReadTips',
        make('sdkws.MarkAsReadTips', {
          markAsReadUserID: userID,
          conversationID,
          seqs: [...seqs],
          hasReadSeq,
        }),
      );
    },
  };
}

/** What a user has read of a conversation. */
interface ReadState {
  readonly conversationID: string;
  /** Messages that were read one by one. */
  readonly seqs: readonly number[];
  /** All messages up to this seq were read. */
  readonly hasReadSeq: number;
}
