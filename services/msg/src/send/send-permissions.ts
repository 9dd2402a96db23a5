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
import type { MsgDeps } from '../deps.ts';

/** Groups of this type are open to all users. */
const OPEN_GROUP_TYPE = 1;

/** The checks read from copies in the process: no I/O once these are warm. */
export type SendPermissionDeps = Pick<
  MsgDeps,
  'users' | 'blacks' | 'friends' | 'groups' | 'members' | 'conversationSettings'
>;

/** Facts that the checks found out for the record. */
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
export function requireNotForged(message: sdkws.MsgData): void {
  const accountNotification = message.contentType === CONTENT.OANotification;
  if (isNotificationType(message.contentType) && !accountNotification) {
    throw new ImError(ERR.NoPermissionError, `contentType ${message.contentType} is for administrators`);
  }
  if (message.options.isNotNotification === false) {
    throw new ImError(ERR.NoPermissionError, 'options.isNotNotification is for administrators');
  }
}

/**
 * Whether this sender may write to this receiver now. Holds for every sender who is not an
 * administrator, whatever the content type.
 * @throws ImError with a code for the reason.
 */
export async function requireMaySend(
  deps: SendPermissionDeps,
  settings: TenantSettings,
  message: sdkws.MsgData,
): Promise<Verdict> {
  const bySystem = settings.adminUserIDs.includes(message.sendID);
  switch (message.sessionType) {
    case SESSION.Single:
      if (!bySystem) await requireReach(deps, settings, message.sendID, message.recvID);
      return checkReceiverWantsIt(deps, settings.id, message);
    case SESSION.Group:
      return checkGroup(deps, settings.id, message, bySystem);
    case SESSION.Notification:
      if (!bySystem) await checkAccount(deps, settings.id, message.sendID);
      return checkAccountChat(deps, settings.id, message);
    default:
      throw argsError('unknown sessionType');
  }
}

/**
 * Whether the receiver that a webhook chose exists and takes messages; whether this sender may write to them is what the
 * webhook decided.
 * @throws ImError as {@link requireMaySend}.
 */
export function requireReceiver(
  deps: SendPermissionDeps,
  tenant: TenantId,
  message: sdkws.MsgData,
): Promise<Verdict> {
  return message.sessionType === SESSION.Group
    ? checkGroup(deps, tenant, message, true)
    : checkReceiverWantsIt(deps, tenant, message);
}

/** Only notification accounts and app administrators send account notifications. */
async function checkAccount({ users }: SendPermissionDeps, tenant: TenantId, sendID: string): Promise<void> {
  const sender = await users.get(tenant, sendID);
  if (!sender) throw notFound('sendID');
  if (sender.appMangerLevel < MANAGER_LEVEL.AppAdmin) {
    throw new ImError(ERR.NoPermissionError, 'sendID is not a notification account');
  }
}

/** The receiver's record alone counts: the account itself has none. */
async function checkAccountChat(
  { conversationSettings }: SendPermissionDeps,
  tenant: TenantId,
  message: sdkws.MsgData,
): Promise<Verdict> {
  const known = await conversationSettings.recvMsgOpt(tenant, message.recvID, chatConversationID(message));
  return known === undefined ? { ...LOUD, ensureOwners: true } : LOUD;
}

async function checkReceiverWantsIt(
  { users, conversationSettings }: SendPermissionDeps,
  tenant: TenantId,
  message: sdkws.MsgData,
): Promise<Verdict> {
  if (isNotificationType(message.contentType)) return LOUD;
  const receiver = await users.get(tenant, message.recvID);
  if (!receiver) throw notFound('recvID');
  const own = receiver.globalRecvMsgOpt;
  const id = chatConversationID(message);
  const ofChat = await conversationSettings.recvMsgOpt(tenant, message.recvID, id);
  const option = own === RECV_OPT.Receive ? (ofChat ?? RECV_OPT.Receive) : own;
  if (option === RECV_OPT.NotReceive) throw argsError('message is not sent');
  const complete =
    ofChat !== undefined && (await conversationSettings.recvMsgOpt(tenant, message.sendID, id)) !== undefined;
  if (complete && option === RECV_OPT.Receive) return LOUD;
  return { quiet: option === RECV_OPT.NotNotify, ensureOwners: !complete, memberVersion: 0 };
}

async function checkGroup(
  { groups, members }: SendPermissionDeps,
  tenant: TenantId,
  message: sdkws.MsgData,
  bySystem: boolean,
): Promise<Verdict> {
  const [group, member, memberVersion] = await Promise.all([
    groups.get(tenant, message.groupID),
    members.get(tenant, message.groupID, message.sendID),
    members.memberVersions.known(tenant, message.groupID),
  ]);
  if (!group) throw notFound('groupID');
  if (group.status === GROUP_STATUS.Dismissed && message.contentType !== CONTENT.GroupDismissed) {
    throw new ImError(ERR.DismissedAlreadyError);
  }
  const verdict = memberVersion === 0 ? LOUD : { ...LOUD, memberVersion };
  if (bySystem || group.groupType === OPEN_GROUP_TYPE) return verdict;
  if (!member) throw new ImError(ERR.NotInGroupYetError);
  requireVoice(member, group);
  return verdict;
}
