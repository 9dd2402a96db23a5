import { domainService } from '@im/domain';
import { tokenRepo, userRepo } from '@im/store';
import { tokenMethods } from './methods/tokens.ts';
import { tokenCopies } from './tokens/token-copies.ts';
import { createTokens } from './tokens/tokens.ts';

/** Tokens, forced logout and multi-terminal login. */
export const authService = domainService('auth', {
  requires: ['bus'],
  build({ store, bus, log, metrics, tenants, tasks }) {
    const copies = tokenCopies(store, tasks);
    const tokens = createTokens({ store, repo: tokenRepo(store), copies, log });
    const users = userRepo(store);
    return { methods: tokenMethods({ tenants, tokens, users, events: bus.events, metrics }) };
  },
});
