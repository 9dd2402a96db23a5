import { isAdminSecret, type TenantSettings, tokenKeysDigest } from '@im/contract';
import { type CallContext, createCache, sameSecret, tokenHash, unknownTenant } from '@im/kit';
import { argsError, ERR, ImError, MANAGER_LEVEL, make, PLATFORM, PLATFORM_NAMES } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { AuthDeps } from '../deps.ts';
import { rivalPlatforms } from '../tokens/multi-login.ts';
import type { EndSessions } from './end-sessions.ts';

/** How long a refused token is remembered. */
const REFUSED_MS = 2_000;

function isTokenRefusal(error: unknown): error is ImError {
  return error instanceof ImError && error.code >= ERR.TokenExpiredError && error.code <= ERR.UserBannedError;
}

type TokenMethods = Pick<
  DomainService<'auth'>,
  'getAdminToken' | 'getUserToken' | 'parseToken' | 'forceLogout' | 'registerConnection'
>;

/** Tokens, forced logout, multi-terminal login. Admin rights are checked by the API. */
export function tokenMethods(deps: AuthDeps, endSessions: EndSessions): TokenMethods {
  const { tenants, tokens, users, events } = deps;
  const logins = deps.metrics.counter('user_login_total', 'Tokens issued');

  // A refused token hardly ever passes a moment later: repeated attempts must not load the stores.
  const refusals = createCache<ImError>({
    name: 'token-refusals',
    max: 20_000,
    ttlMs: REFUSED_MS,
    metrics: deps.metrics,
  });

  function tenantOf(ctx: CallContext): TenantSettings {
    const settings = tenants.get(ctx.tenant);
    if (!settings) throw unknownTenant(ctx.tenant);
    return settings;
  }

  return {
    async getAdminToken(ctx, { secret, userID }) {
      const tenant = tenantOf(ctx);
      if (!isAdminSecret(tenant, secret, Date.now(), sameSecret))
        throw new ImError(ERR.NoPermissionError, 'secret invalid');
      if (!tenant.adminUserIDs.includes(userID)) throw argsError('userID is not an admin user');
      if (!(await users.get(ctx.tenant, userID)))
        throw new ImError(ERR.RecordNotFoundError, 'record not found');
      const { token, lifeSeconds } = await tokens.issueAdmin(tenant, userID);
      logins.inc();
      return make('auth.GetAdminTokenResp', { token, expireTimeSeconds: lifeSeconds });
    },
    async getUserToken(ctx, { userID, platformID }) {
      const tenant = tenantOf(ctx);
      if (platformID === PLATFORM.Admin)
        throw new ImError(ERR.NoPermissionError, 'platformID must not be Admin');
      if (!(platformID in PLATFORM_NAMES)) throw argsError('platformID must be 1 to 11 and not 10');
      if (tenant.adminUserIDs.includes(userID)) {
        throw new ImError(ERR.NoPermissionError, "don't get Admin token");
      }
      const authorize = async () => {
        const user = await users.get(ctx.tenant, userID);
        if (!user) throw new ImError(ERR.RecordNotFoundError, 'record not found');
        if (user.appMangerLevel >= MANAGER_LEVEL.Notification) throw argsError('app account can`t get token');
      };
      const { token, lifeSeconds } = await tokens.issue({ tenant, userID, platformID, authorize });
      logins.inc();
      return make('auth.GetUserTokenResp', { token, expireTimeSeconds: lifeSeconds });
    },
    async parseToken(ctx, { token, acceptRoles }) {
      const hash = tokenHash(token);
      const key = `${ctx.tenant} ${hash}`;
      const before = refusals.peek(key).value;
      if (before) throw before;
      const { userID, platformID, expires, backend } = await tokens
        .verify(tenantOf(ctx), token, hash)
        .catch((error) => {
          if (isTokenRefusal(error)) refusals.set(key, error);
          throw error;
        });
      if (backend && !acceptRoles)
        throw new ImError(ERR.TokenNotExistError, 'a token of a backend is for the HTTP API alone');
      const role = backend && { role: backend.role };
      return make('auth.ParseTokenResp', { userID, platformID, expireTimeSeconds: expires, ...role });
    },
    async forceLogout(ctx, { userID, platformID }) {
      const tenant = tenantOf(ctx);
      const ended = await (platformID === 0
        ? tokens.endEverywhere(tenant, userID)
        : tokens.endAll(tenant, userID, platformID));
      await endSessions(ctx, { userID, ...(platformID !== 0 && { platformID }), ...ended }, 'forced logout');
      return make('auth.ForceLogoutResp');
    },
    async registerConnection(ctx, { userID, platformID, token, keysDigest }) {
      const tenant = tenantOf(ctx);
      if (keysDigest !== '' && keysDigest !== tokenKeysDigest(tenant))
        throw new ImError(ERR.NetworkError, 'the keys of the tenant are not the same here yet');
      const own = await tokens.register(tenant, token);
      if (own.userID !== userID || own.platformID !== platformID) throw new ImError(ERR.TokenInvalidError);
      // Administrators' tokens replace each other by time, not by login.
      if (tenant.adminUserIDs.includes(userID))
        return make('auth.RegisterConnectionResp', { issue: own.issue });
      // The first login of a user has no other to end.
      const platformIDs = own.issue === 1 ? [] : rivalPlatforms(tenant.multiLogin, platformID);
      if (platformIDs.length > 0) {
        events.publishKick(
          ctx.tenant,
          make('event.Kick', {
            tenant: ctx.tenant,
            userID,
            platformIDs,
            keepIssue: own.issue,
            reason: 'another login',
          }),
        );
      }
      return make('auth.RegisterConnectionResp', { issue: own.issue });
    },
  };
}
