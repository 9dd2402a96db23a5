import { argsError, chatConversationID, type conversation, SESSION } from '@im/protocol';
import type { ConversationKey } from '@im/store';

/**
 * The record of one owner that a request refers to. The id is derived from the kind of chat and its peer or group: an id
 * of the client's choice could give the owner access to the chat of other users.
 * @throws ImError 1001 that names the missing field.
 */
export function recordKey(ownerUserID: string, wanted: conversation.ConversationReq): ConversationKey {
  const { conversationType, userID, groupID } = wanted;
  const isGroup = conversationType === SESSION.Group;
  if (isGroup && groupID === '') throw argsError('conversation.groupID is empty');
  if (!isGroup && userID === '') throw argsError('conversation.userID is empty');
  const conversationID = chatConversationID({
    sessionType: conversationType,
    sendID: ownerUserID,
    recvID: userID,
    groupID,
  });
  return {
    ownerUserID,
    conversationID,
    conversationType,
    userID: isGroup ? '' : userID,
    groupID: isGroup ? groupID : '',
  };
}

/** @throws ImError 1001 unless all these records have the id in the request; an empty id matches all. */
export function requireSameID(keys: readonly ConversationKey[], conversationID: string): void {
  if (conversationID !== '' && keys.some((key) => key.conversationID !== conversationID)) {
    throw argsError('conversation.conversationID does not belong to its userID or groupID');
  }
}
