import { type BaseDeps, type LiveDeps, READY, type Service, type ServiceModule } from '@im/process';
import type { RpcRegistry } from '@im/rpc';
import { createApp } from './app.ts';

export { describeRoutes, type RouteDescription } from './describe-routes.ts';

/** What the HTTP API needs of its process. */
export type ApiDeps = BaseDeps & Pick<LiveDeps, 'live'> & { rpc: RpcRegistry };

/** The HTTP API: every route of OpenIM's, each one RPC. The bus brings the news of kicked tokens. */
export const module: ServiceModule<ApiDeps> = {
  name: 'api',
  needs: ['rpc', 'bus'],
  async create(config, { rpc, tenants, invalidations, metrics, live, ...deps }): Promise<Service> {
    const log = deps.log.child({ part: 'api' });
    let isLeaving = false;
    const leaving = () => isLeaving;
    const app = await createApp({
      config: config.api,
      attempts: () => live.current.attempts,
      limits: () => live.current.limits,
      rpc,
      tenants,
      invalidations,
      metrics,
      log,
      leaving,
    });
    return {
      async start() {
        const address = await app.listen({ host: config.listen.host, port: config.api.port });
        log.info({ address }, 'api listening');
      },
      // Clients keep connections open, and would stay for as long as they have something to ask.
      async leave() {
        isLeaving = true;
      },
      async stop(deadline) {
        const cut = () => app.server.closeAllConnections();
        deadline.addEventListener('abort', cut, { once: true });
        await app.close();
        deadline.removeEventListener('abort', cut);
      },
      ready: () => READY,
    };
  },
};
