import { ALL_TENANTS } from '@im/admin-api';
import type { TenantDirectory } from '@im/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { noTokenCookie, tokenCookie, tokenOf } from '../console/kubernetes/token-cookie.ts';
import { consoleKey, isOfOwnPage, sessionCookie } from '../console-session.ts';
import type { Entrance } from '../entrance.ts';
import type { ApiCall } from '../route.ts';
import { tooManyAttempts } from '../token-gate.ts';
import type { BrowserRequest } from './admin-route.ts';
import { roleIn } from './console-caller.ts';

/** Most tenants in one answer. */
const MOST_TENANTS = 1_000;

/** What {@link browserRequest} knows of the process. */
export interface BrowserRequestDeps {
  readonly tenants: Pick<TenantDirectory, 'list'>;
  /** Setting `api.console.clusterTenant`. */
  readonly clusterTenant: string;
  /** Setting `api.console.path`. */
  readonly consolePath: string;
  readonly entrance: Pick<Entrance, 'allowsLogin' | 'countFailedLink'>;
}

/** The request as the operations of sessions see it. */
export function browserRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  { console: caller, tenant }: Pick<ApiCall, 'console' | 'tenant'>,
  { tenants, clusterTenant, consolePath, entrance }: BrowserRequestDeps,
): BrowserRequest {
  const forAll = caller
    ? caller.session.grants.some((grant) => grant.tenant === ALL_TENANTS && grant.role === 'admin')
    : tenant.id === clusterTenant;
  const isOpen = (id: string) => (caller ? roleIn(caller.session, id) !== undefined : forAll);
  return {
    ownPage: isOfOwnPage(request),
    key: consoleKey(request, consolePath),
    mayInviteForAll: forAll,
    mayOperate: () =>
      forAll ||
      caller?.session.grants.some((grant) => grant.tenant === ALL_TENANTS) ||
      tenants.list().every(({ id }) => id === tenant.id),
    tenantsOf: (session) =>
      tenants
        .list()
        .map(({ id }): string => id)
        .filter((id) => roleIn(session, id) !== undefined)
        .sort()
        .slice(0, MOST_TENANTS),
    tenants: () =>
      tenants
        .list()
        .filter(({ id }) => isOpen(id) || (!caller && id === tenant.id))
        .sort((a, b) => (a.id < b.id ? -1 : 1)),
    setSession: (key, lifeMs) =>
      reply.header('set-cookie', [sessionCookie(key, lifeMs, consolePath), noTokenCookie(consolePath)]),
    clusterToken: () => caller && tokenOf(request, caller, consolePath),
    keepClusterToken(token) {
      if (!caller) throw new TypeError('there is no session');
      reply.header('set-cookie', tokenCookie(token, caller, consolePath));
    },
    forgetClusterToken: () => reply.header('set-cookie', noTokenCookie(consolePath)),
    requireAttempt() {
      if (!entrance.allowsLogin(request)) throw tooManyAttempts('logins');
    },
    countFailedAttempt: () => entrance.countFailedLink(request),
  };
}
