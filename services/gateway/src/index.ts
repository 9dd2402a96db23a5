import { defineService } from '@im/process';
import { createGateway } from './create-gateway.ts';
import type { GatewayDeps } from './gateway.ts';

/** The WebSocket gateway: clients connect here, send, and get what is for them. */
export const gatewayService = defineService({
  name: 'gateway',
  requires: ['rpc', 'bus', 'webhooks'],
  settings: ['gateway', 'rpc', 'listen'],
  readyThroughOutages: true,
  create: async (config, deps: GatewayDeps) => createGateway(config, deps),
});

export { describeRequests, type RequestDescription } from './requests/handlers.ts';
