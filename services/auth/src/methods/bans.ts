import type { TenantSettings } from '@im/contract';
import { type CallContext, requireAdmin, unknownTenant } from '@im/kit';
import { argsError, ERR, ImError, make } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import { type Ban, type BannedUser, type BanRepo, isInForce } from '@im/store';
import type { AuthDeps } from '../deps.ts';
import type { EndSessions } from './end-sessions.ts';

type BanMethods = Pick<
  DomainService<'auth'>,
  'banUser' | 'unbanUser' | 'getBans' | 'searchBans' | 'removeUserData'
>;

const MAX_PAGE = 500;

function toBan({ userID, until, reason, time, admin, deleted }: BannedUser) {
  const rest = { untilTime: until, reason, time, adminUserID: admin, deleted: deleted === true };
  return make('auth.Ban', { userID, ...rest });
}

/** Users who may not log in. */
export function banMethods(
  { tenants, tokens, users }: Pick<AuthDeps, 'tenants' | 'tokens' | 'users'>,
  bans: BanRepo,
  endSessions: EndSessions,
): BanMethods {
  const inForce = (found: readonly BannedUser[]) => {
    const now = Date.now();
    return found.filter((ban) => isInForce(ban, now)).map(toBan);
  };

  /** The tenant of a user whose logins may be ended. @throws ImError 1001 for an administrator. */
  function tenantOf(ctx: CallContext, userID: string): TenantSettings {
    requireAdmin(ctx);
    const tenant = tenants.get(ctx.tenant);
    if (!tenant) throw unknownTenant(ctx.tenant);
    if (tenant.adminUserIDs.includes(userID))
      throw argsError('userID is an administrator: take them out of adminUserIDs first');
    return tenant;
  }

  /** No login passes the ban: tokens are ended after it. */
  async function ban(ctx: CallContext, tenant: TenantSettings, userID: string, ban: Ban, reason: string) {
    await bans.set(tenant.id, userID, ban);
    const ended = await tokens.endEverywhere(tenant, userID);
    await endSessions(ctx, { userID, ...ended }, reason);
    return ended;
  }

  return {
    async banUser(ctx, { userID, untilTime, reason }) {
      const tenant = tenantOf(ctx, userID);
      const time = Date.now();
      if (untilTime !== 0 && untilTime <= time)
        throw argsError('untilTime must be in the future, or 0 for a ban without end');
      if (!(await users.get(ctx.tenant, userID)))
        throw new ImError(ERR.UserIDNotFoundError, `there is no user ${userID}`);
      const decided = { until: untilTime, reason, time, admin: ctx.opUserID };
      await ban(ctx, tenant, userID, decided, 'banned');
      return make('auth.BanUserResp', { ban: toBan({ userID, ...decided }) });
    },
    async removeUserData(ctx, { userID }) {
      const tenant = tenantOf(ctx, userID);
      const never = { until: 0, reason: '', time: Date.now(), admin: ctx.opUserID, deleted: true } as const;
      const { hashes } = await ban(ctx, tenant, userID, never, 'account deleted');
      return make('account.RemoveUserDataResp', { removed: hashes.length });
    },
    async unbanUser(ctx, { userID }) {
      requireAdmin(ctx);
      return make('auth.UnbanUserResp', { ended: await bans.clear(ctx.tenant, userID) });
    },
    async getBans(ctx, { userIDs }) {
      requireAdmin(ctx);
      return make('auth.GetBansResp', { bans: inForce(await bans.getMany(ctx.tenant, userIDs)) });
    },
    async searchBans(ctx, { limit, cursor }) {
      requireAdmin(ctx);
      if (limit < 1 || limit > MAX_PAGE) throw argsError(`limit must be 1 to ${MAX_PAGE}`);
      const { bans: found, next = '' } = await bans.list(ctx.tenant, limit, cursor || undefined);
      return make('auth.SearchBansResp', { bans: inForce(found), cursor: next });
    },
  };
}
