import { domainService } from '@im/domain';
import {
  auditRepo,
  backendTokenRepo,
  banRepo,
  consoleSessionRepo,
  tokenRepo,
  userRepo,
  writerSessionRepo,
} from '@im/store';
import { auditMethods } from './methods/audit.ts';
import { backendTokenMethods } from './methods/backend-tokens.ts';
import { banMethods } from './methods/bans.ts';
import { consoleMethods } from './methods/console-sessions.ts';
import { createEndSessions } from './methods/end-sessions.ts';
import { tokenMethods } from './methods/tokens.ts';
import { commitWriters } from './tokens/commit-writers.ts';
import { tokenCopies } from './tokens/token-copies.ts';
import { createTokens } from './tokens/tokens.ts';

/** Tokens, forced logout, multi-terminal login, bans, the audit log of administrators and the sessions of the console. */
export const authService = domainService('auth', {
  requires: ['bus'],
  build({ store, bus, log, metrics, tenants, tasks, rpc }) {
    const copies = tokenCopies(store, tasks);
    const sessions = writerSessionRepo(store);
    const writers = commitWriters({ groupCommit: store.groupCommit, sessions, tasks, log });
    const backends = backendTokenRepo(store);
    const tokens = createTokens({ store, repo: tokenRepo(store), backends, copies, writers, log });
    const users = userRepo(store);
    const third = rpc.client('third');
    const deps = { tenants, tokens, users, events: bus.events, metrics, third, log };
    const bans = banRepo(store);
    const audit = auditRepo(store);
    const endSessions = createEndSessions(deps);
    return {
      methods: {
        ...tokenMethods(deps, endSessions),
        ...banMethods(deps, { ...bans, set: (...args) => writers.watched(bans.set(...args)) }, endSessions),
        ...backendTokenMethods(deps, backends),
        ...auditMethods(audit),
        ...consoleMethods(consoleSessionRepo(store), audit),
      },
    };
  },
});
