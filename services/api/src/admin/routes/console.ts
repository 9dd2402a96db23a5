import { createHash, timingSafeEqual } from 'node:crypto';
import {
  ALL_TENANTS,
  type ConsoleSession,
  createConsoleLogin,
  endConsoleSession,
  endOwnSession,
  getOwnSession,
  listConsoleSessions,
  openConsoleSession,
  openSecretSession,
} from '@im/admin-api';
import { isAdminSecret } from '@im/contract';
import { withCaller } from '@im/kit';
import { productVersion } from '@im/process';
import { argsError, ERR, ImError, make } from '@im/protocol';
import { sessionOf } from '../../console-session.ts';
import { type AdminCall, type AdminRoute, adminRoute } from '../admin-route.ts';
import type { ConsoleCaller } from '../console-caller.ts';
import { fromOpaque, opaque } from '../cursor.ts';

/** The session that asks. @throws ImError 1001 for others. */
function callerOf({ console: caller }: AdminCall): ConsoleCaller {
  if (!caller) throw argsError('token is of no session: only pages of the console ask for theirs');
  return caller;
}

function requireOwnPage({ browser }: AdminCall): void {
  if (browser.ownPage) return;
  throw new ImError(ERR.NoPermissionError, 'the request comes from another origin than the console');
}

function isSame(given: string, wanted: string): boolean {
  const hashOf = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hashOf(given), hashOf(wanted));
}

/** Opens a session by the token of a login, in place of the one that the browser had. */
async function openSession(call: AdminCall, token: string): Promise<ConsoleSession> {
  const client = call.rpc.client('auth');
  const request = make('auth.CreateConsoleSessionReq', { token, address: call.address });
  const { key, session } = await client.createConsoleSession(call.ctx, request);
  const opened = sessionOf(session ?? make('auth.ConsoleSession'));
  const { key: former } = call.browser;
  if (former !== undefined)
    await client.removeConsoleSession(call.ctx, make('auth.RemoveConsoleSessionReq', { key: former }));
  call.browser.setSession(key, opened.expireTime - Date.now());
  return opened;
}

/** A login that is used at once. */
const AT_ONCE_MS = 60_000;
const NOT_FOR_ALL = 'only administrators of api.console.clusterTenant create logins for all tenants';

/** Logins and sessions of the console. */
export const consoleRoutes: readonly AdminRoute[] = [
  adminRoute(createConsoleLogin, 'auth.createConsoleLogin', async (call, { body }) => {
    const { name, role, lifeMs, allTenants } = body;
    if (allTenants && !call.browser.mayInviteForAll) throw new ImError(ERR.NoPermissionError, NOT_FOR_ALL);
    const grant = make('auth.ConsoleGrant', { tenant: allTenants ? ALL_TENANTS : call.tenant.id, role });
    const request = make('auth.CreateConsoleLoginReq', { name, grants: [grant], lifeMs });
    const { token, expireTime } = await call.rpc.client('auth').createConsoleLogin(call.ctx, request);
    return { token, expireTime, address: call.logins.addressOf(call.tenant.id), path: call.logins.path };
  }),
  adminRoute(openConsoleSession, 'auth.createConsoleSession', async (call, { body: { token } }) => {
    requireOwnPage(call);
    return { session: await openSession(call, token) };
  }),
  adminRoute(openSecretSession, 'auth.createConsoleSession', async (call, { body: { name, secret } }) => {
    requireOwnPage(call);
    const { ctx, tenant, rpc } = call;
    if (!call.logins.bySecret)
      throw new ImError(ERR.NoPermissionError, 'api.console.adminSecretLogin is off: get a login link');
    if (!isAdminSecret(tenant, secret, Date.now(), isSame))
      throw new ImError(ERR.NoPermissionError, 'secret is not the admin secret of the tenant');
    const [opUserID = ''] = tenant.adminUserIDs;
    const grants = [make('auth.ConsoleGrant', { tenant: tenant.id, role: 'admin' })];
    const { token } = await rpc
      .client('auth')
      .createConsoleLogin(
        withCaller(ctx, { opUserID, opPlatformID: 0, opAdmin: true }),
        make('auth.CreateConsoleLoginReq', { name, grants, lifeMs: AT_ONCE_MS }),
      );
    return { session: await openSession(call, token) };
  }),
  adminRoute(getOwnSession, 'auth.useConsoleSession', async (call) => {
    const { console: caller, browser } = call;
    const { offers, bySecret } = call.logins;
    const logins = { providers: offers.map((offer) => ({ ...offer })), secret: bySecret };
    if (!caller) return { tenants: [], version: '', cluster: false, logins };
    const { session } = caller;
    return {
      session,
      tenants: browser.tenantsOf(session),
      version: productVersion(),
      cluster: browser.mayOperate(),
      logins: { providers: [], secret: false },
    };
  }),
  adminRoute(endOwnSession, 'auth.removeConsoleSession', async (call) => {
    const { key } = callerOf(call);
    const { provider, idToken } = await call.rpc
      .client('auth')
      .removeConsoleSession(call.ctx, make('auth.RemoveConsoleSessionReq', { key }));
    call.browser.setSession('', 0);
    return { logoutURL: provider === '' ? '' : await call.logins.logoutURL(provider, idToken) };
  }),
  adminRoute(listConsoleSessions, 'auth.getConsoleSessions', async ({ ctx, rpc }, { query }) => {
    const { limit, cursor } = query;
    const request = make('auth.GetConsoleSessionsReq', { limit, cursor: fromOpaque(cursor) });
    const found = await rpc.client('auth').getConsoleSessions(ctx, request);
    return { sessions: found.sessions.map(sessionOf), ...opaque(found.cursor) };
  }),
  adminRoute(endConsoleSession, 'auth.removeConsoleSession', async ({ ctx, rpc }, { params }) => {
    const { ended } = await rpc
      .client('auth')
      .removeConsoleSession(ctx, make('auth.RemoveConsoleSessionReq', params));
    return { ended };
  }),
];
