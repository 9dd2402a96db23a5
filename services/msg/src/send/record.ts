import type { TenantId } from '@im/contract';
import { sha256Parts } from '@im/kit';
import {
  CONTENT,
  chatConversationID,
  encode,
  type log,
  MSG_STATUS,
  make,
  notificationConversationID,
  type OptionKey,
  optionOn,
  queueKey,
  SESSION,
  type sdkws,
} from '@im/protocol';

/** Layout of records that is written today. */
export const RECORD_VERSION = 1;
const DEDUP_KEY_BYTES = 16;

/** The call that a message was sent by. */
export interface Origin {
  readonly tenant: TenantId;
  readonly operationID: string;
  readonly connID: string;
}

/** A change of a group's members that takes effect at the record's place in the log. */
export interface MembershipChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly version: number;
  /** Version of the change before it; 0 when unknown. */
  readonly before: number;
  /** The added users see nothing that was written before. */
  readonly hideHistory: boolean;
}

/** What webhooks decided about a message. */
export interface RecordDecision {
  /** @default the dedup key */
  readonly serverMsgID?: string;
  /** Users whom it is pushed to, none of them or these alone. @default everyone it is for */
  readonly pushTo?: readonly string[];
  /** Settings of conversation records that it makes; `none`: it makes none. @default the usual settings */
  readonly newConversation?: log.NewConversation | 'none' | null;
}

/** A message ready for the log. */
export interface Outgoing {
  /** Key of the queue; decides the partition. */
  readonly queueKey: string;
  readonly record: log.Record;
}

/** Equal for a message and its retries by the client, which get the same answer and one seq. */
export function dedupKey(tenant: TenantId, message: sdkws.MsgData): Buffer {
  return sha256Parts(
    tenant,
    message.sendID,
    queueKey(message),
    message.clientMsgID,
    String(message.contentType),
    message.content,
  ).subarray(0, DEDUP_KEY_BYTES);
}

/** The key of a change with an id, independent of the content of its record. */
export function changeKey(tenant: TenantId, changeID: string): Buffer {
  return sha256Parts(tenant, 'change', changeID).subarray(0, DEDUP_KEY_BYTES);
}

/** The serverMsgID returned to the sender; the same for a retry. */
export function serverMsgID(key: Buffer): string {
  return key.toString('hex');
}

/** Users who receive a message of a chat of two. The members of a group are not listed. */
export function receiversOf(message: sdkws.MsgData): string[] {
  if (message.sessionType === SESSION.Group) return [];
  const toSender = message.sendID !== message.recvID && optionOn(message.options, 'senderSync');
  return toSender ? [message.recvID, message.sendID] : [message.recvID];
}

/** Users whose conversation records the first message of a chat creates; members of a group get theirs by membership. */
export function ownersOf(message: sdkws.MsgData): string[] {
  switch (message.sessionType) {
    case SESSION.Single:
      return message.sendID === message.recvID ? [message.sendID] : [message.sendID, message.recvID];
    case SESSION.Notification:
      return [message.recvID];
    default:
      return [];
  }
}

function chatEntry(message: sdkws.MsgData, ensureOwners: boolean, decision: RecordDecision): log.Entry {
  const stored = optionOn(message.options, 'history');
  const isGroup = message.sessionType === SESSION.Group;
  const pushTo = decision.pushTo && [...decision.pushTo];
  const makesRecords = stored && decision.newConversation !== 'none';
  return make('log.Entry', {
    conversationID: chatConversationID(message),
    stored,
    msgData: encode('sdkws.MsgData', message),
    userIDs: isGroup ? [] : (pushTo ?? receiversOf(message)),
    toGroup: isGroup && pushTo?.length !== 0,
    onlyUserIDs: (isGroup && pushTo) || [],
    offlinePush: optionOn(message.options, 'offlinePush'),
    senderReads: stored,
    conversationOwners: makesRecords ? ownersOf(message) : [],
    ensureOwners: makesRecords && ensureOwners,
  });
}

function notificationEntry(message: sdkws.MsgData): log.Entry {
  return make('log.Entry', {
    conversationID: notificationConversationID(chatConversationID(message)),
    stored: optionOn(message.options, 'history'),
    msgData: encode('sdkws.MsgData', message),
    userIDs: receiversOf(message),
    toGroup: message.sessionType === SESSION.Group,
    offlinePush: optionOn(message.options, 'offlinePush'),
  });
}

/**
 * The entries of a message in delivery order. A notification that is also a chat message becomes a
 * clone in the chat, before itself, and then pushes nothing and counts nothing.
 */
function entriesOf(message: sdkws.MsgData, ensureOwners: boolean, decision: RecordDecision): log.Entry[] {
  if (optionOn(message.options, 'isNotNotification')) return [chatEntry(message, ensureOwners, decision)];
  if (!optionOn(message.options, 'isSendMsg')) return [notificationEntry(message)];
  const clone = make('sdkws.MsgData', message);
  clone.options = cloneOptions(message.options);
  const chat = chatEntry(clone, ensureOwners, decision);
  message.options = { ...message.options, offlinePush: false, unreadCount: false };
  return [chat, notificationEntry(message)];
}

/**
 * The record of a checked and completed message. It holds every decision, so that any worker folds it into the same
 * rows. `message` must not be used afterwards.
 * @param ensureOwners an owner of the chat may be without a conversation record.
 * @param memberVersion version of the group's members as known; 0 unknown.
 * @param also notifications to single users, delivered after it. @default none
 * @param decision what webhooks decided. @default nothing
 */
export function buildRecord(
  origin: Origin,
  key: Buffer,
  message: sdkws.MsgData,
  ensureOwners: boolean,
  memberVersion: number,
  membership?: MembershipChange,
  also: readonly sdkws.MsgData[] = [],
  decision: RecordDecision = {},
): Outgoing {
  message.serverMsgID = decision.serverMsgID || serverMsgID(key);
  message.seq = 0;
  message.isRead = false;
  if (message.status === MSG_STATUS.Sending) message.status = MSG_STATUS.Sent;
  const entries = entriesOf(message, ensureOwners, decision);
  const { newConversation = null } = decision;
  for (const own of also) entries.push(notificationEntry(own));
  return {
    queueKey: queueKey(message),
    record: make('log.Record', {
      dedupKey: key,
      version: RECORD_VERSION,
      tenant: origin.tenant,
      operationID: origin.operationID,
      connID: origin.connID,
      sendID: message.sendID,
      recvID: message.recvID,
      groupID: message.groupID,
      sessionType: message.sessionType,
      contentType: message.contentType,
      sendTime: message.sendTime,
      entries,
      senderPlatformID: message.senderPlatformID,
      addedUserIDs: membership ? [...membership.added] : [],
      removedUserIDs: membership ? [...membership.removed] : [],
      memberVersion: membership?.version || memberVersion,
      memberVersionBefore: membership?.before ?? 0,
      hideHistory: membership?.hideHistory ?? false,
      newConversation: newConversation === 'none' ? null : newConversation,
    }),
  };
}

/** Options that the server switches off by content type, even if the client set them. */
const FORCED_OFF: Readonly<Record<number, readonly OptionKey[]>> = {
  [CONTENT.Revoke]: ['unreadCount', 'offlinePush'],
  [CONTENT.HasReadReceipt]: ['conversationUpdate', 'senderConversationUpdate', 'unreadCount', 'offlinePush'],
  [CONTENT.Typing]: [
    'history',
    'persistent',
    'senderSync',
    'conversationUpdate',
    'senderConversationUpdate',
    'unreadCount',
    'offlinePush',
  ],
};

/** Switches off, in place, the options that the content type does not allow. */
export function forceOptions(contentType: number, options: Record<string, boolean>): void {
  for (const key of FORCED_OFF[contentType] ?? []) options[key] = false;
}

/**
 * Options of the chat message that a notification is cloned into: only offlinePush and unreadCount
 * are carried over, everything else is unset and so true.
 */
export function cloneOptions(options: Readonly<Record<string, boolean>>): Record<string, boolean> {
  const clone: Record<string, boolean> = {};
  if (options.offlinePush !== undefined) clone.offlinePush = options.offlinePush;
  if (options.unreadCount !== undefined) clone.unreadCount = options.unreadCount;
  return clone;
}
