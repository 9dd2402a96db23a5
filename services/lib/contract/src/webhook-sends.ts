import type { TenantSettings } from './tenant-settings.ts';

/** Events that concern a message while it is being sent. */
const WHILE_SENDING = [
  'beforeSendSingleMsg',
  'beforeSendGroupMsg',
  'beforeMsgModify',
  'beforeOnlinePush',
  'beforeGroupOnlinePush',
  'beforeCreateSingleChatConversations',
  'afterCreateSingleChatConversations',
] as const;

/** Whether sends of the tenant may wait for a webhook. */
export function asksWhileSending({ webhooks: { url, events } }: Pick<TenantSettings, 'webhooks'>): boolean {
  return url !== '' && WHILE_SENDING.some((event) => events[event]?.enable === true);
}
