import type { TenantId } from '@im/contract';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';

/** A receiver that asked to be left alone. `_id` is the tenant. */
interface WebhookEndpointDocument {
  _id: string;
  /** Names the settings for which it asked. */
  settings: string;
  since: Date;
}

/** Receivers of webhooks that answered 410: they get nothing until their tenant's settings change. */
export interface WebhookEndpointRepo {
  /** @param settings names the tenant's settings. */
  switchOff(tenant: TenantId, settings: string): Promise<void>;
  /** Settings for which each receiver is off. */
  off(): Promise<Map<string, { readonly settings: string; readonly since: Date }>>;
}

/** The receivers of a store that are switched off. */
export function webhookEndpointRepo(store: Store): WebhookEndpointRepo {
  const endpoints = () => store.shared<WebhookEndpointDocument>('webhook_endpoint');

  return guarded<WebhookEndpointRepo>({
    async switchOff(tenant, settings) {
      await endpoints().updateOne(
        { _id: tenant },
        { $set: { settings, since: new Date() } },
        { upsert: true },
      );
    },
    async off() {
      const found = await endpoints().find({}).toArray();
      return new Map(found.map(({ _id, settings, since }) => [_id, { settings, since }]));
    },
  });
}
