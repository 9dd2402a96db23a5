/** Roles of the console, each with the rights of those before it. */
export const CONSOLE_ROLES = ['viewer', 'support', 'moderator', 'admin'] as const;

/**
 * A role of the console: `viewer` reads all but message texts, `support` also logs users out and bans them, `moderator`
 * also reads and revokes messages and dismisses groups, `admin` does everything.
 */
export type ConsoleRole = (typeof CONSOLE_ROLES)[number];

/** Whether a role has the rights of another one. */
export function includesRole(role: ConsoleRole, least: ConsoleRole): boolean {
  return CONSOLE_ROLES.indexOf(role) >= CONSOLE_ROLES.indexOf(least);
}

/** Tenant of a grant for all tenants. */
export const ALL_TENANTS = '*';

/** Header that requests of the console carry; pages of other origins cannot send it. */
export const CONSOLE_HEADER = 'x-openim-console';

/** Cookie that proves a session. */
export const CONSOLE_COOKIE = '__Host-im_console';

/** Cookie with a token for Kubernetes, sealed with the key of the session. */
export const KUBERNETES_COOKIE = '__Host-im_console_kubernetes';
