import {
  ALL_TENANTS,
  createConsoleLogin,
  endConsoleSession,
  endOwnSession,
  getOwnSession,
  listConsoleSessions,
  openConsoleSession,
} from '@im/admin-api';
import { productVersion } from '@im/process';
import { argsError, ERR, ImError, make } from '@im/protocol';
import { sessionCookie, sessionOf } from '../../console-session.ts';
import { type AdminCall, type AdminRoute, adminRoute } from '../admin-route.ts';
import type { ConsoleCaller } from '../console-caller.ts';
import { fromOpaque, opaque } from '../cursor.ts';

/** The session that asks. @throws ImError 1001 for others. */
function callerOf({ console: caller }: AdminCall): ConsoleCaller {
  if (!caller) throw argsError('token is of no session: only pages of the console ask for theirs');
  return caller;
}

const NOT_FOR_ALL = 'only administrators of api.console.clusterTenant create logins for all tenants';

/** Logins and sessions of the console. */
export const consoleRoutes: readonly AdminRoute[] = [
  adminRoute(createConsoleLogin, 'auth.createConsoleLogin', async (call, { body }) => {
    const { name, role, lifeMs, allTenants } = body;
    if (allTenants && !call.browser.mayInviteForAll) throw new ImError(ERR.NoPermissionError, NOT_FOR_ALL);
    const grant = make('auth.ConsoleGrant', { tenant: allTenants ? ALL_TENANTS : call.tenant.id, role });
    const request = make('auth.CreateConsoleLoginReq', { name, grants: [grant], lifeMs });
    const { token, expireTime } = await call.rpc.client('auth').createConsoleLogin(call.ctx, request);
    return { token, expireTime };
  }),
  adminRoute(openConsoleSession, 'auth.createConsoleSession', async (call, { body: { token } }) => {
    if (!call.browser.ownPage)
      throw new ImError(ERR.NoPermissionError, 'the request comes from another origin than the console');
    const client = call.rpc.client('auth');
    const request = make('auth.CreateConsoleSessionReq', { token, address: call.address });
    const { key, session } = await client.createConsoleSession(call.ctx, request);
    const opened = sessionOf(session ?? make('auth.ConsoleSession'));
    const { key: former } = call.browser;
    if (former !== undefined)
      await client.removeConsoleSession(call.ctx, make('auth.RemoveConsoleSessionReq', { key: former }));
    call.browser.setCookie(sessionCookie(key, opened.expireTime - Date.now()));
    return { session: opened };
  }),
  adminRoute(getOwnSession, 'auth.useConsoleSession', async (call) => {
    const { console: caller, browser } = call;
    if (!caller) return { tenants: [], version: '' };
    const { session } = caller;
    return { session, tenants: browser.tenantsOf(session), version: productVersion() };
  }),
  adminRoute(endOwnSession, 'auth.removeConsoleSession', async (call) => {
    const { key } = callerOf(call);
    await call.rpc
      .client('auth')
      .removeConsoleSession(call.ctx, make('auth.RemoveConsoleSessionReq', { key }));
    call.browser.setCookie(sessionCookie('', 0));
    return {};
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
