import { createHash, randomBytes } from 'node:crypto';
import { isTenantId, type TenantId } from '@im/contract';
import { type CallContext, randomId, requireAdmin } from '@im/kit';
import { argsError, ERR, ImError, make } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { AuditRepo, ConsoleGrant, ConsoleSession, ConsoleSessionRepo } from '@im/store';

type ConsoleMethods = Pick<
  DomainService<'auth'>,
  | 'createConsoleLogin'
  | 'createConsoleSession'
  | 'grantConsoleSession'
  | 'useConsoleSession'
  | 'removeConsoleSession'
  | 'getConsoleSessions'
>;

const MINUTE = 60_000;
/** A session ends after this, however much it is used. */
const SESSION_MS = 12 * 60 * MINUTE;
const IDLE_MS = 30 * MINUTE;
/** How exactly the last use is known. */
const SEEN_MS = MINUTE;
const MAX_LOGIN_MS = 60 * MINUTE;
/** Most waiting logins and sessions of one tenant. */
const MOST = { logins: 100, sessions: 500 };
const MAX_NAME = 64;
const MAX_GRANTS = 100;
const MAX_PAGE = 500;
const KEY_BYTES = 32;
/** Names of people whom a provider named; links cannot have such names. */
const GRANTED_NAME = /^[a-z0-9-]{1,32}:[^\p{C}]{1,64}$/u;
const MAX_ID_TOKEN = 16_384;
const ROLES: readonly string[] = ['viewer', 'support', 'moderator', 'admin'];

const newKey = () => randomBytes(KEY_BYTES).toString('base64url');
const hashOf = (key: string) => createHash('sha256').update(key).digest('base64url');

function roleOf(role: string): string {
  if (!ROLES.includes(role)) throw argsError(`grants.role must be one of ${ROLES.join(', ')}`);
  return role;
}

function tenantOf(tenant: string): TenantId {
  if (!isTenantId(tenant)) throw argsError('grants.tenant must be the id of a tenant, or *');
  return tenant;
}

function grantOf(
  ctx: CallContext,
  { tenant, role }: { readonly tenant: string; readonly role: string },
): ConsoleGrant {
  if (tenant !== '*' && tenant !== ctx.tenant) throw argsError(`grants.tenant must be ${ctx.tenant} or *`);
  return { tenant: tenant === '*' ? tenant : ctx.tenant, role: roleOf(role) };
}

/** What the audit log keeps of a login: the rights, and by which provider the person was named. */
function detailsOf({ grants, granted }: ConsoleSession) {
  return { grants, ...(granted && { provider: granted.provider, subject: granted.subject }) };
}

function answerOf({ id, name, grants, created, expires, seen, address }: ConsoleSession) {
  return make('auth.ConsoleSession', {
    sessionID: id,
    name,
    grants: grants.map((grant) => make('auth.ConsoleGrant', grant)),
    ...{ createTime: created, expireTime: expires, seenTime: seen, address },
  });
}

/** Logins and sessions of the web console. */
export function consoleMethods(
  repo: ConsoleSessionRepo,
  audit: AuditRepo,
  now: () => number = Date.now,
): ConsoleMethods {
  const live = () => ({ now: now(), seen: now() - IDLE_MS });

  /** Records an act in the tenants that the session has rights in. */
  async function record(ctx: CallContext, act: string, session: ConsoleSession): Promise<void> {
    const tenants = session.grants.map(({ tenant }) => (tenant === '*' ? ctx.tenant : tenant));
    for (const tenant of new Set(tenants)) {
      await audit.add(tenant, {
        ...{ id: randomId(), time: now(), admin: `console:${session.name}`, act },
        ...{ targetKind: 'session', targetID: session.id, reason: '' },
        ...{ details: JSON.stringify(detailsOf(session)), address: session.address },
        ...{ operationID: ctx.operationID, outcome: 'done', errCode: 0 },
      });
    }
  }

  /** Opens a session, once it is recorded. */
  async function open(
    ctx: CallContext,
    user: Pick<ConsoleSession, 'name' | 'grants' | 'address' | 'granted'>,
  ) {
    for (const { tenant } of user.grants) {
      if ((await repo.count(tenant)).sessions >= MOST.sessions)
        throw new ImError(ERR.TooManyRequests, `${tenant} has ${MOST.sessions} sessions: end some`);
    }
    const key = newKey();
    const at = now();
    const times = { created: at, seen: at, expires: at + SESSION_MS };
    const session: ConsoleSession = { id: randomId(), ...user, ...times };
    await record(ctx, 'console.login', session);
    await repo.addSession(hashOf(key), session);
    return { key, session: answerOf(session) };
  }

  return {
    async createConsoleLogin(ctx, { name, grants: given, lifeMs }) {
      requireAdmin(ctx);
      if (name === '' || name.length > MAX_NAME)
        throw argsError(`name must have 1 to ${MAX_NAME} characters`);
      if (lifeMs < 1 || lifeMs > MAX_LOGIN_MS) throw argsError(`lifeMs must be 1 to ${MAX_LOGIN_MS}`);
      if (given.length < 1 || given.length > MAX_GRANTS) throw argsError(`grants must be 1 to ${MAX_GRANTS}`);
      const grants = given.map((grant) => grantOf(ctx, grant));
      await repo.removeExpired(live());
      for (const { tenant } of grants) {
        const { logins } = await repo.count(tenant);
        if (logins >= MOST.logins)
          throw new ImError(
            ERR.TooManyRequests,
            `${MOST.logins} login links of ${tenant} wait to be used: use them, or wait until they end`,
          );
      }
      const token = newKey();
      const expires = now() + lifeMs;
      await repo.addLogin({ hash: hashOf(token), name, grants, expires });
      return make('auth.CreateConsoleLoginResp', { token, expireTime: expires });
    },
    async createConsoleSession(ctx, { token, address }) {
      const login = await repo.takeLogin(hashOf(token), now());
      if (!login)
        throw new ImError(
          ERR.NoPermissionError,
          'the login link was used or has expired: get another one by `openimctl console login`',
        );
      const { name, grants } = login;
      return make('auth.CreateConsoleSessionResp', await open(ctx, { name, grants, address }));
    },
    async grantConsoleSession(ctx, { name, grants: given, address, provider, subject, idToken }) {
      requireAdmin(ctx);
      if (!GRANTED_NAME.test(name)) throw argsError('name must be <provider>:<name>');
      if (given.length < 1 || given.length > MAX_GRANTS) throw argsError(`grants must be 1 to ${MAX_GRANTS}`);
      if (idToken.length > MAX_ID_TOKEN)
        throw argsError(`idToken must have at most ${MAX_ID_TOKEN} characters`);
      const grants = given.map(({ tenant, role }) => ({
        tenant: tenant === '*' ? ('*' as const) : tenantOf(tenant),
        role: roleOf(role),
      }));
      await repo.removeExpired(live());
      return make(
        'auth.GrantConsoleSessionResp',
        await open(ctx, { name, grants, address, granted: { provider, subject, idToken } }),
      );
    },
    async useConsoleSession(_ctx, { key, active }) {
      const hash = hashOf(key);
      const session = await repo.getSession(hash);
      const at = now();
      if (!session || session.expires <= at || session.seen + IDLE_MS <= at)
        return make('auth.UseConsoleSessionResp');
      if (active && at - session.seen >= SEEN_MS) await repo.setSeen(hash, at);
      return make('auth.UseConsoleSessionResp', { session: answerOf(session) });
    },
    async removeConsoleSession(ctx, { key, sessionID }) {
      if (key !== '') {
        const hash = hashOf(key);
        const session = await repo.getSession(hash);
        const ended = session !== undefined && (await repo.removeSession(hash));
        if (ended) await record(ctx, 'console.logout', session);
        const { provider = '', idToken = '' } = session?.granted ?? {};
        return make('auth.RemoveConsoleSessionResp', { ended, ...(ended && { provider, idToken }) });
      }
      requireAdmin(ctx);
      const session = await repo.removeSessionByID(sessionID, ctx.tenant);
      return make('auth.RemoveConsoleSessionResp', { ended: session !== undefined });
    },
    async getConsoleSessions(ctx, { limit, cursor }) {
      requireAdmin(ctx);
      if (limit < 1 || limit > MAX_PAGE) throw argsError(`limit must be 1 to ${MAX_PAGE}`);
      const found = await repo.list(ctx.tenant, limit + 1, cursor, live());
      const page = found.slice(0, limit);
      return make('auth.GetConsoleSessionsResp', {
        sessions: page.map(answerOf),
        cursor: found.length > limit ? (page.at(-1)?.id ?? '') : '',
      });
    },
  };
}
