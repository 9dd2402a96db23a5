import type { ServiceModule } from '@im/process';
import { createGateway, type GatewayDeps } from './gateway.ts';

/** The WebSocket gateway: clients connect here, send, and get what is for them. */
export const module: ServiceModule<GatewayDeps> = {
  name: 'gateway',
  needs: ['rpc', 'bus'],
  create: async (config, deps) => createGateway(config, deps),
};

export { createGateway, type GatewayDeps, type GatewayService } from './gateway.ts';
export { describeRequests, type RequestDescription } from './requests/handlers.ts';
