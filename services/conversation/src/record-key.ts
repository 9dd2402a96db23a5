import { argsError, chatConversationID, type conversation, SESSION } from '@im/protocol';
import type { ConversationKey } from '@im/store';

/**
 * The record of one owner that a request means. The id follows from the kind of chat and its peer or group: with an
 * id of somebody else's chat, an owner would be let into it.
 * @throws ImError 1001 that names what is missing or does not fit.
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

/** The ids of all these records must be the one that the request names, if it names one. @throws ImError 1001. */
export function requireSameID(keys: readonly ConversationKey[], conversationID: string): void {
  if (conversationID !== '' && keys.some((key) => key.conversationID !== conversationID)) {
    throw argsError('conversation.conversationID does not belong to its userID or groupID');
  }
}
