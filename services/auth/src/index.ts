import type { Bus } from '@im/bus';
import { type BaseDeps, READY, type Service, type ServiceModule } from '@im/process';
import type { RpcRegistry } from '@im/rpc';
import { type Store, tokenRepo, userRepo } from '@im/store';
import { createAuthService } from './auth-service.ts';
import { tokenCopies } from './token-copies.ts';
import { createTokens } from './tokens.ts';

/** What auth needs of its process. */
export type AuthDeps = BaseDeps & { rpc: RpcRegistry; store: Store; bus: Bus };

/** Tokens, forced logout and multi-terminal login. */
export const module: ServiceModule<AuthDeps> = {
  name: 'auth',
  needs: ['rpc', 'store', 'bus'],
  async create(_config, { rpc, store, bus, log, metrics, tenants, background }): Promise<Service> {
    const tokens = createTokens({
      store,
      repo: tokenRepo(store),
      copies: tokenCopies(store, background),
      log: log.child({ part: 'auth' }),
    });
    rpc.bind(
      'auth',
      createAuthService({ tenants, tokens, users: userRepo(store), events: bus.events, metrics }),
    );
    return { start: async () => {}, stop: async () => {}, ready: () => READY };
  },
};
