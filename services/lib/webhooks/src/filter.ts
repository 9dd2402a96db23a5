import type { TenantWebhooks, Webhook, WebhookEvent } from '@im/contract';
import { CONTENT, isNotificationType } from '@im/protocol';
import { EVENTS } from './events/table.ts';

/** What decides whether a message event is called. */
interface MessageFacts {
  readonly contentType: number;
  readonly recvID?: string;
  readonly groupID?: string;
}

/** Whether a message event is called for this message. Never for notifications and "is typing". */
export function wantsMessage(
  { deniedTypes, attentionIds }: Pick<Webhook, 'deniedTypes' | 'attentionIds'>,
  { contentType, recvID, groupID }: MessageFacts,
): boolean {
  if (contentType === CONTENT.Typing || isNotificationType(contentType)) return false;
  if (deniedTypes.includes(contentType)) return false;
  if (attentionIds.length === 0) return true;
  return [recvID, groupID].some((id) => id !== undefined && id !== '' && attentionIds.includes(id));
}

/** The settings of an event that is on; undefined otherwise. */
export function hookOf(settings: TenantWebhooks | undefined, event: WebhookEvent): Webhook | undefined {
  if (settings === undefined || settings.url === '') return undefined;
  const hook = settings.events[event];
  return hook?.enable ? hook : undefined;
}

/** The settings of an event that is on and wants this body; undefined otherwise. */
export function wantedHook(
  settings: TenantWebhooks | undefined,
  event: WebhookEvent,
  facts: object,
): Webhook | undefined {
  const hook = hookOf(settings, event);
  return hook && EVENTS[event].message && !wantsMessage(hook, facts as MessageFacts) ? undefined : hook;
}
