import { checkTenants, DEFAULT_ADMIN_USER, NOTIFICATION_TYPES } from '@im/contract';
import type { Stored } from '@im/kube';
import type {
  OpenIMTenantHealthReport,
  OpenIMTenantNotification,
  OpenIMTenantPush,
  OpenIMTenantSpec,
  OpenIMTenantTokenPolicy,
  OpenIMTenantVerification,
  OpenIMTenantWebhooks,
} from '../../gen/openimtenant.ts';
import {
  bytesInConfig,
  resolved,
  TENANTS_DIR,
  type TenantEntry,
  tenantKeys,
} from '../../resources/config.ts';
import type { OpenIMTenant } from '../../resources/kinds.ts';
import { settingValue } from '../../resources/renamed-fields.ts';
import { settingsOfSection } from '../../resources/secret-references.ts';
import { knownTenantSpec } from '../../resources/settings-level.ts';
import type { Refusal } from '../cluster/observation/observation.ts';
import { resolveSection, type SecretLookup, type Section } from './credentials.ts';
import { tenantIdOf } from './identity.ts';
import type { EntryInForce, SectionsInForce } from './settings-in-force.ts';

/** Where the credentials of tenants come from. */
export interface TenantSources {
  readonly lookup: SecretLookup;
  /** What stays while the credentials of a section are missing. */
  readonly inForce: SectionsInForce;
}

const NO_SOURCES: TenantSources = { lookup: () => undefined, inForce: () => undefined };

/** A tenant looked at by itself. */
export interface JudgedTenant extends TenantSize {
  readonly entry: TenantEntry;
  /** What the services would reject in it, with the remedy; undefined when it is valid. */
  readonly fault: string | undefined;
  /** Sections that may have credentials, by path; undefined for one that is left out. */
  readonly sections: ReadonlyMap<string, Section | undefined>;
  /** Credentials that the entry refers to, by key of the Secret of tenants. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Why a section is not applied; all others are. */
  readonly broken: Refusal | undefined;
}

/** Bytes that the generated keys of a tenant take. */
const GENERATED_BYTES = 100;
/** What a change of keys adds to that, and to the config. */
const ROTATION_BYTES = { secret: 500, config: 300 };

/**
 * The config entry of one tenant for services of a settings level. A section without its credentials stays as it was in
 * force; one that never was is left out.
 */
export function judgeTenant(
  tenant: Stored<OpenIMTenant>,
  level: number,
  { lookup, inForce }: TenantSources = NO_SOURCES,
): JudgedTenant {
  const id = tenantIdOf(tenant);
  const { spec } = knownTenantSpec(tenant.spec, level);
  const sections = new Map<string, Section | undefined>();
  let broken: Refusal | undefined;
  const resolve = (path: string, section: object): Section['settings'] | undefined => {
    const found = resolveSection(id, path, section, lookup);
    const used = 'refusal' in found ? inForce(id, path) : found;
    sections.set(path, used);
    if ('refusal' in found) {
      const { reason, message } = found.refusal;
      const meanwhile = used ? 'stays as it was' : 'is left out';
      broken ??= {
        reason,
        message: `${message}. Until then spec.${path} ${meanwhile}; all other settings apply`,
      };
    }
    return used?.settings;
  };
  const entry = entryOf(id, spec, resolve);
  const secrets: JudgedTenant['secrets'] = Object.assign(
    {},
    ...[...sections.values()].map((section) => section?.secrets),
  );
  return {
    entry,
    fault: referenceFault(spec) ?? repeatedNotification(spec) ?? faultIn(entry, secrets),
    ...sizeOf({ entry, secrets }, spec),
    sections,
    secrets,
    broken,
  };
}

/** The size of a tenant in the objects of its cluster. */
export interface TenantSize {
  /** Of its entry in the config. */
  readonly bytes: number;
  /** Of its keys and credentials in the Secret of tenants. */
  readonly secretBytes: number;
}

/** @param spec says whether keys are changed. */
export function sizeOf(
  { entry, secrets }: EntryInForce,
  { keys }: Pick<OpenIMTenantSpec, 'keys'>,
): TenantSize {
  const sizes = Object.entries({ ...tenantKeys(entry.id), ...secrets }).map(([key, value]) =>
    Buffer.byteLength(key + value),
  );
  return {
    bytes: bytesInConfig(entry) + (keys ? ROTATION_BYTES.config : 0),
    secretBytes:
      GENERATED_BYTES + (keys ? ROTATION_BYTES.secret : 0) + sizes.reduce((sum, size) => sum + size, 0),
  };
}

/** What texts of a spec would refer to in the config, with the remedy. */
function referenceFault(spec: OpenIMTenantSpec): string | undefined {
  const { webhooks, ...rest } = settingsOfSection(spec, () => '');
  const events = webhooks && webhooksOf(webhooks);
  const reference = referenceIn({ ...rest, webhooks: events }, '');
  return reference === undefined
    ? undefined
    : `${reference}: contains "\${", which in the config refers to files and variables of the processes; remove it`;
}

/** What the services would reject in an entry, with the remedy; undefined when it is valid. */
function faultIn(entry: TenantEntry, secrets: JudgedTenant['secrets']): string | undefined {
  const complete = resolved(
    entry,
    (file) => secrets[file.slice(TENANTS_DIR.length + 1)] ?? '',
  ) as TenantEntry;
  const { invalid } = checkTenants([{ ...complete, tokenSecret: 'set', adminSecret: 'set' }]);
  const faults = invalid.flatMap((each) => each.faults);
  if (faults.length === 0) return undefined;
  const fieldOf = (field: string) => SPEC_FIELDS[field] ?? field;
  return `${faults.map(({ field, reason }) => `spec.${fieldOf(field)}: ${reason}`).join('; ')}; correct it`;
}

/** Fields of the spec with other names than the settings. */
const SPEC_FIELDS: Readonly<Record<string, string>> = {
  tokenExpireDays: 'tokenPolicy.expireDays',
  tokensNotBefore: 'tokenPolicy.notBefore',
  'multiLogin.policy': 'tokenPolicy.multiLogin',
  'multiLogin.maxNumOneEnd': 'tokenPolicy.maxTokensPerPlatform',
};

/** The path of a text that the config would resolve as a reference. */
function referenceIn(value: unknown, path: string): string | undefined {
  if (typeof value === 'string') return value.includes('${') ? `spec.${path}` : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, child] of Object.entries(value)) {
    const found = referenceIn(child, path === '' ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Replaces the references of a section; undefined leaves the section out. */
type ResolveSection = (path: string, section: object) => Section['settings'] | undefined;

function entryOf(id: string, spec: OpenIMTenantSpec, resolve: ResolveSection): TenantEntry {
  const { hosts, adminUserIDs, placement, tokenPolicy, friendVerify, suspended, quotas } = spec;
  const { adminNicknames, searchByAdminsOnly, enableHistoryForNewMembers, userLimits, notifications } = spec;
  const webhooks = spec.webhooks && resolve('webhooks', webhooksOf(spec.webhooks));
  const push = spec.push && pushOf(spec.push, resolve);
  // A reference stands for the password, all else is as in the spec.
  const mail = spec.mail && (resolve('mail', spec.mail) as TenantEntry['mail']);
  const verification = spec.verification && verificationOf(spec.verification, resolve);
  const healthReport = spec.healthReport && healthReportOf(spec.healthReport);
  const { statistics } = spec;
  const multiLogin = multiLoginOf(tokenPolicy);
  return {
    id,
    adminUserIDs: [...(adminUserIDs ?? [DEFAULT_ADMIN_USER])],
    ...(hosts === undefined ? {} : { hosts: [...hosts] }),
    ...(adminNicknames === undefined ? {} : { adminNicknames: [...adminNicknames] }),
    ...(placement === undefined ? {} : { placement }),
    ...(tokenPolicy?.expireDays === undefined ? {} : { tokenExpireDays: tokenPolicy.expireDays }),
    ...(tokenPolicy?.notBefore === undefined ? {} : { tokensNotBefore: tokenPolicy.notBefore }),
    ...(multiLogin === undefined ? {} : { multiLogin }),
    ...(friendVerify === undefined ? {} : { friendVerify }),
    ...(searchByAdminsOnly === undefined ? {} : { searchByAdminsOnly }),
    ...(enableHistoryForNewMembers === undefined ? {} : { enableHistoryForNewMembers }),
    ...(suspended === undefined ? {} : { suspended }),
    ...(quotas === undefined ? {} : { quotas: { ...quotas } }),
    ...(userLimits === undefined ? {} : { userLimits: { ...userLimits } }),
    ...(webhooks === undefined ? {} : { webhooks }),
    ...(push === undefined ? {} : { push }),
    ...(mail === undefined ? {} : { mail }),
    ...(healthReport === undefined ? {} : { healthReport }),
    ...(statistics === undefined ? {} : { statistics: { ...statistics } }),
    ...(verification === undefined ? {} : { verification }),
    ...(notifications === undefined ? {} : { notifications: notificationsOf(notifications) }),
  };
}

type LoginPolicy = NonNullable<NonNullable<TenantEntry['multiLogin']>['policy']>;

function multiLoginOf(policy: OpenIMTenantTokenPolicy = {}): TenantEntry['multiLogin'] {
  const { multiLogin, maxTokensPerPlatform } = policy;
  if (multiLogin === undefined && maxTokensPerPlatform === undefined) return undefined;
  return {
    ...(multiLogin === undefined
      ? {}
      : { policy: Number(settingValue('multiLogin', multiLogin)) as LoginPolicy }),
    ...(maxTokensPerPlatform === undefined ? {} : { maxNumOneEnd: maxTokensPerPlatform }),
  };
}

/** A list of overrides as the services' map by content type, which every version of them knows. */
function notificationsOf(list: readonly OpenIMTenantNotification[]): TenantEntry['notifications'] {
  return Object.fromEntries(
    list.map(({ name, contentType, ...override }) => [
      String(contentTypeOf({ name, contentType })),
      override,
    ]),
  );
}

function contentTypeOf({ name, contentType }: Pick<OpenIMTenantNotification, 'name' | 'contentType'>) {
  return name === undefined ? contentType : NOTIFICATION_TYPES[name];
}

/** A notification that is listed twice, by its name or number, with the remedy. */
function repeatedNotification({ notifications = [] }: OpenIMTenantSpec): string | undefined {
  const seen = new Set<number | undefined>();
  for (const [i, { name, contentType }] of notifications.entries()) {
    const type = contentTypeOf({ name, contentType });
    if (seen.has(type))
      return `spec.notifications.${i}: ${name ?? type} is in the list before; remove one of the two`;
    seen.add(type);
  }
  return undefined;
}

/** A list of events as the services' map by name; what is listed is called unless it says otherwise. */
function webhooksOf({ events = [], ...section }: OpenIMTenantWebhooks): object {
  const list = events.map(({ name, enable = true, ...rest }) => [name, { enable, ...rest }]);
  return { ...section, events: Object.fromEntries(list) };
}

/** Each provider is a section for itself: one without its credentials takes none of the others along. */
function pushOf(
  { providers = {}, ...section }: OpenIMTenantPush,
  resolve: ResolveSection,
): TenantEntry['push'] {
  const list = Object.entries(providers).flatMap(([name, provider]) => {
    const settings = resolve(`push.providers.${name}`, provider);
    return settings === undefined ? [] : [[name, settings] as const];
  });
  return { ...ownSettings(section), providers: Object.fromEntries(list) };
}

/** The settings of a section that refers to no Secret. */
function ownSettings(section: object): Readonly<Record<string, unknown>> {
  return settingsOfSection(section, () => '');
}

function healthReportOf({ to, ...section }: OpenIMTenantHealthReport): TenantEntry['healthReport'] {
  return {
    ...ownSettings(section),
    ...(to === undefined ? {} : { to: [...to] }),
  };
}

/** Each provider of SMS is a section for itself, as those of push are. */
function verificationOf(
  { sms, ...section }: OpenIMTenantVerification,
  resolve: ResolveSection,
): TenantEntry['verification'] {
  const own = ownSettings(section);
  if (sms === undefined) return own as TenantEntry['verification'];
  const { aliyun, tencent, ...rest } = sms;
  const list = Object.entries({ aliyun, tencent }).flatMap(([name, provider]) => {
    const settings = provider && resolve(`verification.sms.${name}`, provider);
    return settings === undefined ? [] : [[name, settings] as const];
  });
  return { ...own, sms: { ...rest, ...Object.fromEntries(list) } } as TenantEntry['verification'];
}
