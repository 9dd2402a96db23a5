import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AFTER_EVENTS,
  BEFORE_EVENTS,
  configFields,
  isLiveSetting,
  NOTIFICATION_TYPES,
  SETTINGS_LEVEL,
  type SettingField,
  tenantFields,
} from '@im/contract';
import { settingValue } from '../src/resources/renamed-fields.ts';
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
  /** A reference to a key of a Secret, which stands for the value. */
  readonly reference?: true;
}

/** Most per second or minute that a resource takes. */
const HIGHEST_RATE = 1_000_000_000;

const same = (...paths: string[]): Record<string, Place> =>
  Object.fromEntries(paths.map((path) => [path, { field: path }]));

const reference = (path: string, field: string): Record<string, Place> => ({
  [path]: { field, reference: true },
});

/** Settings of offline notifications, in the section `setting` of the services and `field` of a resource. */
const pushPlaces = (setting: string, field = setting): Record<string, Place> => ({
  ...Object.fromEntries(
    [
      'providers.fcm.url',
      ...['keyID', 'teamID', 'topic', 'sandbox', 'url'].map((name) => `providers.apns.${name}`),
      ...['appID', 'category', 'url', 'authURL'].map((name) => `providers.hms.${name}`),
      ...['category', 'testMessage', 'url'].map((name) => `providers.hos.${name}`),
      ...['packageName', 'channelID', 'url'].map((name) => `providers.mi.${name}`),
      ...['appID', 'appKey', 'users', 'intent', 'channelID', 'channelName', 'url'].map(
        (name) => `providers.getui.${name}`,
      ),
      ...['appKey', 'users', 'intent', 'apnsProduction', 'url'].map((name) => `providers.jpush.${name}`),
      ...['publicKey', 'subject'].map((name) => `providers.webPush.${name}`),
      ...['url', 'kinds', 'users'].map((name) => `providers.webhook.${name}`),
      ...['content', 'fallbackText', 'sound', 'badge', 'ttlSeconds', 'collapse', 'mentionsThroughMute'],
      ...['devicesPerSecond', 'concurrency'],
    ].map((path) => [`${setting}.${path}`, { field: `${field}.${path}` }]),
  ),
  [`${setting}.providers.webPush.hosts`]: { field: `${field}.providers.webPush.hosts`, defaultInWords: true },
  ...Object.assign(
    {},
    ...[
      ['fcm.serviceAccount', 'fcm.serviceAccountSecretRef'],
      ['apns.key', 'apns.keySecretRef'],
      ['hms.appSecret', 'hms.appSecretRef'],
      ['hos.serviceAccount', 'hos.serviceAccountSecretRef'],
      ['mi.appSecret', 'mi.appSecretRef'],
      ['getui.masterSecret', 'getui.masterSecretRef'],
      ['jpush.masterSecret', 'jpush.masterSecretRef'],
      ['webPush.privateKey', 'webPush.privateKeySecretRef'],
      ['webhook.secret', 'webhook.secretRef'],
    ].map(([from, to]) => reference(`${setting}.providers.${from}`, `${field}.providers.${to}`)),
  ),
});

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
    defaultInWords: true,
    restarts: true,
  },
  'gateway.drain.maxPerSecond': { field: 'gateway.drain.maxConnectionsPerSecond', tighter: true },
  'api.maxConnections': { field: 'api.maxConnectionsPerPod', tighter: true },
  'nats.logMaxBytes': { field: 'nats.external.logMaxBytes' },
  'nats.seqMaxBytes': { field: 'nats.external.seqMaxBytes' },
  'push.wakesPerUser.perMinute': { field: 'push.wakesPerUserPerMinute', tighter: true },
  'push.wakesPerUser.burst': { field: 'push.wakesPerUserBurst' },
  'webhooks.allowedNetworks': { field: 'webhooks.allowedNetworks' },
  ...pushPlaces('offlinePush'),
  'tracing.endpoint': { field: 'tracing.endpoint', defaultInWords: true },
  ...reference('tracing.authorization', 'tracing.authorizationSecretRef'),
  'tracing.sampleRatio': { field: 'tracing.sampleRatio' },
  'tracing.maxSpansPerSecond': { field: 'tracing.maxSpansPerSecond', tighter: true },
  'tracing.followCallers': { field: 'tracing.followCallers' },
  'cron.messageExpiry': { field: 'cron.schedules.messageExpiry', defaultInWords: true },
  'cron.objectExpiry': { field: 'cron.schedules.objectExpiry', defaultInWords: true },
  'cron.uploadExpiry': { field: 'cron.schedules.uploadExpiry', defaultInWords: true },
  'cron.tokenExpiry': { field: 'cron.schedules.tokenExpiry', defaultInWords: true },
  'cron.messageDestruct': { field: 'cron.schedules.messageDestruct', defaultInWords: true },
  'cron.pushTokenExpiry': { field: 'cron.schedules.pushTokenExpiry', defaultInWords: true },
  'cron.healthReport': { field: 'cron.schedules.healthReport', defaultInWords: true },
  'cron.statistics': { field: 'cron.schedules.statistics', defaultInWords: true },
  'cron.indexReport': { field: 'cron.schedules.indexReport', defaultInWords: true },
  'cron.objectDays': { field: 'cron.retention.objectDays', tighter: true },
  'cron.auditDays': { field: 'cron.retention.auditDays' },
  'cron.objectGroups': { field: 'cron.retention.objectGroups' },
  'cron.pushTokenDays': { field: 'cron.retention.pushTokenDays' },
  'cron.statisticsDays': { field: 'cron.retention.statisticsDays' },
  'push.provider': { field: 'push.provider' },
  'api.grafanaURL': { field: 'api.grafanaURL', defaultInWords: true },
  'api.discoverProcesses': { field: 'api.discoverProcesses' },
  'api.console.enabled': { field: 'console.enabled' },
  'api.console.clusterTenant': { field: 'console.clusterTenant' },
  'api.console.path': { field: 'console.path' },
  'api.console.publicURL': { field: 'console.publicURL', defaultInWords: true },
  'api.console.adminSecretLogin': { field: 'console.adminSecretLogin' },
  'mongo.database': { field: 'mongodb.database' },
  's3.bucket': { field: 'objectStorage.bucket' },
  's3.region': { field: 'objectStorage.external.region' },
  's3.pathStyle': { field: 'objectStorage.external.pathStyle' },
  's3.bucketPerTenant': { field: 'objectStorage.bucketPerTenant' },
  's3.publicBaseURL': { field: 'objectStorage.publicBaseURL', defaultInWords: true },
  's3.accessHours': { field: 'objectStorage.accessHours' },
  's3.corsOrigins': { field: 'objectStorage.corsOrigins', defaultInWords: true },
  's3.thumbnails.enabled': { field: 'objectStorage.thumbnails.enabled' },
  's3.thumbnails.workers': { field: 'objectStorage.thumbnails.workers' },
  's3.thumbnails.memoryMiB': { field: 'objectStorage.thumbnails.memoryMiB' },
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
    'cron.runMinutes',
    'cron.searchIndexes',
  ),
};

/** Live settings that the operator decides: how long a pod may take to end, the tenants, which are resources, and the key. */
const OPERATORS_OWN = [
  'shutdown.deadlineMs',
  'shutdown.settleMs',
  'tenants',
  'tenantsRevision',
  'tenantsDir',
  'rpc.key',
  'rpc.acceptMissingKey',
];

/** Places of the settings of verification codes. */
function verificationPlaces(): Record<string, Place> {
  const byLanguage = (path: string, ...names: readonly string[]) =>
    ['zh', 'en'].flatMap((language) => names.map((name) => `verification.${path}.${language}.${name}`));
  const paths = [
    ...['callers', 'lifeSeconds', 'attempts', 'intervalSeconds', 'language', 'dryRun'],
    ...['perAddressPerDay', 'perIPPerDay', 'perDay', 'sms.order', 'sms.countries'],
    ...['accessKeyID', 'url'].map((name) => `sms.aliyun.${name}`),
    ...['secretID', 'appID', 'region', 'url'].map((name) => `sms.tencent.${name}`),
  ];
  return {
    ...same(
      ...paths.map((path) => `verification.${path}`),
      ...byLanguage('sms.aliyun.templates', 'signName', 'templateCode', 'params'),
      ...byLanguage('sms.tencent.templates', 'signName', 'templateID', 'params'),
      ...byLanguage('mail', 'subject', 'text', 'html'),
    ),
    ...reference('verification.sms.aliyun.accessKeySecret', 'verification.sms.aliyun.accessKeySecretRef'),
    ...reference('verification.sms.tencent.secretKey', 'verification.sms.tencent.secretKeySecretRef'),
  };
}

/** Settings of a tenant that a person chooses in OpenIMTenant. */
const TENANT: Readonly<Record<string, Place>> = {
  tokenExpireDays: { field: 'tokenPolicy.expireDays', tighter: true },
  tokensNotBefore: { field: 'tokenPolicy.notBefore', defaultInWords: true },
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
  'webhooks.url': { field: 'webhooks.url' },
  ...reference('webhooks.secret', 'webhooks.secretRef'),
  ...reference('webhooks.previousSecret', 'webhooks.previousSecretRef'),
  ...pushPlaces('push'),
  ...same('mail.host', 'mail.port', 'mail.security', 'mail.ca', 'mail.user', 'mail.from', 'mail.fromName'),
  ...reference('mail.password', 'mail.passwordSecretRef'),
  ...same('healthReport.to', 'healthReport.when', 'healthReport.language'),
  ...same('statistics.timeZone'),
  ...verificationPlaces(),
  'webhooks.events': { field: 'webhooks.events' },
  // An event that is listed is called unless it says otherwise.
  'webhooks.events.<key>.enable': { field: 'webhooks.events[].enable', defaultInWords: true },
  'webhooks.events.<key>.timeoutMs': { field: 'webhooks.events[].timeoutMs' },
  'webhooks.events.<key>.failedContinue': { field: 'webhooks.events[].failedContinue' },
  'webhooks.events.<key>.deniedTypes': { field: 'webhooks.events[].deniedTypes' },
  'webhooks.events.<key>.attentionIds': { field: 'webhooks.events[].attentionIds' },
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

/** The name of the tenant is that of the resource, or tenantID; its keys are generated. */
const NOT_OF_TENANTS = [
  'id',
  'tokenSecret',
  'secondTokenSecret',
  'secondTokenSecretUntil',
  'adminSecret',
  'secondAdminSecret',
  'secondAdminSecretUntil',
];

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
  if (place.reference) return referenceFaults(setting, place, schema, live);
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
    // The services take any rate; a text of hundreds of digits is none.
    expect('maximum', schema.maximum, maximum ?? (setting.type === 'number' ? HIGHEST_RATE : undefined));
  }
  const choices = setting.type.split(' | ');
  const settingOf = (value: string) => settingValue(place.field.split('.').at(-1) ?? '', value);
  const taken = schema.enum?.map((choice) => settingOf(String(choice)));
  const unknown = (taken ?? []).filter((choice) => !choices.includes(choice));
  expect('choices that the services do not take', unknown.join(', '), '');
  if (taken && !tighter) expect('choices', taken.join(' | '), setting.type);
  const described = /Default: ([^.]*(?:\.\d+)?)\.$/.exec(schema.description ?? '')?.[1];
  const stated = described && schema.enum ? settingOf(described) : described;
  if (!place.restarts) {
    const said = schema.description?.includes('Takes effect without a restart.') ?? false;
    if (live !== undefined) expect('taking effect without a restart, as described,', said, live);
  }
  if (defaultInWords) expect('default stated', stated !== undefined, true);
  else expect('default', stated ?? 'none', defaultOf(setting, factor));
  return faults;
}

/** A secret is never part of a resource: its place is a reference, and every other setting is written as it is. */
function referenceFaults(
  setting: SettingField,
  { field }: Place,
  { properties = {}, required = [], description = '' }: StructuralSchema,
  live: boolean | undefined,
): string[] {
  const name = setting.path.split('.').at(-1);
  const faults = {
    'of a setting that is no secret': !setting.secret,
    'without name or key': Object.keys(properties).join() !== 'name,key' || required.join() !== 'name',
    'whose default key is not its setting': !properties.key?.description?.endsWith(`Default: ${name}.`),
    'live, but not described so': live === true && !description.includes('Takes effect without a restart.'),
  };
  return Object.entries(faults).flatMap(([fault, found]) =>
    found ? [`spec.${field}: a reference ${fault}`] : [],
  );
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
    .filter(
      (path) =>
        isLiveSetting(path) &&
        !(path in CLUSTER) &&
        !OPERATORS_OWN.some((name) => `${path}.`.startsWith(`${name}.`)),
    );
  assert.deepEqual(missing, []);
});

test('every setting of a tenant can be chosen in OpenIMTenant, or is named here as one that cannot', () => {
  const missing = tenantFields()
    .map(({ path }) => path)
    .filter((path) => !(path in TENANT) && !NOT_OF_TENANTS.some((name) => `${path}.`.startsWith(`${name}.`)));
  assert.deepEqual(missing, []);
});

test('every notification and every event of webhooks has its name in OpenIMTenant', () => {
  const namesIn = (path: string) => fieldOf(schemaOf('openimtenants'), path).enum ?? [];
  assert.deepEqual(namesIn('notifications[].name'), Object.keys(NOTIFICATION_TYPES));
  assert.deepEqual(namesIn('webhooks.events[].name'), [...BEFORE_EVENTS, ...AFTER_EVENTS]);
});

test('no secret is a text in a resource', () => {
  const isWritten = (fields: readonly SettingField[], places: Readonly<Record<string, Place>>) =>
    fields.filter(({ path, secret }) => secret && places[path] && !places[path].reference);
  const written = [...isWritten(tenantFields(), TENANT), ...isWritten(configFields(), CLUSTER)];
  assert.deepEqual(written, []);
});

/** Fields of OpenIMTenant that are no settings of the services. */
const OF_THE_OPERATOR = [
  'clusterRef.name',
  'clusterRef.namespace',
  'classRef.name',
  'tenantID',
  'deletionPolicy',
  'purgeAfterHours',
  'keys.signing.rotation',
  'keys.signing.overlapHours',
  'keys.admin.rotation',
  'keys.admin.overlapHours',
  'keys.revoked',
];

test('every field of OpenIMTenant becomes a setting, or is named here as one of the operator', () => {
  const places = new Set(Object.values(TENANT).map(({ field }) => field));
  const leavesOf = (schema: StructuralSchema, path: string): string[] => {
    if (places.has(path) && !schema.items?.properties) return [];
    const fields = Object.entries(schema.properties ?? schema.items?.properties ?? {});
    const at = schema.items?.properties ? `${path}[]` : path;
    return fields.length === 0
      ? [path]
      : fields.flatMap(([name, child]) => leavesOf(child, at === '' ? name : `${at}.${name}`));
  };
  const { spec } = schemaOf('openimtenants').properties ?? {};
  assert.ok(spec);
  const keys = ['webhooks.events[].name', 'notifications[].name', 'notifications[].contentType'];
  const unknown = leavesOf(spec, '').filter((path) => ![...OF_THE_OPERATOR, ...keys].includes(path));
  assert.deepEqual(unknown, []);
});

test('fields that older services would refuse are fields of the resources', () => {
  const numbers: number[] = [];
  for (const [plural, levels] of [
    ['openimclusters', CLUSTER_FIELD_LEVELS],
    ['openimtenants', TENANT_FIELD_LEVELS],
  ] as const) {
    numbers.push(...Object.keys(levels).map(Number));
    const schema = schemaOf(plural);
    for (const path of Object.values(levels).flat()) fieldOf(schema, path);
  }
  assert.equal(Math.max(...numbers), SETTINGS_LEVEL, 'the newest level has fields');
});
