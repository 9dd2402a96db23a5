import { systemContext, withSpan } from '@im/kit';
import { isNotificationType, make, type sdkws } from '@im/protocol';
import { isRefusal, pushBody, type Webhooks } from '@im/webhooks';
import type { Wake } from './wake/notification.ts';

/** Most users that an answer may name. */
const MAX_NAMED = 10_000;

/** Asks the webhook beforeOfflinePush about users who are to be notified. */
export function beforeOfflinePush(webhooks: Pick<Webhooks, 'enabled' | 'before'>) {
  /**
   * @returns whom to notify of what, as the answer has it; undefined when it refuses.
   * @throws ImError 90004 or 90007 when the webhook could not be asked.
   */
  return async (wake: Wake, signal: AbortSignal): Promise<Wake | undefined> => {
    const { tenant, operationID, message, userIDs, span } = wake;
    if (!webhooks.enabled({ tenant }, 'beforeOfflinePush')) return wake;
    try {
      const ctx = withSpan(systemContext(tenant, operationID, { signal }), span);
      const reply = await webhooks.before(ctx, 'beforeOfflinePush', bodyOf(message, userIDs));
      const named = reply?.userIDList ?? [];
      const offlinePushInfo = reply?.offlinePushInfo ?? message.offlinePushInfo;
      return {
        ...wake,
        userIDs: named.length > 0 ? named.slice(0, MAX_NAMED) : userIDs,
        message: make('sdkws.MsgData', { ...message, offlinePushInfo }),
      };
    } catch (error) {
      if (isRefusal(error)) return undefined;
      throw error;
    }
  };
}

function bodyOf(message: sdkws.MsgData, userIDs: readonly string[]) {
  const own = message.offlinePushInfo;
  return {
    ...pushBody(message),
    userIDList: [...userIDs],
    ...(own && {
      title: own.title,
      desc: own.desc,
      ex: own.ex,
      iOSPushSound: own.iOSPushSound,
      iOSBadgeCount: own.iOSBadgeCount,
      signalInfo: own.signalInfo,
    }),
    content: contentOf(message),
  };
}

/** Of notifications the detail alone. */
function contentOf({ contentType, content }: sdkws.MsgData): string {
  const text = Buffer.from(content).toString('utf8');
  if (!isNotificationType(contentType)) return text;
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown };
    return typeof detail === 'string' ? detail : text;
  } catch {
    return text;
  }
}
