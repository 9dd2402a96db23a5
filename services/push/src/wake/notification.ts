import type { PushSettings, TenantId } from '@im/contract';
import { md5Hex, type Span, sha256Parts } from '@im/kit';
import { CONTENT, type sdkws } from '@im/protocol';
import type { Notification } from '@im/push-providers';

/** A message, and the users who are to be notified of it. */
export interface Wake {
  readonly tenant: TenantId;
  readonly operationID: string;
  readonly conversationID: string;
  readonly message: sdkws.MsgData;
  readonly userIDs: readonly string[];
  /** The step of a sampled trace that it belongs to. */
  readonly span?: Span;
}

const TITLES: Readonly<Record<number, string>> = {
  [CONTENT.Text]: '[TEXT]',
  [CONTENT.Picture]: '[PICTURE]',
  [CONTENT.Voice]: '[VOICE]',
  [CONTENT.Video]: '[VIDEO]',
  [CONTENT.File]: '[File]',
  // Mentions have no title at OpenIM, and most providers refuse a notification without one.
  1601: '[SIGNALINVITE]',
};

/** Content types of calls that have ended or changed, which send no notification. */
const NEVER: ReadonlySet<number> = new Set([1602, 1603]);

/** False for content types that never become an offline notification. */
export function mayWake(contentType: number): boolean {
  return !NEVER.has(contentType);
}

/** Title and text: the sender's own where given, else by content type. */
export function wording(
  { offlinePushInfo: own, contentType }: Pick<sdkws.MsgData, 'offlinePushInfo' | 'contentType'>,
  fallback: string,
): { title: string; body: string } {
  const title = own?.title || (TITLES[contentType] ?? fallback);
  return { title, body: own?.desc || title };
}

/** What is shown of a message under the settings of its tenant. */
export function notificationOf(
  { tenant, operationID, conversationID, message }: Omit<Wake, 'userIDs'>,
  settings: PushSettings,
): Notification {
  const { fallbackText, content, sound, ttlSeconds, collapse } = settings;
  const { offlinePushInfo: own, sendID, groupID, clientMsgID, serverMsgID } = message;
  const { title, body } = wording(message, fallbackText);
  const id = md5Hex(JSON.stringify([tenant, conversationID, serverMsgID, clientMsgID]));
  return {
    tenant,
    operationID,
    title: content === 'none' ? fallbackText : title,
    body: content === 'full' ? body : fallbackText,
    sound: own?.iOSPushSound || sound,
    ttlSeconds,
    collapseID: sha256Parts(tenant, collapse ? conversationID : id)
      .subarray(0, 12)
      .toString('base64url'),
    id,
    data: {
      conversationID,
      sessionType: String(message.sessionType),
      contentType: String(message.contentType),
      sendID,
      ...(groupID !== '' && { groupID }),
      clientMsgID,
      serverMsgID,
      ...(message.seq > 0 && { seq: String(message.seq) }),
      ...(content !== 'none' && own?.ex && { ex: own.ex }),
      ...(content !== 'none' && own?.signalInfo && { signalInfo: own.signalInfo }),
    },
  };
}
