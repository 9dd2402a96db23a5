import type { TenantSettings } from '@im/contract';
import { CONTENT } from '@im/protocol';

/** How a kind of notification is stored and delivered. */
export interface NotificationRule {
  /** Also sent as a message of the chat. */
  readonly isSendMsg: boolean;
  /** Stored in the notification conversation (level 2); otherwise delivered to online users only. */
  readonly stored: boolean;
  /** Push notification for offline users; undefined for none. */
  readonly offlinePush: { readonly title: string; readonly desc: string; readonly ext: string } | undefined;
}

const QUIET: NotificationRule = { isSendMsg: false, stored: false, offlinePush: undefined };
const IN_CHAT: NotificationRule = { ...QUIET, isSendMsg: true };
const STORED: NotificationRule = { ...QUIET, stored: true };
const pushed = (rule: NotificationRule, title: string): NotificationRule => ({
  ...rule,
  offlinePush: { title, desc: title, ext: '' },
});

/** Rules that differ from {@link QUIET}, by content type (docs/protocol/notifications.md). */
const RULES: Readonly<Record<number, NotificationRule>> = {
  [CONTENT.FriendApplicationApproved]: pushed(IN_CHAT, 'Your friend request was accepted'),
  [CONTENT.FriendApplicationRejected]: pushed(QUIET, 'Your friend request was declined'),
  [CONTENT.FriendApplication]: pushed(QUIET, 'New friend request'),
  [CONTENT.GroupCreated]: IN_CHAT,
  [CONTENT.JoinGroupApplication]: pushed(QUIET, 'New request to join a group'),
  [CONTENT.MemberQuit]: IN_CHAT,
  [CONTENT.GroupApplicationAccepted]: pushed(QUIET, 'A request to join a group was accepted'),
  [CONTENT.GroupApplicationRejected]: pushed(QUIET, 'A request to join a group was declined'),
  [CONTENT.GroupOwnerTransferred]: IN_CHAT,
  [CONTENT.MemberKicked]: IN_CHAT,
  [CONTENT.MemberInvited]: IN_CHAT,
  [CONTENT.MemberEnter]: IN_CHAT,
  [CONTENT.GroupDismissed]: IN_CHAT,
  [CONTENT.GroupMemberMuted]: IN_CHAT,
  [CONTENT.GroupMemberCancelMuted]: IN_CHAT,
  [CONTENT.GroupMuted]: IN_CHAT,
  [CONTENT.GroupCancelMuted]: IN_CHAT,
  [CONTENT.GroupInfoSetAnnouncement]: IN_CHAT,
  [CONTENT.GroupInfoSetName]: IN_CHAT,
  [CONTENT.ConversationPrivateChat]: IN_CHAT,
  [CONTENT.MsgRevoke]: STORED,
  [CONTENT.DeleteMsgs]: STORED,
  [CONTENT.HasReadReceipt]: STORED,
};

/** Clients repair their state by these, so no setting makes them unreliable. */
const ALWAYS_STORED: ReadonlySet<number> = new Set([
  CONTENT.MsgRevoke,
  CONTENT.DeleteMsgs,
  CONTENT.HasReadReceipt,
]);

/** Fields of a notification that select its rule or override it. */
export interface RuleRequest {
  readonly contentType: number;
  readonly sendID: string;
  readonly recvID: string;
  readonly sendMessage: boolean | null;
  readonly reliabilityLevel: number | null;
}

const STORED_LEVEL = 2;

/** The rule of one notification: its sender's overrides, else the tenant's settings, else the table. */
export function notificationRule(settings: TenantSettings, request: RuleRequest): NotificationRule {
  const { contentType, sendMessage, reliabilityLevel } = request;
  const standard = RULES[contentType] ?? QUIET;
  const own = settings.notifications[String(contentType)];
  const level = reliabilityLevel ?? own?.reliabilityLevel ?? (standard.stored ? STORED_LEVEL : 1);
  return {
    isSendMsg: sendMessage ?? own?.isSendMsg ?? standard.isSendMsg,
    stored: ALWAYS_STORED.has(contentType) ? !isOwnReceipt(request) : level === STORED_LEVEL,
    offlinePush: own?.offlinePush
      ? own.offlinePush.enable
        ? own.offlinePush
        : undefined
      : standard.offlinePush,
  };
}

/** A receipt to oneself only reaches the user's own online devices. */
function isOwnReceipt({ contentType, sendID, recvID }: RuleRequest): boolean {
  return contentType === CONTENT.HasReadReceipt && sendID === recvID;
}
