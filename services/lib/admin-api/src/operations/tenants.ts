import { z } from 'zod';
import { nextCursor, page, time } from '../fields.ts';
import { operation } from '../operation.ts';

/** A tenant of a list. */
export const TenantEntry = z
  .object({
    tenantID: z.string(),
    hosts: z.array(z.string()).meta({ description: 'Host names that lead to it, besides the path.' }),
    suspended: z.boolean().meta({ description: 'All its requests are refused.' }),
  })
  .meta({ id: 'TenantEntry' });
/** A tenant of a list. */
export type TenantEntry = z.output<typeof TenantEntry>;

/** A key of a tenant, without the key itself. */
export const TenantKey = z
  .object({
    keyID: z.string().meta({ description: 'Names the key, as `openimctl key list` does.' }),
    kind: z.enum(['tokens', 'administrators']).meta({
      description: '`tokens`: signs tokens of users; `administrators`: admin tokens are issued against it.',
    }),
    current: z.boolean().meta({ description: 'New tokens are signed with it; false: it only passes.' }),
    untilTime: time.meta({ description: 'Until when it passes, ms; 0 for no end.' }),
  })
  .meta({ id: 'TenantKey' });
/** A key of a tenant, without the key itself. */
export type TenantKey = z.output<typeof TenantKey>;

/** Tenants that the caller has rights in. */
export const listTenants = operation({
  id: 'listTenants',
  method: 'GET',
  path: '/tenants',
  access: 'read',
  tag: 'tenants',
  summary: 'List the tenants that the caller has rights in, by id.',
  description:
    'Administrators see their tenant, those of `api.console.clusterTenant` all; sessions of the console those that they have a role in.',
  query: z.strictObject({
    ...page(),
    prefix: z.string().max(63).optional().meta({ description: 'Ids that begin with this.' }),
  }),
  answer: z.object({ tenants: z.array(TenantEntry), nextCursor }),
  perSecond: 20,
  console: { role: 'session' },
});

/** The settings in force. */
export const getTenant = operation({
  id: 'getTenant',
  method: 'GET',
  path: '/tenant',
  access: 'read',
  tag: 'tenants',
  summary: 'Get the settings of the tenant that are in force, secrets masked, and its keys by id.',
  answer: z.object({
    tenant: TenantEntry,
    keys: z.array(TenantKey),
    tokensNotBefore: time.meta({ description: 'Tokens that are older have ended, ms; 0 for none.' }),
    settings: z
      .record(z.string(), z.unknown())
      .meta({ description: 'As in the reference of settings; secrets are `***`.' }),
  }),
  perSecond: 10,
});
