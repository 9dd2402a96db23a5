import { BACKEND_ROLES, type TenantSettings } from '@im/contract';
import { type CallContext, requireAdmin, unknownTenant } from '@im/kit';
import { argsError, ERR, ImError, make } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { BackendToken, BackendTokenRepo } from '@im/store';
import type { AuthDeps } from '../deps.ts';

type BackendTokenMethods = Pick<
  DomainService<'auth'>,
  'createBackendToken' | 'searchBackendTokens' | 'revokeBackendToken'
>;

/** Shortest and longest life of a token, seconds. */
const LIFE_SECONDS = { least: 60, most: 30 * 86_400 };
/** Most tokens of a tenant that have not expired. */
const MAX_TOKENS = 1_000;
const MAX_PAGE = 500;

function shown({ id, role, description, admin, time, expires, revoked = 0 }: BackendToken) {
  return make('auth.BackendToken', {
    ...{ tokenID: id, role, description, adminUserID: admin },
    ...{ createTime: time, expireTime: expires, revokeTime: revoked },
  });
}

/** Tokens of backends. The API keeps tokens with a role from creating others. */
export function backendTokenMethods(
  { tenants, tokens }: Pick<AuthDeps, 'tenants' | 'tokens'>,
  repo: BackendTokenRepo,
): BackendTokenMethods {
  function tenantOf(ctx: CallContext): TenantSettings {
    requireAdmin(ctx);
    const tenant = tenants.get(ctx.tenant);
    if (!tenant) throw unknownTenant(ctx.tenant);
    return tenant;
  }

  return {
    async createBackendToken(ctx, { role, lifeSeconds, description }) {
      const tenant = tenantOf(ctx);
      if (!BACKEND_ROLES.some((known) => known === role))
        throw argsError(`role must be one of ${BACKEND_ROLES.join(', ')}`);
      const { least, most } = LIFE_SECONDS;
      if (lifeSeconds < least || lifeSeconds > most)
        throw argsError(`lifeSeconds must be ${least} to ${most}`);
      const now = Date.now();
      await repo.removeExpired(ctx.tenant, now);
      if ((await repo.count(ctx.tenant, now, MAX_TOKENS)) >= MAX_TOKENS)
        throw new ImError(
          ERR.TooManyRequests,
          `the tenant has ${MAX_TOKENS} tokens of backends; wait until some expire, or give them a shorter life`,
        );
      const { token, issued } = await tokens.issueBackend(
        tenant,
        ctx.opUserID,
        { role, description },
        lifeSeconds,
      );
      return make('auth.CreateBackendTokenResp', { token, issued: shown(issued) });
    },
    async searchBackendTokens(ctx, { limit, cursor }) {
      requireAdmin(ctx);
      if (limit < 1 || limit > MAX_PAGE) throw argsError(`limit must be 1 to ${MAX_PAGE}`);
      const { tokens: found, next = '' } = await repo.list(ctx.tenant, limit, cursor || undefined);
      return make('auth.SearchBackendTokensResp', { tokens: found.map(shown), cursor: next });
    },
    async revokeBackendToken(ctx, { tokenID }) {
      requireAdmin(ctx);
      const ended = await tokens.revokeBackend(ctx.tenant, tokenID);
      if (!ended) throw new ImError(ERR.RecordNotFoundError, `there is no token ${tokenID} of a backend`);
      return make('auth.RevokeBackendTokenResp', { ended: shown(ended) });
    },
  };
}
