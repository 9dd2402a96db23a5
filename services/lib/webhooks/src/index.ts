export { type Delivery, decodeDelivery } from './after/envelope.ts';
export type { ProbeResult } from './before/probe.ts';
export { createDispatcher, type Dispatcher, type DispatcherDeps } from './dispatch/dispatcher.ts';
export { type AfterBody, type BeforeBody, type MessageBody, messageBody, pushBody } from './events/bodies.ts';
export { type BeforeReply, changesOf } from './events/replies.ts';
export { SAMPLES } from './events/samples.ts';
export { EVENTS } from './events/table.ts';
export { type AddressRules, addressRules } from './http/address-rules.ts';
export { Breaker } from './http/breaker.ts';
export { assertAllowed, guardedClient, guardedLookup } from './http/http-client.ts';
export { RequestError } from './http/request-error.ts';
export { createResolver } from './http/resolve.ts';
export { retryAfter } from './http/retry-after.ts';
export { isRefusal } from './refusal.ts';
export { signatureFault, signedHeaders } from './signature.ts';
export {
  type AfterOptions,
  createWebhooks,
  type OwnedWebhooks,
  type Webhooks,
  type WebhooksDeps,
} from './webhooks.ts';
