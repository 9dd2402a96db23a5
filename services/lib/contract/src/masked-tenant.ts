import { secretPaths } from './config-fields.ts';
import { TenantSettings } from './tenant-settings.ts';

const MASK = '***';
/** Credentials in a URL: of the user, and in its query. */
const URL_USER = /^([a-z][a-z0-9+.-]*:\/\/)[^@/?#]*@/i;
const URL_QUERY = /^([a-z][a-z0-9+.-]*:\/\/[^?#]*)\?.*$/i;

let known: ReadonlySet<string> | undefined;

/** Reading the schema takes some ms: only those who mask anything do. */
function secrets(): ReadonlySet<string> {
  known ??= secretPaths(TenantSettings);
  return known;
}

function masked(value: unknown, path: string): unknown {
  if (secrets().has(path)) return value === undefined || value === '' ? value : MASK;
  if (typeof value === 'string')
    return value.replace(URL_USER, `$1${MASK}@`).replace(URL_QUERY, `$1?${MASK}`);
  if (Array.isArray(value)) return value.map((entry) => masked(entry, path));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [
      name,
      masked(child, path === '' ? name : `${path}.${name}`),
    ]),
  );
}

/** The settings of a tenant for those who may not have its secrets: each is `***`, and so are credentials in URLs. */
export function maskedTenant(settings: TenantSettings): Readonly<Record<string, unknown>> {
  return { ...Object(masked(settings, '')) };
}
