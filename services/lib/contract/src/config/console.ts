import { z } from 'zod';
import { TENANT_ID_PATTERN } from '../tenant.ts';

/** Roles of the console, from the least to the most. */
export const CONSOLE_ROLE_NAMES = ['viewer', 'support', 'moderator', 'admin'] as const;

/** Most identity providers of a console, and rules of one. */
const MOST = { providers: 10, rules: 100, values: 100 };

const claim = () => z.string().min(1).max(256);

/** A rule that gives a role to those whose claim has one of some values. */
const ConsoleRule = z
  .strictObject({
    claim: claim().default('groups').describe('Claim that decides.'),
    values: z
      .array(z.string().min(1).max(1_024))
      .min(1)
      .max(MOST.values)
      .describe('Values of which the claim must have one.'),
    role: z.enum(CONSOLE_ROLE_NAMES).describe('The role that it gives.'),
    tenants: z
      .array(
        z.union([z.literal('*'), z.string().regex(TENANT_ID_PATTERN, 'must be the id of a tenant, or *')]),
      )
      .max(MOST.values)
      .default([])
      .describe('Tenants in which it gives the role; * stands for all.'),
    tenantsClaim: claim()
      .optional()
      .describe('Claim that lists further tenants in which it gives the role; * in it does not count.'),
  })
  .refine(({ tenants, tenantsClaim }) => tenants.length > 0 || tenantsClaim !== undefined, {
    path: ['tenants'],
    message: 'must name a tenant, or tenantsClaim a claim',
  });

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

function isSafeURL(text: string): boolean {
  const url = URL.parse(text);
  if (url?.search !== '' || url.hash !== '' || url.username !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname));
}

const SAFE_URL = 'must be an https URL without query; http at localhost only';

/** An identity provider that speaks OpenID Connect. */
const OidcProvider = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/, 'must be 1 to 32 of a-z, 0-9 and -, no - at the ends')
    .describe('Part of the redirect URI and of names in the audit log.'),
  displayName: z.string().max(64).default('').describe('On the button; empty: the name.'),
  issuer: z
    .string()
    .max(2_048)
    .refine(isSafeURL, SAFE_URL)
    .describe('Issuer, as its discovery document has it.'),
  clientID: z.string().min(1).max(256).describe('The client that is registered there.'),
  clientSecret: z
    .string()
    .max(4_096)
    .default('')
    .meta({ secret: true })
    .describe('Its secret; empty for a public client.'),
  scopes: z
    .array(z.string().min(1).max(128))
    .max(20)
    .default(['openid', 'profile'])
    .describe('Scopes that are asked for, openid among them.'),
  nameClaim: claim()
    .default('preferred_username')
    .describe('Claim that names people in the audit log; sub where it is missing.'),
  rules: z
    .array(ConsoleRule)
    .min(1)
    .max(MOST.rules)
    .describe('Who gets which role where. Those whom no rule names are refused.'),
});
/** An identity provider of the console. */
export type OidcProvider = z.infer<typeof OidcProvider>;

/** Path of the console where no other is set. */
export const DEFAULT_CONSOLE_PATH = '/console/';
/** First parts of paths that lead to the HTTP API. */
const TAKEN_PATHS = /^\/(?:t|admin|object)\//;

/** Names as Kubernetes has them. */
const KUBERNETES_NAME = /^(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)?$/;
const NAME_MESSAGE = 'must be a name of Kubernetes: up to 63 of a-z, 0-9 and -, no - at the ends';

/** Section `api.console.resource` of the config. */
const ConsoleResource = z
  .strictObject({
    namespace: z
      .string()
      .regex(KUBERNETES_NAME, NAME_MESSAGE)
      .default('')
      .describe('Namespace of the OpenIMCluster; empty where the service does not run on Kubernetes.'),
    name: z.string().regex(KUBERNETES_NAME, NAME_MESSAGE).default('').describe('Name of the OpenIMCluster.'),
    server: z
      .string()
      .max(2_048)
      .refine(
        (text) => text === '' || /^https:\/\/[^/?#@]+\/?$/.test(text),
        'must be an https URL without a path',
      )
      .default('')
      .describe(
        'URL of the API server. Empty: that of the environment of pods (KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT).',
      ),
    caFile: z
      .string()
      .max(4_096)
      .default('')
      .describe(
        'File with the CA certificates (PEM) that the API server is verified with, instead of those of the system. It is read again when it changes.',
      ),
  })
  .refine(({ namespace, name }) => (namespace === '') === (name === ''), {
    path: ['name'],
    message: 'must be set together with namespace',
  })
  .prefault({})
  .describe(
    'The OpenIMCluster that the console reads with a token of the person who looks at it. The operator sets it in the environment of pods.',
  );
/** Section `api.console.resource` of the config. */
export type ConsoleResource = z.infer<typeof ConsoleResource>;

/** Section `api.console` of the config. */
export const ConsoleConfig = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether the web console is served.'),
    path: z
      .string()
      .max(128)
      .regex(
        /^\/(?:[A-Za-z0-9](?:[-.A-Za-z0-9]*[A-Za-z0-9])?\/)+$/,
        'must begin and end with /, with parts of a-z, A-Z, 0-9, . and -',
      )
      .refine(
        (path) => !TAKEN_PATHS.test(path),
        'must not begin with /t/, /admin/ or /object/, which lead to the HTTP API',
      )
      .default(DEFAULT_CONSOLE_PATH)
      .describe(
        'Path at which it is served, such as /ops/console/; all that browsers need of the server is below it. Consoles of one host need different paths.',
      ),
    ownProcesses: z
      .boolean()
      .default(false)
      .describe(
        'Whether processes of the role console serve it; those of the role api then serve neither the page nor sessions.',
      ),
    clusterTenant: z
      .string()
      .max(63)
      .default('')
      .describe('Tenant whose administrators may create logins of the console for all tenants; empty: none.'),
    publicURL: z
      .string()
      .max(2_048)
      .refine((text) => text === '' || isSafeURL(text), SAFE_URL)
      .default('')
      .describe(
        'Address below which browsers have the path of the console, usually that of the HTTP API; with /t/<tenant> where there is no tenant default. Logins by OpenID Connect lead back to it.',
      ),
    adminSecretLogin: z
      .boolean()
      .default(false)
      .describe('Whether the admin secret of a tenant logs in as its administrator, by a form.'),
    oidc: z
      .array(OidcProvider)
      .max(MOST.providers)
      .default([])
      .describe(
        'Identity providers by which people log in, each with name, issuer, clientID, clientSecret, scopes, nameClaim and rules.',
      ),
    resource: ConsoleResource,
  })
  .refine(({ oidc }) => new Set(oidc.map(({ name }) => name)).size === oidc.length, {
    path: ['oidc'],
    message: 'must not have two providers of one name',
  })
  .refine(({ oidc, publicURL }) => oidc.length === 0 || publicURL !== '', {
    path: ['publicURL'],
    message: 'must be set where oidc is, as it is part of the redirect URI',
  })
  .refine(({ oidc }) => oidc.every(({ scopes }) => scopes.includes('openid')), {
    path: ['oidc'],
    message: 'must ask for the scope openid',
  })
  .prefault({})
  .describe('The web console.');
