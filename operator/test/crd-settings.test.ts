import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configFields, isLiveSetting, SETTINGS_LEVEL, type SettingField, tenantFields } from '@im/contract';
import { CLUSTER_FIELD_LEVELS, TENANT_FIELD_LEVELS } from '../src/resources/settings-level.ts';
import type { StructuralSchema } from './manifests.ts';
import { schemaOf } from './manifests.ts';

/** The field of a custom resource for a setting of the services' config. */
interface Place {
  /** Path below `spec`. */
  readonly field: string;
  /** What the services' value is a multiple of, where units differ. */
  readonly factor?: number;
  /** The resource allows less than the services would take, or says its default in words. */
  readonly tighter?: true;
  readonly defaultInWords?: true;
  /** Read while a process runs, but part of its pod too. */
  readonly restarts?: true;
}

const same = (...paths: string[]): Record<string, Place> =>
  Object.fromEntries(paths.map((path) => [path, { field: path }]));

/** Settings of the config that a person chooses in OpenIMCluster. */
const CLUSTER: Readonly<Record<string, Place>> = {
  'log.level': { field: 'logLevel', tighter: true },
  'gateway.maxConnections': { field: 'gateway.maxConnectionsPerPod', tighter: true },
  'gateway.handshakes.ratePerSecond': { field: 'gateway.handshakes.ratePerSecond', tighter: true },
  'gateway.handshakes.burst': { field: 'gateway.handshakes.burst', tighter: true },
  'gateway.drain.deadlineMs': {
    field: 'gateway.drain.deadlineSeconds',
    factor: 1_000,
    tighter: true,
    restarts: true,
  },
  'gateway.drain.maxPerSecond': { field: 'gateway.drain.maxPerSecond', tighter: true },
  'nats.logMaxBytes': { field: 'nats.external.logMaxBytes' },
  'nats.seqMaxBytes': { field: 'nats.external.seqMaxBytes' },
  'push.wakesPerUser.perMinute': { field: 'push.wakesPerUserPerMinute', tighter: true },
  'push.wakesPerUser.burst': { field: 'push.wakesPerUserBurst' },
  'cron.messageExpiry': { field: 'cron.messageExpiry', defaultInWords: true },
  'cron.objectExpiry': { field: 'cron.objectExpiry', defaultInWords: true },
  'cron.uploadExpiry': { field: 'cron.uploadExpiry', defaultInWords: true },
  'cron.tokenExpiry': { field: 'cron.tokenExpiry', defaultInWords: true },
  'cron.messageDestruct': { field: 'cron.messageDestruct', defaultInWords: true },
  'cron.objectDays': { field: 'cron.objectDays', tighter: true },
  'push.provider': { field: 'push.provider' },
  'mongo.database': { field: 'mongodb.database' },
  's3.bucket': { field: 'objectStorage.bucket' },
  's3.region': { field: 'objectStorage.external.region' },
  ...same(
    'gateway.maxConnectionsPerUser',
    'gateway.requests.ratePerSecond',
    'gateway.requests.burst',
    'gateway.requests.bytesPerSecond',
    'gateway.requests.byteBurst',
    'gateway.handshakes.perLogin.ratePerSecond',
    'gateway.handshakes.perLogin.burst',
    'nats.tenantLogShare',
    'limits.userMessages.perSecond',
    'limits.userMessages.burst',
    'limits.userBytes.perSecond',
    'limits.userBytes.burst',
    'limits.userChanges.perSecond',
    'limits.userChanges.burst',
    'limits.profileChanges.perMinute',
    'limits.profileChanges.burst',
    'limits.mentionAll.perMinute',
    'limits.mentionAll.burst',
    'limits.userCommands',
    'attempts.trustedProxies',
    'attempts.logins.ratePerSecond',
    'attempts.logins.burst',
    'attempts.tokens.ratePerSecond',
    'attempts.tokens.burst',
    'cron.objectGroups',
  ),
};

/** Live settings that the operator decides: how long a pod may take to end, the tenants, which are resources, and the key. */
const OPERATORS_OWN = [
  'shutdown.deadlineMs',
  'shutdown.settleMs',
  'tenants',
  'rpc.key',
  'rpc.acceptMissingKey',
];

/** Settings of a tenant that a person chooses in OpenIMTenant. */
const TENANT: Readonly<Record<string, Place>> = {
  tokenExpireDays: { field: 'tokenPolicy.expireDays', tighter: true },
  'multiLogin.policy': { field: 'tokenPolicy.multiLogin' },
  'multiLogin.maxNumOneEnd': { field: 'tokenPolicy.maxTokensPerPlatform' },
  // The services take none for superAdmin.
  adminNicknames: { field: 'adminNicknames', defaultInWords: true },
  'notifications.<key>.isSendMsg': { field: 'notifications[].isSendMsg' },
  'notifications.<key>.reliabilityLevel': { field: 'notifications[].reliabilityLevel' },
  'notifications.<key>.offlinePush.enable': { field: 'notifications[].offlinePush.enable' },
  'notifications.<key>.offlinePush.title': { field: 'notifications[].offlinePush.title' },
  'notifications.<key>.offlinePush.desc': { field: 'notifications[].offlinePush.desc' },
  'notifications.<key>.offlinePush.ext': { field: 'notifications[].offlinePush.ext' },
  notifications: { field: 'notifications' },
  ...same(
    'hosts',
    'adminUserIDs',
    'friendVerify',
    'searchByAdminsOnly',
    'enableHistoryForNewMembers',
    'placement',
    'suspended',
    'quotas.users',
    'quotas.connections',
    'quotas.handshakesPerSecond',
    'quotas.messagesPerSecond',
    'quotas.requestsPerSecond',
    'quotas.groupSize',
    'quotas.groupsPerUser',
    'quotas.storageBytes',
    'quotas.objectBytes',
    'quotas.retentionDays',
    'userLimits.messagesPerSecond',
    'userLimits.messageBurst',
    'userLimits.bytesPerSecond',
    'userLimits.byteBurst',
    'userLimits.changesPerSecond',
    'userLimits.changeBurst',
    'userLimits.profileChangesPerMinute',
    'userLimits.profileChangeBurst',
    'userLimits.mentionAllPerMinute',
    'userLimits.mentionAllBurst',
  ),
};

/** The name of the tenant and its keys come from elsewhere; webhooks are not called yet. */
const NOT_OF_TENANTS = ['id', 'tokenSecret', 'adminSecret', 'webhooks'];

function fieldOf(resource: StructuralSchema, path: string): StructuralSchema {
  let schema = resource.properties?.spec;
  for (const name of path.replaceAll('[]', '.[]').split('.')) {
    schema = name === '[]' ? schema?.items : schema?.properties?.[name];
    assert.ok(schema, `spec.${path}: the schema has no ${name}`);
  }
  assert.ok(schema);
  return schema;
}

/** What differs between a field of a resource and the setting that it becomes. */
function differences(
  setting: SettingField,
  place: Place,
  schema: StructuralSchema,
  live: boolean | undefined,
): string[] {
  const { factor = 1, tighter, defaultInWords } = place;
  const { minimum, exclusiveMinimum, maximum } = setting.range;
  const faults: string[] = [];
  const expect = (what: string, is: unknown, should: unknown) => {
    if (is !== should)
      faults.push(`spec.${place.field}: ${what} is ${is}, of ${setting.path} it is ${should}`);
  };
  if (tighter) {
    const [least, most] = [(schema.minimum ?? -Infinity) * factor, (schema.maximum ?? Infinity) * factor];
    expect('a minimum that the services take', least >= (minimum ?? -Infinity), true);
    if (exclusiveMinimum !== undefined) expect('minimum above the least', least > exclusiveMinimum, true);
    expect('a maximum that the services take', most <= (maximum ?? Infinity), true);
  } else if (minimum !== undefined || maximum !== undefined) {
    expect('type', schema.type, setting.type);
    expect('minimum', schema.minimum, minimum);
    expect('maximum', schema.maximum, maximum);
  }
  const choices = setting.type.split(' | ');
  const unknown = (schema.enum ?? []).filter((choice) => !choices.includes(String(choice)));
  expect('choices that the services do not take', unknown.join(', '), '');
  if (schema.enum && !tighter) expect('choices', schema.enum.join(' | '), setting.type);
  const stated = /Default: ([^.]*(?:\.\d+)?)\.$/.exec(schema.description ?? '')?.[1];
  if (!place.restarts) {
    const said = schema.description?.includes('Takes effect without a restart.') ?? false;
    if (live !== undefined) expect('taking effect without a restart, as described,', said, live);
  }
  if (defaultInWords) expect('default stated', stated !== undefined, true);
  else expect('default', stated ?? 'none', defaultOf(setting, factor));
  return faults;
}

/** A default as descriptions say it; one that means no limit, none or nothing needs no words. */
function defaultOf({ default: value }: SettingField, factor: number): string {
  if (value === undefined || value === 0 || value === '') return 'none';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  if (typeof value === 'object') return 'none';
  return String(typeof value === 'number' ? value / factor : value);
}

for (const [plural, fields, places, isLive] of [
  ['openimclusters', configFields(), CLUSTER, isLiveSetting],
  // All of a tenant takes effect without a restart, as the resource says once.
  ['openimtenants', tenantFields(), TENANT, () => undefined],
] as const) {
  test(`${plural}: ranges, choices and defaults are those of the services`, () => {
    const schema = schemaOf(plural);
    const known = new Map<string, SettingField>(fields.map((field) => [field.path, field]));
    const faults = Object.entries(places).flatMap(([path, place]) => {
      const setting = known.get(path);
      return setting
        ? differences(setting, place, fieldOf(schema, place.field), isLive(path))
        : [`there is no ${path}`];
    });
    assert.deepEqual(faults, []);
  });
}

test("every live setting can be chosen in OpenIMCluster, or is the operator's own", () => {
  const missing = configFields()
    .map(({ path }) => path)
    .filter((path) => isLiveSetting(path) && !(path in CLUSTER) && !OPERATORS_OWN.includes(path));
  assert.deepEqual(missing, []);
});

test('every setting of a tenant can be chosen in OpenIMTenant, or is named here as one that cannot', () => {
  const missing = tenantFields()
    .map(({ path }) => path)
    .filter((path) => !(path in TENANT) && !NOT_OF_TENANTS.some((name) => `${path}.`.startsWith(`${name}.`)));
  assert.deepEqual(missing, []);
});

test('fields that older services would refuse are fields of the resources', () => {
  for (const [plural, levels] of [
    ['openimclusters', CLUSTER_FIELD_LEVELS],
    ['openimtenants', TENANT_FIELD_LEVELS],
  ] as const) {
    const numbers = Object.keys(levels).map(Number);
    assert.equal(Math.max(...numbers), SETTINGS_LEVEL, `${plural}: the newest level has fields`);
    const schema = schemaOf(plural);
    for (const path of Object.values(levels).flat()) fieldOf(schema, path);
  }
});
