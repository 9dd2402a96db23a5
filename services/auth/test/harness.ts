import { type TenantId, type TenantSettingsInput, tenantId } from '@im/contract';
import type { BackendTypes } from '@im/dev-stores';
import { type CallContext, requireSelf, systemContext } from '@im/kit';
import { silentLogger, type TaskRunner } from '@im/process';
import { type event, make } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import { backendTokenRepo, type Store, tokenRepo, writerSessionRepo } from '@im/store';
import { startDomain, type TestCluster, type TestDomain } from '@im/testing';
import { authService } from '../src/index.ts';
import { commitWriters } from '../src/tokens/commit-writers.ts';
import { tokenCopies } from '../src/tokens/token-copies.ts';
import { createTokens, type Tokens } from '../src/tokens/tokens.ts';

/** One tenant per policy, and one with a separate key. */
export const TENANTS: readonly TenantSettingsInput[] = [
  ...([0, 1, 4, 5] as const).map((policy) => ({
    id: `p${policy}`,
    tokenSecret: 'openIM123',
    adminSecret: 'letmein',
    multiLogin: { policy, maxNumOneEnd: 2 },
  })),
  { id: 'other', tokenSecret: 'another key', adminSecret: 'letmein' },
];

export const P1 = tenantId('p1');

/** The auth domain as one process runs it. */
export interface AuthProcess extends TestDomain<'auth'> {
  /** Published by this process; with NATS, received by it. */
  readonly kicks: event.Kick[];
  /** Users and platforms whose push tokens were removed. */
  readonly silenced: string[];
  /** Tokens with their own clock, over the same stores. */
  tokens(now: () => number): Tokens;
}

/** Starts one process; those of a cluster share the database, and reach each other by NATS when there is one. */
export async function startAuth(stores: Partial<BackendTypes>, cluster: TestCluster): Promise<AuthProcess> {
  const kicks: event.Kick[] = [];
  const publishKick = (_tenant: TenantId, kick: event.Kick) => kicks.push(kick);
  const bus = () => ({ events: { publishKick } });
  const silenced: string[] = [];
  const third: Partial<DomainService<'third'>> = {
    async delUserPushToken(ctx, { userID, platformID }) {
      requireSelf(ctx, userID);
      silenced.push(`${ctx.tenant} ${userID} ${platformID}`);
      return make('third.DelUserPushTokenResp');
    },
  };
  const domain = await startDomain(authService, { stores, cluster, tenants: TENANTS, bus, fakes: { third } });
  const { store, tasks } = domain;
  if (stores.nats) domain.bus.events.subscribeAllKicks((_tenant, kick) => kicks.push(kick));
  return {
    ...domain,
    kicks,
    silenced,
    tokens: (now) => tokensOf(store, tasks, now),
  };
}

/** Tokens over a store, with their own clock. */
export function tokensOf(store: Store, tasks: TaskRunner, now: () => number = Date.now): Tokens {
  const log = silentLogger();
  const sessions = writerSessionRepo(store);
  const writers = commitWriters({ groupCommit: store.groupCommit, sessions, tasks, log });
  return createTokens({
    store,
    repo: tokenRepo(store),
    backends: backendTokenRepo(store),
    copies: tokenCopies(store, tasks),
    writers,
    log,
    now,
  });
}

/** A call of the system itself. */
export function ctxOf(tenant: TenantId, timeoutMs = 20_000): CallContext {
  return systemContext(tenant, 'test', { timeoutMs });
}
