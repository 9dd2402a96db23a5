/** Roles of tokens of backends. */
export const BACKEND_ROLES = ['issue', 'read', 'full'] as const;
/** `issue` issues tokens of users, `read` reads, `full` does all that an administrator may do but to issue such tokens. */
export type BackendRole = (typeof BACKEND_ROLES)[number];

/**
 * What a route is for: `open` needs no token; `read` changes nothing; `issue` gives tokens to users; `write` is all else;
 * `grant` gives and takes rights, and is for administrators with the admin secret alone.
 */
export type RouteAccess = 'open' | 'read' | 'issue' | 'write' | 'grant';

const MAY: Readonly<Record<BackendRole, readonly RouteAccess[]>> = {
  issue: ['open', 'issue'],
  read: ['open', 'read'],
  full: ['open', 'read', 'issue', 'write'],
};

/** Whether a token with this role may be used on such a route; one without a role may. Unknown roles may nothing. */
export function roleMay(role: string | null | undefined, access: RouteAccess): boolean {
  if (role === undefined || role === null || role === '') return true;
  return BACKEND_ROLES.some((known) => known === role && MAY[known].includes(access));
}
