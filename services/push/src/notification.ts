import type { TenantId } from '@im/contract';
import { CONTENT, type sdkws } from '@im/protocol';

/** An offline notification: its text, and the users whose phones show it. */
export interface OfflineNotification {
  readonly tenant: TenantId;
  readonly operationID: string;
  readonly userIDs: readonly string[];
  readonly title: string;
  readonly content: string;
  /** Extra data for the app, as the sender gave it. */
  readonly ex: string;
  readonly iOSPushSound: string;
  readonly iOSBadgeCount: boolean;
  readonly signalInfo: string;
  readonly clientMsgID: string;
  readonly serverMsgID: string;
  readonly conversationID: string;
  readonly sessionType: number;
  readonly contentType: number;
}

const TITLES: Readonly<Record<number, string>> = {
  [CONTENT.Text]: '[TEXT]',
  [CONTENT.Picture]: '[PICTURE]',
  [CONTENT.Voice]: '[VOICE]',
  [CONTENT.Video]: '[VIDEO]',
  [CONTENT.File]: '[File]',
  [CONTENT.AtText]: '',
  1601: '[SIGNALINVITE]',
};

/** Content types of calls that have ended or changed, which send no notification. */
const NEVER: ReadonlySet<number> = new Set([1602, 1603]);

/** False for content types that never become an offline notification. */
export function mayWake(contentType: number): boolean {
  return !NEVER.has(contentType);
}

/** Title and text: the sender's own where given, else by content type. */
export function wording(message: sdkws.MsgData): { title: string; content: string } {
  const own = message.offlinePushInfo;
  const title = own !== null && own.title !== '' ? own.title : (TITLES[message.contentType] ?? '[NEWMSG]');
  // Mentions bring no title, and providers refuse a notification without text.
  const content = own !== null && own.desc !== '' ? own.desc : title || '[NEWMSG]';
  return { title, content };
}

/** The notification of a message for these users. */
export function notificationOf(
  tenant: TenantId,
  operationID: string,
  conversationID: string,
  message: sdkws.MsgData,
  userIDs: readonly string[],
): OfflineNotification {
  const own = message.offlinePushInfo;
  return {
    tenant,
    operationID,
    userIDs,
    ...wording(message),
    ex: own?.ex ?? '',
    iOSPushSound: own?.iOSPushSound ?? '',
    iOSBadgeCount: own?.iOSBadgeCount ?? false,
    signalInfo: own?.signalInfo ?? '',
    clientMsgID: message.clientMsgID,
    serverMsgID: message.serverMsgID,
    conversationID,
    sessionType: message.sessionType,
    contentType: message.contentType,
  };
}
