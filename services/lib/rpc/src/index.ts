export type { DomainService } from './contract.ts';
export { createNotifier, type NotificationAddress, type Notifier, type NotifierDeps } from './notifier.ts';
export { createRpc, type RpcOptions, type RpcRegistry } from './registry.ts';
