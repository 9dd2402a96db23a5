import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap } from '@im/kube';
import { parse } from 'yaml';
import { desiredInput } from '../../../test/desired-fixture.ts';
import type { OpenIMClusterSpec } from '../../gen/openimcluster.ts';
import type { OpenIMTenantSpec } from '../../gen/openimtenant.ts';
import { credentialKey, OF_CLUSTER, tenantKeys, tenantsFile } from '../../resources/config.ts';
import { effectiveSpec } from '../../resources/effective.ts';
import { makeCredentials } from '../../resources/stores/credentials.ts';
import { gatewayDeployment } from '../../resources/workloads.ts';
import { planTenants } from '../tenant/create.ts';
import { type Desired, desiredObjects } from './create.ts';

const owner = { namespace: 'im', name: 'chat', uid: 'u' };
const credentials = makeCredentials();

interface Given {
  readonly cluster?: OpenIMClusterSpec;
  readonly tenant?: Partial<OpenIMTenantSpec>;
}

function desired({ cluster = {}, tenant = {} }: Given): Desired {
  const effective = effectiveSpec(cluster, { version: '1.0.0', image: 'openim/openim-operator:1.0.0' });
  const resource = {
    apiVersion: 'openim.io/v1alpha1',
    kind: 'OpenIMTenant',
    metadata: { name: 'acme', namespace: 'im', uid: 't', resourceVersion: '1' },
    spec: { clusterRef: { name: 'chat' }, ...tenant },
  } as const;
  const tenants = planTenants([resource]).entries;
  const keys = tenants.flatMap(({ id }) => Object.values(tenantKeys(id)));
  const referred = [
    'tracing.authorization',
    'console.oidc.one.clientSecret',
    'console.oidc.two.clientSecret',
  ].map((setting) => credentialKey(OF_CLUSTER, setting));
  const tenantSecrets = Object.fromEntries([...keys, ...referred].map((key) => [key, 'a'.repeat(32)]));
  return desiredObjects(
    desiredInput({ owner, effective, credentials, tenants, tenantSecrets, templateVersion: 1 }),
  );
}

function configText({ base }: Desired): string {
  const configMap = base.find(({ kind }) => kind === 'ConfigMap') as ConfigMap | undefined;
  return configMap?.data?.['im.yaml'] ?? assert.fail('there is a config');
}

/** Everything whose change would replace pods. */
function podTemplates({ stages, gateway }: Desired): unknown {
  return [stages, gatewayDeployment(gateway, 1)];
}

/** Limits and settings that processes take over while they run, each with another value than its default. */
const SCHEDULES = {
  ...{ messageExpiry: '1 1 * * *', objectExpiry: '2 1 * * *', tokenExpiry: '3 1 * * *' },
  ...{ messageDestruct: '6 * * * *', uploadExpiry: '5 * * * *', pushTokenExpiry: '1 2 * * *' },
  ...{ indexReport: '2 2 * * *', healthReport: '3 2 * * *', statistics: '4 * * * *' },
};
const RETENTION = {
  ...{ objectDays: 5, objectGroups: ['sdklog'], pushTokenDays: 30, auditDays: 90, statisticsDays: 60 },
};
const JOBS = { searchIndexes: true, runMinutes: 5 };

const CLUSTER_SETTINGS: OpenIMClusterSpec = {
  gateway: {
    maxConnectionsPerUser: 10,
    requests: { ratePerSecond: 50, burst: 500 },
    handshakes: { perLogin: { ratePerSecond: 0.5, burst: 20 } },
  },
  nats: { tenantLogShare: 0.1 },
  push: { wakesPerUserBurst: 3 },
  tracing: { endpoint: 'http://otel-collector.monitoring:4318', sampleRatio: 0.5 },
  cron: { schedules: SCHEDULES, retention: RETENTION, ...JOBS },
  limits: {
    userMessages: { perSecond: 20, burst: 400 },
    userBytes: { perSecond: 65_536, burst: 1_048_576 },
    userChanges: { perSecond: 5, burst: 100 },
    profileChanges: { perMinute: 1, burst: 2 },
    mentionAll: { perMinute: 0.5, burst: 1 },
    userCommands: 100,
  },
  attempts: {
    trustedProxies: 2,
    logins: { ratePerSecond: 0.1, burst: 6 },
    tokens: { ratePerSecond: 1, burst: 30 },
  },
};
const TENANT_SETTINGS: Partial<OpenIMTenantSpec> = {
  adminUserIDs: ['root'],
  adminNicknames: ['Operations'],
  searchByAdminsOnly: true,
  enableHistoryForNewMembers: false,
  tokenPolicy: { maxTokensPerPlatform: 3 },
  userLimits: { messagesPerSecond: 1_000, messageBurst: 5_000, mentionAllPerMinute: 0 },
  notifications: [
    { contentType: 1501, isSendMsg: false },
    { contentType: 1203, reliabilityLevel: 2, offlinePush: { enable: true, title: 'New request' } },
  ],
};

test('limits and settings of a manifest reach the config', () => {
  const config = parse(configText(desired({ cluster: CLUSTER_SETTINGS, tenant: TENANT_SETTINGS })));
  const { gateway, nats, limits, attempts, cron, push } = config;
  assert.partialDeepStrictEqual(gateway, {
    maxConnectionsPerUser: 10,
    requests: { ratePerSecond: 50, burst: 500 },
    handshakes: { ratePerSecond: 500, burst: 1_000, perLogin: { ratePerSecond: 0.5, burst: 20 } },
  });
  assert.deepEqual(limits, CLUSTER_SETTINGS.limits);
  assert.deepEqual(attempts, CLUSTER_SETTINGS.attempts);
  assert.deepEqual(cron, { ...SCHEDULES, ...RETENTION, ...JOBS });
  assert.deepEqual(config.tracing, CLUSTER_SETTINGS.tracing);
  assert.deepEqual([nats.tenantLogShare, push.wakesPerUser.burst], [0.1, 3]);
  assert.partialDeepStrictEqual(config.tenants[1], {
    id: 'acme',
    adminNicknames: ['Operations'],
    searchByAdminsOnly: true,
    enableHistoryForNewMembers: false,
    multiLogin: { maxNumOneEnd: 3 },
    userLimits: { messagesPerSecond: 1_000, messageBurst: 5_000, mentionAllPerMinute: 0 },
    notifications: {
      1203: { reliabilityLevel: 2, offlinePush: { enable: true, title: 'New request' } },
      1501: { isSendMsg: false },
    },
  });
});

test('a dashboard and the discovery of pods reach the config of the API', () => {
  const given = { grafanaURL: 'https://grafana.example.com/d/im', discoverProcesses: true };
  const { api } = parse(configText(desired({ cluster: { api: given } })));
  assert.deepEqual(api, { port: 10_002, ...given });
  assert.deepEqual(Object.keys(parse(configText(desired({}))).api), ['port']);
});

test('a value that a section refers to is a file in the config', () => {
  const tracing = { endpoint: 'https://otel.example.com', authorizationSecretRef: { name: 'otel' } };
  assert.deepEqual(parse(configText(desired({ cluster: { tracing } }))).tracing, {
    endpoint: 'https://otel.example.com',
    authorization: tenantsFile('_cluster.tracing.authorization'),
  });
});

test('the console reaches the config of the API, the secret of each identity provider as a file of its own', () => {
  const rules = [{ values: ['ops'], role: 'admin' as const, tenants: ['*'] }];
  const provider = (name: string) => ({ name, issuer: `https://${name}.example.com`, clientID: 'im', rules });
  const console = {
    publicURL: 'https://im.example.com',
    clusterTenant: 'ops',
    oidc: [
      { ...provider('one'), clientSecretRef: { name: 'sso' } },
      { ...provider('two'), clientSecretRef: { name: 'sso', key: 'two' } },
      provider('public'),
    ],
  };
  const { api } = parse(configText(desired({ cluster: { console } })));
  assert.deepEqual(api.console, {
    publicURL: 'https://im.example.com',
    clusterTenant: 'ops',
    oidc: [
      { ...provider('one'), clientSecret: tenantsFile('_cluster.console.oidc.one.clientSecret') },
      { ...provider('two'), clientSecret: tenantsFile('_cluster.console.oidc.two.clientSecret') },
      provider('public'),
    ],
  });
});

test('pods of the console and where they are reached are no part of what the services read', () => {
  const console = {
    ...{ replicas: 2, path: '/ops/', ingress: { host: 'console.example.com' } },
    ...{ resources: { requests: { cpu: '10m' } }, podTemplate: { labels: { a: 'b' } } },
  };
  const made = desired({ cluster: { console } });
  assert.deepEqual(parse(configText(made)).api.console, {
    path: '/ops/',
    publicURL: 'https://console.example.com',
    ownProcesses: true,
  });
  const stages = made.stages.map(({ name }) => name);
  assert.ok(stages.indexOf('console') < stages.indexOf('api'), 'it is there before api no longer serves it');
  assert.ok(!desired({ cluster: { console: {} } }).stages.some(({ name }) => name === 'console'));
});

test('fields omitted from a manifest are not in the config, so that a newer operator changes no byte of it', () => {
  const config = parse(configText(desired({})));
  for (const name of ['limits', 'attempts', 'tracing']) assert.ok(!(name in config), name);
  assert.deepEqual(Object.keys(config.gateway), ['port', 'maxConnections', 'handshakes', 'drain']);
  assert.deepEqual(Object.keys(config.gateway.handshakes), ['ratePerSecond', 'burst']);
  assert.ok(!('tenantLogShare' in config.nats));
  assert.deepEqual(config.push, { provider: 'none', wakesPerUser: { perMinute: 30 } });
  assert.deepEqual(config.cron, {});
  assert.deepEqual(Object.keys(config.tenants[1]), ['id', 'adminUserIDs', 'tokenSecret', 'adminSecret']);
});

test('changing them restarts nothing, and changes the hash of the config', () => {
  const before = desired({});
  const after = desired({ cluster: CLUSTER_SETTINGS, tenant: TENANT_SETTINGS });
  assert.deepEqual(podTemplates(after), podTemplates(before));
  assert.notDeepEqual(after.configHashes, before.configHashes);
  const restarting = desired({ cluster: { objectStorage: { bucket: 'other' } } });
  assert.notDeepEqual(
    podTemplates(restarting),
    podTemplates(before),
    'what is read at the start does restart',
  );
});
