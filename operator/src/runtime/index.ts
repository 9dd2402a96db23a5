export * from './conditions.ts';
export { createController } from './controller.ts';
export * from './errors.ts';
export { createInformer, resourceName } from './informer.ts';
export * from './keys.ts';
export { createKubeClient } from './kube-client.ts';
export * from './resource-types.ts';
export type * from './types.ts';
export type * from './wire.ts';
