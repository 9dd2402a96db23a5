import { z } from 'zod';

/** Name of the file in `tenantsDir` that lists the others. */
export const TENANT_INDEX = 'index.json';

const revision = z.int().min(1);

/**
 * The index of `tenantsDir`. A reader compares the versions that it lists with those in the files: mounted files are
 * refreshed at different times.
 */
export const TenantIndex = z.strictObject({
  /** Version of the list as a whole. */
  revision,
  /** The version of each file, by name. */
  files: z.record(z.string().regex(/^[a-z0-9][-a-z0-9]*\.json$/), revision),
});
export type TenantIndex = z.infer<typeof TenantIndex>;

/** Another file of `tenantsDir`: some of the entries of `tenants`. */
export const TenantFile = z.strictObject({
  /** Version of the list with which this file has changed last. */
  revision,
  tenants: z.array(z.unknown()),
});
export type TenantFile = z.infer<typeof TenantFile>;
