import type { QueuedWebhook, WebhookQueue } from '@im/bus';
import type { AfterEvent, TenantId } from '@im/contract';
import { decodeDelivery } from '@im/webhooks';

/** An after-webhook as a domain handed it over. */
export interface HandedWebhook {
  readonly tenant: TenantId;
  readonly event: AfterEvent;
  /** `webhook-id`. */
  readonly id: string;
  /** With callbackCommand, and operationID where the event has it. */
  readonly body: Record<string, unknown>;
}

/** A queue of webhook deliveries that keeps what it is given. */
export function webhookRecorder() {
  let handed: { readonly tenant: TenantId; readonly item: QueuedWebhook }[] = [];
  const queue: Pick<WebhookQueue, 'publish'> = {
    async publish(tenant, items) {
      for (const item of items) handed.push({ tenant, item });
    },
  };
  return {
    queue,
    async take(): Promise<HandedWebhook[]> {
      const taken = handed;
      handed = [];
      return Promise.all(
        taken.map(async ({ tenant, item }) => {
          const { event, id, body } = await decodeDelivery(item.payload);
          return { tenant, event, id, body: JSON.parse(body) };
        }),
      );
    },
  };
}
