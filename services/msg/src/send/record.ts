import type { TenantId } from '@im/contract';
import { sha256Parts } from '@im/kit';
import {
  chatConversationID,
  encode,
  type log,
  MSG_STATUS,
  make,
  notificationConversationID,
  optionOn,
  queueKey,
  SESSION,
  type sdkws,
} from '@im/protocol';
import { cloneOptions } from './message-options.ts';

/** Layout of records that is written today. */
export const RECORD_VERSION = 1;
const DEDUP_KEY_BYTES = 16;

/** Where a message comes from, beside what it says itself. */
export interface Origin {
  readonly tenant: TenantId;
  readonly operationID: string;
  readonly connID: string;
}

/** Membership that changes at the record's place in the log. */
export interface MembershipChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly version: number;
  /** Version of the change before it; 0 when unknown. */
  readonly before: number;
  /** The added users see nothing that was written before. */
  readonly hideHistory: boolean;
}

/** A message ready for the log. */
export interface Outgoing {
  /** Key of the queue; decides the partition. */
  readonly queueKey: string;
  readonly record: log.Record;
}

/** What makes two sends the same message: a client's retry, which gets the same answer and one seq. */
export function dedupKey(tenant: TenantId, m: sdkws.MsgData): Buffer {
  return sha256Parts(tenant, m.sendID, queueKey(m), m.clientMsgID, String(m.contentType), m.content).subarray(
    0,
    DEDUP_KEY_BYTES,
  );
}

/** The key of a change that has a name, whatever its record says of it. */
export function changeKey(tenant: TenantId, changeID: string): Buffer {
  return sha256Parts(tenant, 'change', changeID).subarray(0, DEDUP_KEY_BYTES);
}

/** The id that the sender is told; a retry is told the same one. */
export function serverMsgID(key: Buffer): string {
  return key.toString('hex');
}

/** Users who receive a message of a chat of two. The members of a group are not listed. */
function receiversOf(m: sdkws.MsgData): string[] {
  if (m.sessionType === SESSION.Group) return [];
  const toSender = m.sendID !== m.recvID && optionOn(m.options, 'senderSync');
  return toSender ? [m.recvID, m.sendID] : [m.recvID];
}

/** Whose conversation records the first message of a chat makes; members of a group get theirs by membership. */
function ownersOf(m: sdkws.MsgData): string[] {
  switch (m.sessionType) {
    case SESSION.Single:
      return m.sendID === m.recvID ? [m.sendID] : [m.sendID, m.recvID];
    case SESSION.Notification:
      return [m.recvID];
    default:
      return [];
  }
}

function chatEntry(m: sdkws.MsgData, ensureOwners: boolean): log.Entry {
  const stored = optionOn(m.options, 'history');
  return make('log.Entry', {
    conversationID: chatConversationID(m),
    stored,
    msgData: encode('sdkws.MsgData', m),
    userIDs: receiversOf(m),
    toGroup: m.sessionType === SESSION.Group,
    offlinePush: optionOn(m.options, 'offlinePush'),
    senderReads: stored,
    conversationOwners: stored ? ownersOf(m) : [],
    ensureOwners: stored && ensureOwners,
  });
}

function twinEntry(m: sdkws.MsgData): log.Entry {
  return make('log.Entry', {
    conversationID: notificationConversationID(chatConversationID(m)),
    stored: optionOn(m.options, 'history'),
    msgData: encode('sdkws.MsgData', m),
    userIDs: receiversOf(m),
    toGroup: m.sessionType === SESSION.Group,
    offlinePush: optionOn(m.options, 'offlinePush'),
  });
}

/**
 * The entries of a message in delivery order. A notification that is also a chat message becomes a
 * clone in the chat, before itself, and then pushes nothing and counts nothing.
 */
function entriesOf(m: sdkws.MsgData, ensureOwners: boolean): log.Entry[] {
  if (optionOn(m.options, 'isNotNotification')) return [chatEntry(m, ensureOwners)];
  if (!optionOn(m.options, 'isSendMsg')) return [twinEntry(m)];
  const clone = make('sdkws.MsgData', m);
  clone.options = cloneOptions(m.options);
  const chat = chatEntry(clone, ensureOwners);
  m.options = { ...m.options, offlinePush: false, unreadCount: false };
  return [chat, twinEntry(m)];
}

/**
 * The record of a checked and completed message. Everything that will ever need deciding is decided
 * here, so that any worker folds it into the same rows. `m` must not be used afterwards.
 * @param ensureOwners an owner of the chat may be without a conversation record.
 * @param memberVersion version of the group's members as known; 0 unknown.
 * @param also notifications to single users that are to arrive behind it.
 */
export function buildRecord(
  origin: Origin,
  key: Buffer,
  m: sdkws.MsgData,
  ensureOwners: boolean,
  memberVersion: number,
  membership?: MembershipChange,
  also: readonly sdkws.MsgData[] = [],
): Outgoing {
  m.serverMsgID = serverMsgID(key);
  m.seq = 0;
  m.isRead = false;
  if (m.status === MSG_STATUS.Sending) m.status = MSG_STATUS.Sent;
  const entries = entriesOf(m, ensureOwners);
  for (const own of also) entries.push(twinEntry(own));
  return {
    queueKey: queueKey(m),
    record: make('log.Record', {
      dedupKey: key,
      version: RECORD_VERSION,
      tenant: origin.tenant,
      operationID: origin.operationID,
      connID: origin.connID,
      sendID: m.sendID,
      recvID: m.recvID,
      groupID: m.groupID,
      sessionType: m.sessionType,
      contentType: m.contentType,
      sendTime: m.sendTime,
      entries,
      senderPlatformID: m.senderPlatformID,
      addedUserIDs: membership ? [...membership.added] : [],
      removedUserIDs: membership ? [...membership.removed] : [],
      memberVersion: membership?.version || memberVersion,
      memberVersionBefore: membership?.before ?? 0,
      hideHistory: membership?.hideHistory ?? false,
    }),
  };
}
