import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  apply,
  clusterOf,
  conditionOf,
  type DeployedCluster,
  namespaceOf,
  OPENIM_CLUSTER,
  type OpenIMCluster,
  removeCluster,
  sample,
} from '@im/dev-cluster';
import { POD } from '@im/kube';
import { now } from '@im/proof';
import { SHARED, sharedCluster } from './shared-cluster.ts';
import { startTraffic } from './traffic.ts';
import { assertClean, identities, overEachGateway, seconds } from './verdicts.ts';

const PLACE = { namespace: 'openim-e2e-bad', name: 'bad' } as const;
/** Time in which a condition says what is wrong. */
const TOLD_WITHIN_MS = 30_000;
/** Time in which a node has tried to pull an image that does not exist. */
const PULLED_WITHIN_MS = 60_000;
const POLL_MS = 250;

type Spec = Readonly<Record<string, unknown>>;

/** A manifest that the API server refuses, and what it says: the field, and what to do. */
interface Refused {
  readonly what: string;
  readonly name?: string;
  readonly spec: Spec;
  readonly says: RegExp;
}

const REFUSED: readonly Refused[] = [
  { what: 'a name that no Service can have', name: '1bad', spec: {}, says: /metadata\.name must be 1 to 32/ },
  {
    what: 'Production with a managed MongoDB',
    spec: { profile: 'Production' },
    says: /needs spec\.mongodb\.external/,
  },
  {
    what: 'FsyncQuorum with one server',
    spec: { durability: 'FsyncQuorum' },
    says: /set spec\.nats\.managed\.replicas to 3/,
  },
  {
    what: 'an image without a tag',
    spec: { image: 'openim/openim-operator' },
    says: /spec\.image.*must end with a tag/,
  },
  {
    what: 'a node port of a ClusterIP Service',
    spec: { gateway: { service: { nodePort: 30_123 } } },
    says: /spec\.gateway\.service\.nodePort.*needs type NodePort/,
  },
  {
    what: 'a store both managed and external',
    spec: { redis: { managed: {}, external: { uriSecretRef: { name: 'redis' } } } },
    says: /spec\.redis.*set either managed or external/,
  },
  {
    what: 'two NATS servers',
    spec: { nats: { managed: { replicas: 2 } } },
    says: /spec\.nats\.managed.*1 or 3/,
  },
  {
    what: 'no gateway at all',
    spec: { gateway: { replicas: 0 } },
    says: /spec\.gateway\.replicas.*greater than or equal to 1/,
  },
  {
    what: 'a password in a server URL',
    spec: { nats: { external: { servers: ['nats://me:secret@nats.example.com:4222'] } } },
    says: /spec\.nats\.external\.servers/,
  },
  {
    what: 'a WebSocket URL of another scheme',
    spec: { gateway: { publicURL: 'https://im.example.com' } },
    says: /spec\.gateway\.publicURL/,
  },
  {
    what: 'a limit below nothing',
    spec: { limits: { userMessages: { perSecond: -1 } } },
    says: /spec\.limits\.userMessages\.perSecond.*greater than or equal to 0/,
  },
  {
    what: 'a share of the log in percent',
    spec: { nats: { tenantLogShare: 25 } },
    says: /spec\.nats\.tenantLogShare.*less than or equal to 1/,
  },
  {
    what: 'a field that does not exist',
    spec: { gateway: { replica: 2 } },
    says: /unknown field "replica" in .*spec\.gateway|spec\.gateway\.replica: field not declared/,
  },
];

/** Changes of a running cluster that the API server refuses. */
const REFUSED_CHANGES: readonly Refused[] = [
  {
    what: 'from managed to external',
    spec: { redis: { managed: null, external: { uriSecretRef: { name: 'redis' } } } },
    says: /spec\.redis.*cannot change between managed and external/,
  },
  {
    what: 'another database',
    spec: { mongodb: { database: 'other' } },
    says: /spec\.mongodb\.database.*cannot change/,
  },
  {
    what: 'a log in memory instead',
    spec: { durability: 'Memory' },
    says: /spec\.durability.*cannot change/,
  },
];

/** Stores of the shared cluster, as external ones, with passwords that are wrong. */
const STORES = `${SHARED.name}-STORE.${SHARED.namespace}.svc`;
const at = (store: string): string => STORES.replace('STORE', store);
const EXTERNAL: Spec = {
  profile: 'Development',
  nats: {
    external: { servers: [`nats://${at('nats')}:4222`], credentialsSecretRef: { name: 'nats' }, replicas: 1 },
  },
  mongodb: { external: { uriSecretRef: { name: 'mongodb' } } },
  redis: { external: { uriSecretRef: { name: 'redis' } } },
  objectStorage: {
    external: { endpoint: `http://${at('object-storage')}:8333`, credentialsSecretRef: { name: 's3' } },
  },
};
const WRONG: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  nats: { username: 'openim', password: 'wrong' },
  mongodb: {
    uri: `mongodb://openim:wrong@${at('mongodb')}:27017/openim?authSource=admin&directConnection=true`,
  },
  redis: { uri: `redis://:wrong@${at('redis')}:6379/0` },
  s3: { username: 'stranger', password: 'wrong' },
};

describe('wrong manifests', () => {
  let cluster: DeployedCluster;
  let pods: string[];
  const lines: string[] = [];

  before(async () => {
    cluster = await sharedCluster();
    await cluster.untilSettled();
    pods = identities(await cluster.pods());
    await apply(cluster.testCluster.kubernetes, [namespaceOf(PLACE.namespace)]);
  });
  after(async () => {
    process.stdout.write(`\n${lines.join('\n')}\n\n`);
    if (cluster) await removeCluster(cluster.testCluster, PLACE.namespace, PLACE.name);
    await cluster?.close();
  });

  function note(what: string, by: string, after: string, words: string): void {
    const said = `${by}${after === '' ? '' : ` after ${after}`}`;
    lines.push(`${what.padEnd(34)} ${said.padEnd(34)} ${words.replace(/\s+/g, ' ').slice(0, 200)}`);
  }
  async function assertUntouched(): Promise<void> {
    assert.deepEqual(identities(await cluster.pods()), pods, 'the running cluster is untouched');
  }

  for (const { what, name = PLACE.name, spec, says } of REFUSED) {
    test(`refused: ${what}`, async () => {
      const wrong = clusterOf({ ...PLACE, name }, spec);
      const answer = await apply(
        cluster.testCluster.kubernetes,
        [wrong],
        '--server-side',
        '--dry-run=server',
      ).then(
        () => 'accepted',
        (error: Error) => error.message,
      );
      note(what, 'API server', '', wordsOf(answer));
      assert.match(answer, says);
    });
  }

  for (const { what, spec, says } of REFUSED_CHANGES) {
    test(`refused of a running cluster: ${what}`, async () => {
      const { name, namespace, testCluster } = cluster;
      const patched = testCluster.api.patch(OPENIM_CLUSTER, { namespace, name }, { spec }, { dryRun: true });
      const answer = await patched.then(
        () => 'accepted',
        (error: Error) => error.message,
      );
      note(what, 'API server', '', wordsOf(answer));
      assert.match(answer, says);
      await assertUntouched();
    });
  }

  for (const name of ['development', 'production', 'external-backends']) {
    test(`the sample ${name} is accepted`, async () => {
      const objects = sample(name).filter(({ kind }) => kind !== 'Namespace');
      const moved = objects.map((object) => ({
        ...object,
        metadata: { ...object.metadata, namespace: PLACE.namespace },
      }));
      await apply(cluster.testCluster.kubernetes, moved, '--server-side', '--dry-run=server');
    });
  }

  async function untilTold(
    what: string,
    resource: () => Promise<OpenIMCluster | undefined>,
    type: string,
    says: RegExp,
    { status = 'False', withinMs = TOLD_WITHIN_MS } = {},
  ): Promise<void> {
    const startedAt = now();
    for (;;) {
      const condition = conditionOf((await resource())?.status, type);
      const words = `${condition?.reason}: ${condition?.message}`.replace(/\s+/g, ' ');
      if (condition?.status === status && says.test(words)) {
        note(what, type, seconds(now() - startedAt), words);
        return;
      }
      if (now() - startedAt > withinMs) {
        note(what, type, seconds(now() - startedAt), words);
        assert.fail(`${type} does not say ${says}: ${condition?.status} ${words}`);
      }
      await sleep(POLL_MS);
    }
  }

  test('a Secret that is missing, then one whose contents are wrong', { timeout: 180_000 }, async () => {
    const { kubernetes, api } = cluster.testCluster;
    const resource = () => api.get(OPENIM_CLUSTER, PLACE);
    await apply(kubernetes, [clusterOf(PLACE, EXTERNAL)]);
    await untilTold(
      'a missing Secret',
      resource,
      'Accepted',
      /SecretMissing: spec\.nats\.external\.credentialsSecretRef.*create it/,
    );
    const made = await api.list(POD, { namespace: PLACE.namespace });
    assert.equal(made.items.length, 0, 'no pod is made before');

    const secrets = Object.entries(WRONG).map(([name, stringData]) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: PLACE.namespace },
      stringData,
    }));
    await apply(kubernetes, secrets);
    for (const [type, says] of [
      ['NATSAvailable', /spec\.nats\.external.*credentialsSecretRef/],
      ['MongoDBAvailable', /spec\.mongodb\.external.*uriSecretRef/],
      ['RedisAvailable', /spec\.redis\.external.*uriSecretRef/],
      ['ObjectStorageAvailable', /spec\.objectStorage\.external.*credentialsSecretRef/],
    ] as const) {
      await untilTold('wrong credentials', resource, type, says);
    }
    await api.delete(OPENIM_CLUSTER, PLACE);
    await assertUntouched();
  });

  test('a schedule that no clock has, on a running cluster', { timeout: 120_000 }, async () => {
    await cluster.change({ spec: { cron: { schedules: { messageExpiry: '99 99 * * *' } } } });
    try {
      await untilTold(
        'a wrong schedule',
        cluster.resource,
        'Accepted',
        /InvalidConfig: .*spec\.cron\.schedules\.messageExpiry: must be/,
      );
      await assertUntouched();
    } finally {
      await cluster.change({ spec: { cron: { schedules: null } } });
    }
    await cluster.untilSettled();
    await assertUntouched();
  });

  test('an image that cannot be pulled: the old pods serve, and nothing is lost', {
    timeout: 240_000,
  }, async () => {
    const { image } = (await cluster.resource()).spec;
    await using traffic = await startTraffic(overEachGateway(cluster), {
      name: 'bad_image',
      users: 10,
      messagesPerSecond: 30,
    });
    await cluster.change({ spec: { image: 'openim.test/no-such-image:1.0.0' } });
    try {
      await untilTold(
        'an image that does not exist',
        cluster.resource,
        'Progressing',
        /PodsFailing: rpc: .*(ErrImagePull|ImagePullBackOff).*no-such-image.*correct the spec/,
        { status: 'True', withinMs: PULLED_WITHIN_MS },
      );
      const kept = identities(await cluster.pods()).filter((pod) => pods.includes(pod));
      assert.deepEqual(kept, pods, 'every pod of before still runs');
    } finally {
      await cluster.change({ spec: { image } });
    }
    await cluster.untilSettled();
    assertClean(await traffic.finish());
    await assertUntouched();
  });
});

/** What the API server said, without the command around it. */
function wordsOf(answer: string): string {
  return answer.replace(/^[\s\S]*?(?:is invalid: |Error from server[^:]*: |error validating data: )/, '');
}
