import { type ConsoleRole, type ConsoleSession, includesRole, type Operation } from '@im/admin-api';
import { ERR, ImError } from '@im/protocol';

/** A session of the console that sends a request. */
export interface ConsoleCaller {
  /** Proves the session. */
  readonly key: string;
  readonly session: ConsoleSession;
}

/** Stands for all tenants in a grant. */
export const EVERY_TENANT = '*';

/** Name of a console's user in the audit log. */
export function auditNameOf({ session }: ConsoleCaller): string {
  return `console:${session.name}`;
}

/** The role of a session in a tenant; undefined when it has none. */
export function roleIn({ grants }: ConsoleSession, tenant: string): ConsoleRole | undefined {
  const roles = grants
    .filter((grant) => grant.tenant === tenant || grant.tenant === EVERY_TENANT)
    .map(({ role }) => role);
  return roles.reduce<ConsoleRole | undefined>(
    (best, role) => (best !== undefined && includesRole(best, role) ? best : role),
    undefined,
  );
}

/** @throws ImError 1002 when the session's role in the tenant is not enough. */
export function requireRole(caller: ConsoleCaller, tenant: string, { console: access }: Operation): void {
  const least = access?.role ?? 'admin';
  if (least === 'session') return;
  if (least === 'never')
    throw new ImError(
      ERR.NoPermissionError,
      'its answer is for no browser: use openimctl, or a token of an administrator',
    );
  const role = roleIn(caller.session, tenant);
  if (role === undefined || !includesRole(role, least))
    throw new ImError(ERR.NoPermissionError, `this needs the role ${least} in tenant ${tenant}`);
}
