import type { OpenIMTenantQuotas, OpenIMTenantSpec } from '../../gen/openimtenant.ts';
import type { OpenIMTenantClassSpec } from '../../gen/openimtenantclass.ts';
import type { TenantEntry } from '../../resources/config.ts';

/** A tenant's settings in its class. */
export interface Classified {
  /** With the defaults of the class, and with its ceilings in place of what is above them. */
  readonly spec: OpenIMTenantSpec;
  /** What is above a ceiling or not allowed, as `field: reason`. */
  readonly faults: readonly string[];
  /** The part of `faults` that a ceiling can replace. */
  readonly clamped: readonly string[];
}

/** Of some quotas the services have defaults, which count as asked for. */
const SERVICE_DEFAULTS: Readonly<OpenIMTenantQuotas> = { groupSize: 100_000 };
/** Lifetime of tokens in days, as the services have it by default. */
const TOKEN_DAYS = 90;

const QUOTAS = [
  'users',
  'connections',
  'handshakesPerSecond',
  'messagesPerSecond',
  'requestsPerSecond',
  'groupSize',
  'groupsPerUser',
  'storageBytes',
  'objectBytes',
  'retentionDays',
] as const satisfies readonly (keyof OpenIMTenantQuotas)[];

/** Sections that a class may forbid, by the field of its `allowed`. */
const SECTIONS = ['webhooks', 'push', 'mail', 'verification', 'healthReport', 'userLimits'] as const;

/** The settings of a tenant in a class. @param name of the class, for messages. */
export function classified(spec: OpenIMTenantSpec, name: string, limits: OpenIMTenantClassSpec): Classified {
  const { ceilings = {}, defaults = {} } = limits;
  const clamped: string[] = [];
  const above = (field: string, value: number | 'no limit', ceiling: number) =>
    clamped.push(
      `spec.${field}: ${value} is above the ceiling ${ceiling} of class ${name}; lower it, or ask for a higher class`,
    );
  const quotas: Record<string, number> = { ...spec.quotas };
  for (const quota of QUOTAS) {
    const ceiling = ceilings.quotas?.[quota];
    const asked = spec.quotas?.[quota];
    const preset = defaults.quotas?.[quota];
    const value =
      asked ?? preset ?? (ceiling === undefined ? undefined : (SERVICE_DEFAULTS[quota] ?? ceiling));
    if (value === undefined) continue;
    const isAbove = ceiling !== undefined && (value === 0 || value > ceiling);
    if (isAbove && asked !== undefined) above(`quotas.${quota}`, asked === 0 ? 'no limit' : asked, ceiling);
    quotas[quota] = isAbove ? ceiling : value;
  }
  const { tokenExpireDays: most } = ceilings;
  const askedDays = spec.tokenPolicy?.expireDays;
  const days = askedDays ?? defaults.tokenExpireDays ?? (most === undefined ? undefined : TOKEN_DAYS);
  if (most !== undefined && askedDays !== undefined && askedDays > most)
    above('tokenPolicy.expireDays', askedDays, most);
  const expireDays = days === undefined || most === undefined ? days : Math.min(days, most);
  const { deletionPolicy = defaults.deletionPolicy, purgeAfterHours = defaults.purgeAfterHours } = spec;
  return {
    spec: {
      ...spec,
      ...(Object.keys(quotas).length > 0 ? { quotas } : {}),
      ...(expireDays === undefined ? {} : { tokenPolicy: { ...spec.tokenPolicy, expireDays } }),
      ...(deletionPolicy === undefined ? {} : { deletionPolicy }),
      ...(purgeAfterHours === undefined ? {} : { purgeAfterHours }),
    },
    faults: [...clamped, ...forbiddenIn({ ...spec, deletionPolicy }, name, limits)],
    clamped,
  };
}

/** An entry that stays in force although its change is refused, with the ceilings in place of what is above them. */
export function clampedEntry(entry: TenantEntry, { ceilings = {} }: OpenIMTenantClassSpec): TenantEntry {
  const quotas: Record<string, number | undefined> = { ...entry.quotas };
  for (const quota of QUOTAS) {
    const ceiling = ceilings.quotas?.[quota];
    if (ceiling === undefined) continue;
    const value = quotas[quota] ?? SERVICE_DEFAULTS[quota] ?? 0;
    quotas[quota] = value === 0 ? ceiling : Math.min(value, ceiling);
  }
  const { tokenExpireDays: most } = ceilings;
  return {
    ...entry,
    ...(Object.keys(quotas).length > 0 ? { quotas: quotas as TenantEntry['quotas'] } : {}),
    ...(most === undefined ? {} : { tokenExpireDays: Math.min(entry.tokenExpireDays ?? TOKEN_DAYS, most) }),
  } as TenantEntry;
}

function forbiddenIn(
  spec: OpenIMTenantSpec,
  name: string,
  { allowed = {} }: OpenIMTenantClassSpec,
): string[] {
  const faults: string[] = [];
  const refuse = (field: string, what: string) =>
    faults.push(
      `spec.${field}: ${what} is not allowed by class ${name}; remove it, or ask for another class`,
    );
  for (const section of SECTIONS)
    if (allowed[section] === false && spec[section] !== undefined) refuse(section, section);
  if (allowed.dedicated === false && spec.placement === 'Dedicated') refuse('placement', 'Dedicated');
  const { deletionPolicy = 'Retain' } = spec;
  if (allowed.deletionPolicies && !allowed.deletionPolicies.includes(deletionPolicy))
    refuse('deletionPolicy', deletionPolicy);
  for (const host of spec.hosts ?? []) {
    const { hosts } = allowed;
    const fits = hosts?.some((each) =>
      each.startsWith('*.') ? host.endsWith(each.slice(1)) : host === each,
    );
    if (fits === false) refuse('hosts', host);
  }
  return faults;
}
