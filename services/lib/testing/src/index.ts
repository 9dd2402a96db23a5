export { as, codeOf, refuses } from './calls.ts';
export {
  type ConnectedStore,
  type ConnectStoreOptions,
  connectStore,
  type StorePlace,
} from './connect-store.ts';
export { eventually } from './eventually.ts';
export { type FilledMessages, fillMessages } from './fill-messages.ts';
export type { HandedWebhook } from './handed-webhooks.ts';
export { type Answer, answerJson, type Received, startReceiver, type TestReceiver } from './http-receiver.ts';
export {
  type FilledMessage,
  fillConversation,
  type MeasuredStore,
  type MeasuredStoreOptions,
  startMeasuredStore,
} from './measured-store.ts';
export { mutate, printedSeed, type Random, seeded } from './mutations.ts';
export { route, type SentNotification } from './notifications.ts';
export { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver, treeOf } from './otlp-receiver.ts';
export { type RecordedSpan, type RecordingTracer, recordingTracer } from './recording-tracer.ts';
export {
  type DomainOptions,
  describeDomain,
  type Fakes,
  newCluster,
  startDomain,
  TENANTS,
  type TestCluster,
  type TestDomain,
} from './start-domain.ts';
export { storeTraces, type TracedStores } from './store-traces.ts';
export { startStores, type TestStores } from './stores.ts';
export {
  type AskedWebhook,
  asksBefore,
  type BeforeCase,
  describeReceiver,
  REFUSAL,
  startWebhookReceiver,
  type WebhookAnswer,
  type WebhookReceiver,
  withWebhooks,
} from './webhook-receiver.ts';
