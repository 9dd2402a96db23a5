import { onAbort } from '@im/kit';
import { type BaseDeps, defineService, type LiveDeps, READY, type Service } from '@im/process';
import type { RpcRegistry } from '@im/rpc';
import type { DeliveryWatch } from './admin/tails.ts';
import { createApp } from './app.ts';

export { describeRoutes, type RouteDescription } from './routes/index.ts';

/** Dependencies of the HTTP API on its process. */
export type ApiDeps = BaseDeps &
  Pick<LiveDeps, 'live'> & {
    rpc: RpcRegistry;
    bus: {
      readonly deliveries: DeliveryWatch;
      readonly log: { info(): Promise<{ readonly bytes: number; readonly maxBytes: number }> };
    };
  };

/** The HTTP API: the routes of OpenIM, most of them one RPC. The bus brings invalidations of kicked tokens. */
export const apiService = serviceOf('api', false);

/** The web console in a separate process, with the part of the HTTP API that its pages need. */
export const consoleService = serviceOf('console', true);

function serviceOf(name: 'api' | 'console', consoleOnly: boolean) {
  return defineService({
    name,
    requires: ['rpc', 'bus'],
    settings: ['api', 'listen'],
    async create(
      config,
      { rpc, bus, tenants, invalidations, metrics, live, ...deps }: ApiDeps,
    ): Promise<Service> {
      const log = deps.log.child({ part: name });
      let isDraining = false;
      const app = await createApp({
        config: config.api,
        consoleOnly,
        attempts: () => live.current.attempts,
        limits: () => live.current.limits,
        rpc,
        tenants,
        invalidations,
        metrics,
        log,
        draining: () => isDraining,
        tracing: deps.tracing,
        processes: deps.processes,
        deliveries: bus.deliveries,
        async logSize() {
          const { bytes, maxBytes } = await bus.log.info();
          return { bytes, maxBytes };
        },
      });
      return {
        async start() {
          const address = await app.listen({ host: config.listen.host, port: config.api.port });
          log.info({ address }, 'listening');
        },
        // Clients keep connections open, and would stay as long as they send requests.
        async drain() {
          isDraining = true;
        },
        async stop(deadline) {
          using _ = onAbort(deadline, () => app.server.closeAllConnections());
          await app.close();
        },
        ready: () => READY,
      };
    },
  });
}
