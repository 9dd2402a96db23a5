import type { TenantId, TenantSettings } from '@im/contract';
import { requireReach, requireVoice } from '@im/domain';
import {
  argsError,
  CONTENT,
  chatConversationID,
  ERR,
  GROUP_STATUS,
  ImError,
  isNotificationType,
  MANAGER_LEVEL,
  RECV_OPT,
  SESSION,
  type sdkws,
} from '@im/protocol';
import { notFound } from '@im/store';
import type { MsgParts } from '../parts.ts';

/** Groups of this type are open to everybody. */
const OPEN_GROUP_TYPE = 1;

/** Where the checks read; all from copies in the process, so that nothing waits once they are warm. */
export type CheckParts = Pick<
  MsgParts,
  'users' | 'blacks' | 'friends' | 'groups' | 'members' | 'conversationSettings'
>;

/** What the checks found out on the way. */
export interface Verdict {
  /** The receiver does not want offline notifications. */
  readonly quiet: boolean;
  /** One of the two has no record of this chat. */
  readonly ensureOwners: boolean;
  /** Version of the group's members that the sender was checked against; 0 for other chats, and when unknown. */
  readonly memberVersion: number;
}

const LOUD: Verdict = { quiet: false, ensureOwners: false, memberVersion: 0 };

/**
 * Refuses what only the server and administrators may send: a client's message of these types would
 * pass for a notification of the server in the receivers' SDKs.
 * @throws ImError 1002.
 */
export function checkNotForged(m: sdkws.MsgData): void {
  const accountNotification = m.contentType === CONTENT.OANotification;
  if (isNotificationType(m.contentType) && !accountNotification) {
    throw new ImError(ERR.NoPermissionError, `contentType ${m.contentType} is for administrators`);
  }
  if (m.options.isNotNotification === false) {
    throw new ImError(ERR.NoPermissionError, 'options.isNotNotification is for administrators');
  }
}

/**
 * Whether this sender may write to this receiver now. Holds for every sender who is not an
 * administrator, whatever the content type.
 * @throws ImError with the code that tells the client why not.
 */
export async function checkMaySend(
  parts: CheckParts,
  settings: TenantSettings,
  m: sdkws.MsgData,
): Promise<Verdict> {
  const bySystem = settings.adminUserIDs.includes(m.sendID);
  switch (m.sessionType) {
    case SESSION.Single:
      if (!bySystem) await requireReach(parts, settings, m.sendID, m.recvID);
      return checkReceiverWantsIt(parts, settings.id, m);
    case SESSION.Group:
      return checkGroup(parts, settings.id, m, bySystem);
    case SESSION.Notification:
      if (!bySystem) await checkAccount(parts, settings.id, m.sendID);
      return checkAccountChat(parts, settings.id, m);
    default:
      throw argsError('unknown sessionType');
  }
}

/** Notification accounts and app administrators send account notifications, nobody else. */
async function checkAccount({ users }: CheckParts, tenant: TenantId, sendID: string): Promise<void> {
  const sender = await users.get(tenant, sendID);
  if (!sender) throw notFound('sendID');
  if (sender.appMangerLevel < MANAGER_LEVEL.AppAdmin) {
    throw new ImError(ERR.NoPermissionError, 'sendID is not a notification account');
  }
}

/** The receiver's record alone counts: the account itself has none. */
async function checkAccountChat(
  { conversationSettings }: CheckParts,
  tenant: TenantId,
  m: sdkws.MsgData,
): Promise<Verdict> {
  const known = await conversationSettings.recvMsgOpt(tenant, m.recvID, chatConversationID(m));
  return known === undefined ? { ...LOUD, ensureOwners: true } : LOUD;
}

async function checkReceiverWantsIt(
  { users, conversationSettings }: CheckParts,
  tenant: TenantId,
  m: sdkws.MsgData,
): Promise<Verdict> {
  if (isNotificationType(m.contentType)) return LOUD;
  const receiver = await users.get(tenant, m.recvID);
  if (!receiver) throw notFound('recvID');
  const own = receiver.globalRecvMsgOpt;
  const id = chatConversationID(m);
  const ofChat = await conversationSettings.recvMsgOpt(tenant, m.recvID, id);
  const option = own === RECV_OPT.Receive ? (ofChat ?? RECV_OPT.Receive) : own;
  if (option === RECV_OPT.NotReceive) throw argsError('message is not sent');
  const complete =
    ofChat !== undefined && (await conversationSettings.recvMsgOpt(tenant, m.sendID, id)) !== undefined;
  if (complete && option === RECV_OPT.Receive) return LOUD;
  return { quiet: option === RECV_OPT.NotNotify, ensureOwners: !complete, memberVersion: 0 };
}

async function checkGroup(
  { groups, members }: CheckParts,
  tenant: TenantId,
  m: sdkws.MsgData,
  bySystem: boolean,
): Promise<Verdict> {
  const [group, member, memberVersion] = await Promise.all([
    groups.get(tenant, m.groupID),
    members.get(tenant, m.groupID, m.sendID),
    members.memberVersions.known(tenant, m.groupID),
  ]);
  if (!group) throw notFound('groupID');
  if (group.status === GROUP_STATUS.Dismissed && m.contentType !== CONTENT.GroupDismissed) {
    throw new ImError(ERR.DismissedAlreadyError);
  }
  const verdict = memberVersion === 0 ? LOUD : { ...LOUD, memberVersion };
  if (bySystem || group.groupType === OPEN_GROUP_TYPE) return verdict;
  if (!member) throw new ImError(ERR.NotInGroupYetError);
  requireVoice(member, group);
  return verdict;
}
