export type { DomainService } from './contract.ts';
export { createRpc, type RpcOptions, type RpcRegistry } from './registry.ts';
