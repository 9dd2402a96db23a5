import type { ServiceModule } from '@im/process';
import { createGateway } from './create-gateway.ts';
import type { GatewayDeps } from './gateway.ts';

/** The WebSocket gateway: clients connect here, send, and get what is for them. */
export const gatewayService: ServiceModule<GatewayDeps> = {
  name: 'gateway',
  needs: ['rpc', 'bus'],
  create: async (config, deps) => createGateway(config, deps),
};

export { describeRequests, type RequestDescription } from './requests/handlers.ts';
