import { ALL_TENANTS } from '@im/admin-api';
import type { TenantDirectory } from '@im/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { consoleKey, isOfOwnPage } from '../console-session.ts';
import type { ApiCall } from '../route.ts';
import type { BrowserRequest } from './admin-route.ts';
import { roleIn } from './console-caller.ts';

/** Most tenants in one answer. */
const MOST_TENANTS = 1_000;

/** What {@link browserRequest} knows of the process. */
export interface BrowserRequestDeps {
  readonly tenants: Pick<TenantDirectory, 'list'>;
  /** Setting `api.console.clusterTenant`. */
  readonly clusterTenant: string;
}

/** The request as the operations of sessions see it. */
export function browserRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  { console: caller, tenant }: Pick<ApiCall, 'console' | 'tenant'>,
  { tenants, clusterTenant }: BrowserRequestDeps,
): BrowserRequest {
  return {
    ownPage: isOfOwnPage(request),
    key: consoleKey(request),
    mayInviteForAll: caller
      ? caller.session.grants.some((grant) => grant.tenant === ALL_TENANTS && grant.role === 'admin')
      : tenant.id === clusterTenant,
    tenantsOf: (session) =>
      tenants
        .list()
        .map(({ id }): string => id)
        .filter((id) => roleIn(session, id) !== undefined)
        .sort()
        .slice(0, MOST_TENANTS),
    setCookie: (cookie) => reply.header('set-cookie', cookie),
  };
}
