import { z } from 'zod';
import { CONSOLE_ROLES } from '../console-roles.ts';
import { id, nextCursor, page, time } from '../fields.ts';
import { operation } from '../operation.ts';

const Role = z.enum(CONSOLE_ROLES);

/** A role in a tenant. */
export const ConsoleGrant = z
  .object({
    tenant: z.string().meta({ description: 'Tenant; `*` for all.' }),
    role: Role,
  })
  .meta({ id: 'ConsoleGrant' });
/** A role in a tenant. */
export type ConsoleGrant = z.output<typeof ConsoleGrant>;

/** A session of the console. */
export const ConsoleSession = z
  .object({
    sessionID: z.string(),
    name: z.string().meta({ description: 'Who uses it; the audit log names `console:<name>`.' }),
    grants: z.array(ConsoleGrant),
    createTime: time,
    expireTime: time.meta({ description: 'ms; it ends earlier after 30 minutes without use.' }),
    seenTime: time,
    address: z.string(),
  })
  .meta({ id: 'ConsoleSession' });
/** A session of the console. */
export type ConsoleSession = z.output<typeof ConsoleSession>;

const MINUTE = 60_000;

const PersonName = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} .@_-]{0,63}$/u, 'must be 1 to 64 letters, digits, spaces or . @ _ -')
  .meta({ description: 'Who will use it; kept in the audit log.' });

/** Makes a login link. */
export const createConsoleLogin = operation({
  id: 'createConsoleLogin',
  method: 'POST',
  path: '/console/logins',
  access: 'grant',
  tag: 'console',
  summary: 'Create a login link of the console, for one use.',
  description: 'The link is `<address>#login=<token>`. `openimctl console login` prints it.',
  body: z.strictObject({
    name: PersonName,
    role: Role,
    lifeMs: z
      .int()
      .min(MINUTE)
      .max(60 * MINUTE)
      .default(10 * MINUTE)
      .meta({ description: 'How long the link can be used, ms.' }),
    allTenants: z
      .boolean()
      .default(false)
      .meta({ description: 'For all tenants; only for administrators of `api.console.clusterTenant`.' }),
  }),
  answer: z.object({
    token: z.string(),
    expireTime: time,
    address: z.string().meta({
      description: 'The console of the tenant; only its path where `api.console.publicURL` is not set.',
    }),
    path: z.string().meta({ description: 'The path at which it is served, such as `/console/`.' }),
  }),
  audit: { act: 'console.invite', kind: 'session' },
  perSecond: 20,
});

/** Logs in. */
export const openConsoleSession = operation({
  id: 'openConsoleSession',
  method: 'POST',
  path: '/console/session',
  access: 'open',
  tag: 'console',
  summary: 'Use a login link: open a session, whose cookie is set.',
  description: 'A session that the browser had is ended.',
  body: z.strictObject({ token: z.string().min(1).max(256) }),
  answer: z.object({ session: ConsoleSession }),
  open: true,
  perSecond: 20,
});

/** Logs in by the admin secret, where that is enabled. */
export const openSecretSession = operation({
  id: 'openSecretSession',
  method: 'POST',
  path: '/console/secret-session',
  access: 'open',
  tag: 'console',
  summary:
    'Log in as an administrator of the tenant by its admin secret, with `api.console.adminSecretLogin`.',
  description: 'The browser keeps the session alone. A session that it had is ended.',
  body: z.strictObject({ name: PersonName, secret: z.string().min(1).max(4_096) }),
  answer: z.object({ session: ConsoleSession }),
  open: true,
  perSecond: 5,
});

/** Who is logged in. */
export const getOwnSession = operation({
  id: 'getOwnSession',
  method: 'GET',
  path: '/console/session',
  access: 'open',
  tag: 'console',
  summary: 'Get the session that asks.',
  answer: z.object({
    session: ConsoleSession.optional().meta({ description: 'Absent when there is none (any more).' }),
    tenants: z.array(z.string()).meta({ description: 'Tenants that it has rights in; 1,000 at most.' }),
    version: z.string().meta({ description: 'Version of the server; empty without a session.' }),
    logins: z
      .object({
        providers: z.array(z.object({ name: z.string(), displayName: z.string(), url: z.string() })),
        secret: z.boolean().meta({ description: 'The admin secret of the tenant logs in, too.' }),
      })
      .meta({ description: 'Ways to log in besides links; none with a session.' }),
    cluster: z.boolean().meta({
      description: 'It may see how the cluster is: it has rights in all tenants, or in the only one.',
    }),
  }),
  open: true,
  console: { role: 'session' },
});

/** Logs out. */
export const endOwnSession = operation({
  id: 'endOwnSession',
  method: 'DELETE',
  path: '/console/session',
  access: 'write',
  tag: 'console',
  summary: 'Log out of the console.',
  answer: z.object({
    logoutURL: z
      .string()
      .meta({ description: 'Where the browser also logs out at the identity provider; empty: nowhere.' }),
  }),
  console: { role: 'session' },
});

/** Sessions of others. */
export const listConsoleSessions = operation({
  id: 'listConsoleSessions',
  method: 'GET',
  path: '/console/sessions',
  access: 'read',
  tag: 'console',
  summary: 'List the sessions of the console that have rights in this tenant, without those for all tenants.',
  query: z.strictObject(page()),
  answer: z.object({ sessions: z.array(ConsoleSession), nextCursor }),
  perSecond: 20,
});

/** Ends a session of another user. */
export const endConsoleSession = operation({
  id: 'endConsoleSession',
  method: 'DELETE',
  path: '/console/sessions/{sessionID}',
  access: 'grant',
  tag: 'console',
  summary: 'End a session of the console.',
  params: z.strictObject({ sessionID: id }),
  answer: z.object({ ended: z.boolean() }),
  audit: { act: 'console.end', kind: 'session', param: 'sessionID' },
});
