import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ControlPlane, startControlPlane } from '@im/dev-kubernetes';
import { createKubeClient, type KubeClient, type ResourceType } from '@im/kube';
import {
  OPENIM_CLUSTER,
  OPENIM_TENANT,
  type OpenIMCluster,
  type OpenIMTenant,
} from '../src/resources/kinds.ts';
import { API_VERSION } from '../src/resources/names.ts';

const NAMESPACE = 'default';

let plane: ControlPlane;
let client: KubeClient;

before(async () => {
  plane = await startControlPlane();
  client = await createKubeClient({ kubeconfigPath: plane.kubeconfig });
  await plane.kubectl('apply', '--server-side', '-f', new URL('../../crds', import.meta.url).pathname);
  await plane.kubectl('wait', '--for=condition=Established', 'crd', '--all');
});
after(async () => {
  client?.close();
  await plane?.stop();
});

/** Specs may be invalid here: the test is whether the API server refuses them. */
type Spec = Readonly<Record<string, unknown>>;

let made = 0;

async function create<T extends OpenIMCluster | OpenIMTenant>(type: ResourceType<T>, spec: Spec): Promise<T> {
  const metadata = { namespace: NAMESPACE, name: `a${++made}` };
  const object = { apiVersion: API_VERSION, kind: type.kind, metadata, spec };
  return client.create(type, object as unknown as T);
}
const cluster = (spec: Spec) => create(OPENIM_CLUSTER, spec);
const tenant = (spec: Spec) => create(OPENIM_TENANT, { clusterRef: { name: 'chat' }, ...spec });

const rate = (perSecond: number, burst: number) => ({ ratePerSecond: perSecond, burst });

test('every limit of a cluster and a tenant is accepted, and kept as it was given', async () => {
  const limits = {
    userMessages: { perSecond: 0, burst: 1 },
    userBytes: { perSecond: 0.5, burst: Number.MAX_SAFE_INTEGER },
    userChanges: { perSecond: 20 },
    profileChanges: { perMinute: 2.5, burst: 10 },
    mentionAll: { burst: 3 },
    userCommands: 10_000,
  };
  const spec = {
    gateway: {
      maxConnectionsPerUser: 1,
      autoscaling: {
        maxReplicas: 2,
        targetConnectionsPerPod: 100_000,
        targetHandshakesPerSecondPerPod: 1,
        targetEventLoopDelayMilliseconds: 1,
        spare: 'OneZone',
        behavior: {
          scaleUp: { selectPolicy: 'Disabled' },
          scaleDown: {
            stabilizationWindowSeconds: 0,
            policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }],
          },
        },
      },
      rebalance: { mode: 'On', tolerancePercent: 1, maxPercentPerMinute: 100 },
      requests: rate(0, 1),
      handshakes: { ratePerSecond: 1, burst: 1, perLogin: rate(0.1, 5) },
      service: {
        type: 'LoadBalancer',
        labels: { team: 'chat' },
        externalTrafficPolicy: 'Local',
        loadBalancerClass: 'example.com/internal',
        loadBalancerSourceRanges: ['192.0.2.0/24', '2001:db8::/32'],
        ipFamilyPolicy: 'PreferDualStack',
        sessionAffinity: 'ClientIP',
      },
      podTemplate: {
        spec: {
          securityContext: { runAsUser: null },
          volumes: [{ name: 'ca', secret: { secretName: 'ca' } }],
        },
      },
      resources: { requests: { cpu: 1, memory: '1.5Gi' }, limits: { cpu: '500m', memory: '1e9' } },
    },
    nats: { tenantLogShare: 0.01 },
    serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/im' } },
    podTemplate: { nodeSelector: { pool: 'im' }, spec: { runtimeClassName: 'gvisor' } },
    push: { wakesPerUserBurst: 1 },
    tracing: {
      ...{
        endpoint: 'https://otel.example.com/v1/traces',
        authorizationSecretRef: { name: 'otel', key: 'a' },
      },
      ...{ sampleRatio: 0.25, maxSpansPerSecond: 1, followCallers: true },
    },
    cron: {
      schedules: {
        ...{ uploadExpiry: '27 * * * *', pushTokenExpiry: '37 4 * * *', indexReport: '7 5 * * *' },
        ...{ healthReport: '27 6 * * *', statistics: '2,22,42 * * * *' },
      },
      retention: { pushTokenDays: 0, auditDays: 0, statisticsDays: 3_650, objectGroups: ['sdklog'] },
      ...{ searchIndexes: true, runMinutes: 1_440 },
    },
    limits,
    attempts: { trustedProxies: 0, logins: rate(0, 1), tokens: rate(1.5, 30) },
  };
  assert.deepEqual((await cluster(spec)).spec, spec);
  assert.deepEqual((await cluster({ nats: { tenantLogShare: 1 } })).spec, { nats: { tenantLogShare: 1 } });
  const own = {
    adminNicknames: ['Operations'],
    searchByAdminsOnly: true,
    enableHistoryForNewMembers: false,
    tokenPolicy: { maxTokensPerPlatform: 1 },
    quotas: { storageBytes: Number.MAX_SAFE_INTEGER },
    mail: { host: 'smtp.shop.test', passwordSecretRef: { name: 'mail', key: 'p' }, from: 'im@shop.test' },
    healthReport: { to: ['ops@shop.test'], when: 'Problems', language: 'zh' },
    statistics: { timeZone: 'America/Argentina/Buenos_Aires' },
    verification: {
      sms: {
        ...{ countries: ['+86'], order: ['tencent', 'aliyun'] },
        aliyun: {
          ...{ accessKeyID: 'A', accessKeySecretRef: { name: 'sms' } },
          templates: { zh: { signName: 'S', templateCode: 'SMS_1', params: { code: '{code}' } } },
        },
      },
      mail: { en: { subject: 'Code {code}', text: '{code}' } },
    },
    userLimits: { messagesPerSecond: 0, messageBurst: 1, mentionAllPerMinute: 0.5 },
    notifications: [
      { contentType: 1501, reliabilityLevel: 2, offlinePush: { enable: true, title: 'T' } },
      { name: 'memberEnter', isSendMsg: false },
    ],
    webhooks: { url: 'https://a', secretRef: { name: 's' }, previousSecretRef: { name: 's', key: 'old' } },
    push: {
      content: 'None',
      providers: { apns: { keySecretRef: { name: 'p' }, keyID: 'K', teamID: 'T', topic: 'b' } },
    },
  };
  assert.deepEqual((await tenant(own)).spec, { clusterRef: { name: 'chat' }, ...own });
});

const httpRoute = { parentRefs: [{ name: 'public', sectionName: 'ws' }], hostnames: ['im.test', 'im2.test'] };

test('routes of a Gateway API share hosts at different listeners only', async () => {
  const elsewhere = { ...httpRoute, parentRefs: [{ name: 'public', sectionName: 'http' }] };
  const spec = { gateway: { httpRoute }, api: { httpRoute: elsewhere } };
  assert.deepEqual((await cluster(spec)).spec, spec);
});

test('certificates for external stores, and object storage without keys, are accepted', async () => {
  const tls = {
    caConfigMapRef: { name: 'ca', key: 'bundle.pem' },
    clientCertificateSecretRef: { name: 'me' },
  };
  const uri = { uriSecretRef: { name: 'store' }, tls };
  const spec = {
    nats: { external: { servers: ['tls://nats:4222'], tls: { caSecretRef: { name: 'ca' } } } },
    mongodb: { external: uri },
    redis: { external: uri },
    objectStorage: {
      external: { endpoint: 'https://s3', credentials: 'Role', tls, pathStyle: false },
      bucketPerTenant: false,
      publicBaseURL: 'https://cdn.example.com',
      accessHours: 24,
      corsOrigins: ['https://chat.example.com'],
      thumbnails: { enabled: true, workers: 4, memoryMiB: 512 },
    },
  };
  assert.deepEqual((await cluster(spec)).spec, spec);
});

const s3 = (external: object) =>
  cluster({ objectStorage: { external: { endpoint: 'http://s3', ...external } } });
const natsTls = (tls: object) => cluster({ nats: { external: { servers: ['nats://n'], tls } } });

const TOO_LARGE = Number.MAX_SAFE_INTEGER + 1;

/** What the API server refuses, with the field that it names. */
const REFUSED: readonly [what: string, ask: () => Promise<unknown>, says: RegExp][] = [
  [
    'a notification with a name and a content type',
    () => tenant({ notifications: [{ name: 'groupCreated', contentType: 1501 }] }),
    /spec\.notifications\[0\].*set name, or contentType for a notification without a name, but not both/,
  ],
  [
    'a credential in the resource',
    () => tenant({ push: { providers: { fcm: { serviceAccount: '{}' } } } }),
    /serviceAccount/,
  ],
  [
    'labels of namespaces that are not asked for',
    () => cluster({ allowedTenants: { namespaces: { from: 'All', selector: {} } } }),
    /spec\.allowedTenants\.namespaces\.selector: .*applies to from: Selector alone/,
  ],
  [
    'namespaces by labels without labels',
    () => cluster({ allowedTenants: { namespaces: { from: 'Selector' } } }),
    /spec\.allowedTenants\.namespaces\.selector: .*is required with from: Selector/,
  ],
  [
    'a condition on a label without the values that it needs',
    () =>
      cluster({
        allowedTenants: {
          namespaces: { from: 'Selector', selector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
        },
      }),
    /matchExpressions\[0\].*In and NotIn need values/,
  ],
  [
    'a size with a unit that is none',
    () => cluster({ nats: { managed: { storage: { size: '1Gib' } } } }),
    /spec\.nats\.managed\.storage\.size/,
  ],
  [
    'a collector without a URL',
    () => cluster({ tracing: { endpoint: 'otel-collector:4318' } }),
    /spec\.tracing\.endpoint/,
  ],
  ['a ratio above 1', () => cluster({ tracing: { sampleRatio: 10 } }), /spec\.tracing\.sampleRatio/],
  [
    'an upper-case host',
    () => cluster({ api: { ingress: { host: 'IM.example.com' } } }),
    /spec\.api\.ingress\.host/,
  ],
  [
    'Production without its database',
    () => cluster({ profile: 'Production' }),
    /spec: Required value: profile Production needs spec\.mongodb\.external/,
  ],
  [
    'a quorum of one node',
    () => cluster({ durability: 'Quorum' }),
    /spec\.durability.*need three copies of the log: set spec\.nats\.managed\.replicas to 3/,
  ],
  [
    'a managed and an external store',
    () => cluster({ redis: { managed: {}, external: { uriSecretRef: { name: 'a' } } } }),
    /spec\.redis: Forbidden: set either managed or external, not both/,
  ],
  [
    'a variable twice',
    () => cluster({ rpc: { podTemplate: { env: [{ name: 'A' }, { name: 'A', value: 'b' }] } } }),
    /spec\.rpc\.podTemplate\.env\[1\].*Duplicate/,
  ],
  [
    'the same host of a tenant twice',
    () => tenant({ hosts: ['im.test', 'im.test'] }),
    /spec\.hosts\[1\].*Duplicate/,
  ],
  [
    'a toleration with an unknown effect',
    () => cluster({ podTemplate: { tolerations: [{ key: 'a', effect: 'Never' }] } }),
    /spec\.podTemplate\.tolerations\[0\]\.effect.*NoSchedule/,
  ],
  [
    'an affinity that is a word',
    () => cluster({ rpc: { podTemplate: { affinity: { nodeAffinity: 'zone-a' } } } }),
    /spec\.rpc\.podTemplate\.affinity\.nodeAffinity.*object/,
  ],
  [
    'a rate that is no rate',
    () => tenant({ userLimits: { messagesPerSecond: 1e300 } }),
    /spec\.userLimits\.messagesPerSecond.*less than or equal to/,
  ],
  [
    'a label that no object can have',
    () => cluster({ podTemplate: { labels: { team: 'x'.repeat(64) } } }),
    /spec\.podTemplate\.labels.*63/,
  ],
  [
    'routes that share a host at a listener',
    () => cluster({ gateway: { httpRoute }, api: { httpRoute: { ...httpRoute, hostnames: ['im2.test'] } } }),
    /spec\.api\.httpRoute\.hostnames.*must have no host of spec\.gateway\.httpRoute\.hostnames.*use another host/,
  ],
  [
    'a route to upper-case hosts',
    () => cluster({ api: { httpRoute: { ...httpRoute, hostnames: ['IM.test'] } } }),
    /spec\.api\.httpRoute\.hostnames\[0\]/,
  ],
  [
    'two sources of a CA',
    () => natsTls({ caSecretRef: { name: 'a' }, caConfigMapRef: { name: 'b' } }),
    /spec\.nats\.external\.tls\.caConfigMapRef.*cannot be set together with caSecretRef/,
  ],
  [
    'TLS without a certificate',
    () => natsTls({}),
    /spec\.nats\.external\.tls.*set caSecretRef, caConfigMapRef or clientCertificateSecretRef, or remove tls/,
  ],
  [
    'certificates for object storage without TLS',
    () => s3({ credentialsSecretRef: { name: 'a' }, tls: { caSecretRef: { name: 'ca' } } }),
    /spec\.objectStorage\.external\.endpoint.*must start with https:\/\/ when tls is set/,
  ],
  [
    'object storage without credentials',
    () => s3({}),
    /spec\.objectStorage\.external\.credentialsSecretRef.*must be set, unless credentials is Role/,
  ],
  [
    'buckets in the name of an IP address',
    () => s3({ credentials: 'Role', endpoint: 'http://192.0.2.1:9000', pathStyle: false }),
    /spec\.objectStorage\.external\.pathStyle.*must be true/,
  ],
  [
    'a public URL for all buckets',
    () => cluster({ objectStorage: { publicBaseURL: 'https://cdn.example.com' } }),
    /spec\.objectStorage\.publicBaseURL.*must contain \{bucket\}/,
  ],
  [
    'URLs that are valid for longer than signatures may be',
    () => cluster({ objectStorage: { accessHours: 169 } }),
    /spec\.objectStorage\.accessHours/,
  ],
  [
    'keys and a role',
    () => s3({ credentials: 'Role', credentialsSecretRef: { name: 'a' } }),
    /spec\.objectStorage\.external\.credentialsSecretRef.*must be set, unless credentials is Role/,
  ],
  [
    'a number of gateways and autoscaling',
    () => cluster({ gateway: { replicas: 2, autoscaling: { maxReplicas: 3 } } }),
    /spec\.gateway.*set either replicas or autoscaling, not both/,
  ],
  [
    'fewer gateways at most than at least',
    () => cluster({ gateway: { autoscaling: { maxReplicas: 1 } } }),
    /spec\.gateway\.autoscaling\.maxReplicas.*must be at least minReplicas, which is 2 when absent/,
  ],
  [
    'a target above the limit',
    () =>
      cluster({
        gateway: {
          maxConnectionsPerPod: 500,
          autoscaling: { maxReplicas: 3, targetConnectionsPerPod: 501 },
        },
      }),
    /spec\.gateway\.autoscaling\.targetConnectionsPerPod.*must not exceed maxConnectionsPerPod/,
  ],
  [
    'a negative rate',
    () => cluster({ limits: { userMessages: { perSecond: -1 } } }),
    /spec\.limits\.userMessages\.perSecond.*greater than or equal to 0/,
  ],
  [
    'a burst that lets nothing through',
    () => cluster({ limits: { userBytes: { burst: 0 } } }),
    /spec\.limits\.userBytes\.burst.*greater than or equal to 1/,
  ],
  [
    'half a message at once',
    () => cluster({ limits: { mentionAll: { burst: 1.5 } } }),
    /spec\.limits\.mentionAll\.burst.*integer/,
  ],
  [
    'a number that the services cannot count',
    () => cluster({ limits: { userBytes: { burst: TOO_LARGE } } }),
    /spec\.limits\.userBytes\.burst.*less than or equal to 9007199254740991|9\.007199254740991e\+15/,
  ],
  [
    'a rate in words',
    () => cluster({ attempts: { logins: { ratePerSecond: 'many' } } }),
    /spec\.attempts\.logins\.ratePerSecond.*number/,
  ],
  [
    'less than no proxy',
    () => cluster({ attempts: { trustedProxies: -1 } }),
    /spec\.attempts\.trustedProxies.*greater than or equal to 0/,
  ],
  [
    'a quantity with a space',
    () => cluster({ rpc: { resources: { requests: { memory: '2 GB' } } } }),
    /spec\.rpc\.resources\.requests\.memory/,
  ],
  [
    'one host for gateway and api',
    () => cluster({ gateway: { ingress: { host: 'im.test' } }, api: { ingress: { host: 'im.test' } } }),
    /spec\.api\.ingress\.host.*must differ from spec\.gateway\.ingress\.host/,
  ],
  [
    'a policy for traffic from outside without such traffic',
    () => cluster({ gateway: { service: { externalTrafficPolicy: 'Local' } } }),
    /spec\.gateway\.service\.externalTrafficPolicy.*needs type NodePort or LoadBalancer/,
  ],
  [
    'source ranges without a load balancer',
    () => cluster({ api: { service: { type: 'NodePort', loadBalancerSourceRanges: ['192.0.2.0/24'] } } }),
    /spec\.api\.service\.loadBalancerSourceRanges.*needs type LoadBalancer/,
  ],
  [
    'a source range without a length',
    () => cluster({ api: { service: { type: 'LoadBalancer', loadBalancerSourceRanges: ['192.0.2.1'] } } }),
    /spec\.api\.service\.loadBalancerSourceRanges/,
  ],
  [
    'no connection per user',
    () => cluster({ gateway: { maxConnectionsPerUser: 0 } }),
    /spec\.gateway\.maxConnectionsPerUser.*greater than or equal to 1/,
  ],
  [
    'no frame at once',
    () => cluster({ gateway: { requests: { burst: 0 } } }),
    /spec\.gateway\.requests\.burst.*greater than or equal to 1/,
  ],
  [
    'a negative rate of logins',
    () => cluster({ gateway: { handshakes: { perLogin: { ratePerSecond: -0.1 } } } }),
    /spec\.gateway\.handshakes\.perLogin\.ratePerSecond.*greater than or equal to 0/,
  ],
  [
    'no share of the log',
    () => cluster({ nats: { tenantLogShare: 0 } }),
    /spec\.nats\.tenantLogShare.*must be 0\.01 to 1/,
  ],
  [
    'less than a hundredth of the log',
    () => cluster({ nats: { tenantLogShare: 0.005 } }),
    /spec\.nats\.tenantLogShare.*must be 0\.01 to 1/,
  ],
  [
    'a share as percentage',
    () => cluster({ nats: { tenantLogShare: 25 } }),
    /spec\.nats\.tenantLogShare.*less than or equal to 1/,
  ],
  ['a mail address that is none', () => tenant({ mail: { host: 'h', from: 'a b@c' } }), /spec\.mail\.from/],
  [
    'codes by SMS without a template',
    () =>
      tenant({ verification: { sms: { aliyun: { accessKeyID: 'A', accessKeySecretRef: { name: 's' } } } } }),
    /templates/,
  ],
  ['a run of no time', () => cluster({ cron: { runMinutes: 0 } }), /spec\.cron\.runMinutes/],
  [
    'a schedule of two fields',
    () => cluster({ cron: { schedules: { uploadExpiry: '1 2' } } }),
    /spec\.cron\.schedules\.uploadExpiry/,
  ],
  [
    'a negative limit of a tenant',
    () => tenant({ userLimits: { bytesPerSecond: -1 } }),
    /spec\.userLimits\.bytesPerSecond.*greater than or equal to 0/,
  ],
  [
    'a burst of a tenant that lets nothing through',
    () => tenant({ userLimits: { changeBurst: 0 } }),
    /spec\.userLimits\.changeBurst.*greater than or equal to 1/,
  ],
  [
    'a quota that the services cannot count',
    () => tenant({ quotas: { storageBytes: TOO_LARGE } }),
    /spec\.quotas\.storageBytes.*less than or equal to/,
  ],
  [
    'a nickname that is too long',
    () => tenant({ adminNicknames: ['x'.repeat(65)] }),
    /spec\.adminNicknames\[0\].*64/,
  ],
  [
    'no token per platform',
    () => tenant({ tokenPolicy: { maxTokensPerPlatform: 0 } }),
    /spec\.tokenPolicy\.maxTokensPerPlatform.*greater than or equal to 1/,
  ],
  [
    'the same notification twice',
    () => tenant({ notifications: [{ contentType: 1501 }, { contentType: 1501, isSendMsg: true }] }),
    /spec\.notifications.*listed twice/,
  ],
  [
    'a notification without its type',
    () => tenant({ notifications: [{ isSendMsg: true }] }),
    /spec\.notifications.*contentType/,
  ],
  [
    'a content type that is none',
    () => tenant({ notifications: [{ contentType: 15 }] }),
    /spec\.notifications\[0\]\.contentType.*greater than or equal to 1000/,
  ],
];
for (const [what, ask, says] of REFUSED) {
  test(`refused: ${what}`, async () => {
    const answer = await ask().then(
      () => 'accepted',
      (error: Error) => error.message,
    );
    assert.match(answer, says);
  });
}
