export { type Applied, type Applier, type ApplierOptions, createApplier } from './apply.ts';
export * from './conditions.ts';
export {
  type Controller,
  type ControllerOptions,
  createController,
  type ReconcileResult,
} from './controller.ts';
export { createElection, type Election, type ElectionOptions, guardWrites } from './election.ts';
export * from './errors.ts';
export {
  createEventRecorder,
  type EventRecorder,
  type EventRecorderOptions,
  type EventText,
} from './event-recorder.ts';
export {
  type ChangeListener,
  createInformer,
  type Informer,
  type InformerOptions,
  resourceName,
  withoutManagedFields,
} from './informer.ts';
export * from './keys.ts';
export type * from './kube-client.ts';
export {
  type KubeObject,
  labelSelectorOf,
  type ObjectKey,
  type ResourceType,
  type Stored,
} from './objects.ts';
export { type PruneOptions, prune } from './prune.ts';
export { beyondStatus } from './relevance.ts';
export * from './resource-types.ts';
export { createKubeClient, type KubeClientOptions } from './rest-client.ts';
export type { Store } from './store.ts';
export type * from './wire.ts';
