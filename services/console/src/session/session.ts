import {
  AdminApiError,
  type Answer,
  type ConsoleRole,
  type ConsoleSession,
  includesRole,
  type Operation,
} from '@im/admin-api';
import { createContext, useContext } from 'react';
import { useTenant } from '../api/client.ts';
import type { getOwnSession } from '../gen/operations.ts';

/** Who is logged in, and the tenants that they may see. */
export interface OwnSession extends Answer<typeof getOwnSession> {
  readonly session: ConsoleSession;
}

/** The session; pages are shown only when there is one. */
export const SessionContext = createContext<OwnSession | undefined>(undefined);

/** The session that shows the page. */
export function useSession(): OwnSession {
  const session = useContext(SessionContext);
  if (!session) throw new TypeError('there is no session');
  return session;
}

/** The role of a session in a tenant. */
export function roleIn({ grants }: ConsoleSession, tenant: string): ConsoleRole | undefined {
  return grants
    .filter((grant) => grant.tenant === tenant || grant.tenant === '*')
    .map(({ role }) => role)
    .reduce<ConsoleRole | undefined>(
      (best, role) => (best !== undefined && includesRole(best, role) ? best : role),
      undefined,
    );
}

/** Whether the session may call an operation in the tenant that the page shows. */
export function useMay(): (operation: Operation) => boolean {
  const { session, cluster } = useSession();
  const role = roleIn(session, useTenant());
  return ({ console: access }) => {
    const least = access?.role ?? 'admin';
    if (least === 'never' || (access?.cluster && !cluster)) return false;
    return least === 'session' || (role !== undefined && includesRole(role, least));
  };
}

/** Whether an error says that there is no session (any more). */
export function isLoggedOut(error: unknown): boolean {
  return error instanceof AdminApiError && error.status === 401;
}
