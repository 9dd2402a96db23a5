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
      requests: rate(0, 1),
      handshakes: { ratePerSecond: 1, burst: 1, perLogin: rate(0.1, 5) },
    },
    nats: { tenantLogShare: 0.01 },
    push: { wakesPerUserBurst: 1 },
    cron: { uploadExpiry: '27 * * * *', objectGroups: ['sdklog'] },
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
    userLimits: { messagesPerSecond: 0, messageBurst: 1, mentionAllPerMinute: 0.5 },
    notifications: [{ contentType: 1501, reliabilityLevel: 2, offlinePush: { enable: true, title: 'T' } }],
  };
  assert.deepEqual((await tenant(own)).spec, { clusterRef: { name: 'chat' }, ...own });
});

const TOO_LARGE = Number.MAX_SAFE_INTEGER + 1;

/** What the API server refuses, with the field that it names. */
const REFUSED: readonly [what: string, ask: () => Promise<unknown>, says: RegExp][] = [
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
  ['a schedule of two fields', () => cluster({ cron: { uploadExpiry: '1 2' } }), /spec\.cron\.uploadExpiry/],
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
    /spec\.notifications.*(Duplicate|duplicate)/,
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
