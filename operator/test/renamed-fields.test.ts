import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlPlane, startControlPlane } from '@im/dev-kubernetes';
import { createKubeClient, type KubeClient, type ResourceType } from '@im/kube';
import { parse } from 'yaml';
import {
  OPENIM_CLUSTER,
  OPENIM_TENANT,
  type OpenIMCluster,
  type OpenIMTenant,
} from '../src/resources/kinds.ts';
import { API_VERSION } from '../src/resources/names.ts';
import { RENAMED_FIELDS, type RenamedField, withPresentNames } from '../src/resources/renamed-fields.ts';
import { ROOT } from './manifests.ts';

const NAMESPACE = 'default';
const FILES = ['openimclusters', 'openimtenants'].map((plural) =>
  join(ROOT, `crds/${plural}.openim.io.yaml`),
);
/** Specs with former names, as earlier versions took them. */
const FORMER_CLUSTER = {
  gateway: { drain: { maxPerSecond: 10 } },
  push: { provider: 'log' },
  cron: { messageExpiry: '1 2 * * *', objectGroups: ['sdklog'], objectDays: 5 },
};
const FORMER_TENANT = { clusterRef: { name: 'chat' }, tokenPolicy: { multiLogin: 5 } };

let plane: ControlPlane;
let client: KubeClient;

before(async () => {
  plane = await startControlPlane();
  client = await createKubeClient({ kubeconfigPath: plane.kubeconfig });
});
after(async () => {
  client?.close();
  await plane?.stop();
});

/** A schema without rules and choices, which takes former names and values, too. */
function lenient(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(lenient);
  if (typeof node !== 'object' || node === null) return node;
  const kept = Object.entries(node).filter(
    ([key, value]) => !(['enum', 'x-kubernetes-validations'].includes(key) && Array.isArray(value)),
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, lenient(value)]));
}

const create = <T extends OpenIMCluster | OpenIMTenant>(
  type: ResourceType<T>,
  name: string,
  spec: object,
): Promise<T> =>
  client.create(type, {
    ...{ apiVersion: API_VERSION, kind: type.kind, metadata: { namespace: NAMESPACE, name }, spec },
  } as unknown as T);

test('objects that were stored with former names stay usable', async () => {
  for (const [i, file] of FILES.entries()) {
    const path = join(plane.dir, `former-${i}.json`);
    const definition = parse(await readFile(file, 'utf8'), { maxAliasCount: -1 });
    await writeFile(path, JSON.stringify(lenient(definition)));
    await plane.kubectl('apply', '--server-side', '-f', path);
  }
  await plane.kubectl('wait', '--for=condition=Established', 'crd', '--all');
  await create(OPENIM_CLUSTER, 'chat', FORMER_CLUSTER);
  await create(OPENIM_TENANT, 'shop', FORMER_TENANT);

  await plane.kubectl('apply', '--server-side', '-f', join(ROOT, 'crds'));
  await untilRefused();

  const key = { namespace: NAMESPACE, name: 'chat' };
  const changed = await client.patch(OPENIM_CLUSTER, key, { spec: { logLevel: 'debug' } });
  assert.deepEqual(withPresentNames('OpenIMCluster', changed.spec), {
    logLevel: 'debug',
    gateway: { drain: { maxConnectionsPerSecond: 10 } },
    push: { provider: 'Log' },
    cron: {
      schedules: { messageExpiry: '1 2 * * *' },
      retention: { objectGroups: ['sdklog'], objectDays: 5 },
    },
  });
  const tenant = { namespace: NAMESPACE, name: 'shop' };
  const { spec } = await client.patch(OPENIM_TENANT, tenant, { metadata: { labels: { a: 'b' } } });
  assert.equal(withPresentNames('OpenIMTenant', spec).tokenPolicy?.multiLogin, 'AllButPC');
  await assert.rejects(
    client.patch(OPENIM_CLUSTER, key, { spec: { cron: { objectDays: 6 } } }),
    /spec\.cron\.objectDays.*was renamed; set spec\.cron\.retention\.objectDays/,
  );
});

/** The schema of the second file is in force a moment after it was applied. */
async function untilRefused(): Promise<void> {
  for (let i = 0; ; i++) {
    const [one, two] = await Promise.all([
      create(OPENIM_CLUSTER, `c${i}`, FORMER_CLUSTER).then(
        () => false,
        () => true,
      ),
      create(OPENIM_TENANT, `t${i}`, FORMER_TENANT).then(
        () => false,
        () => true,
      ),
    ]);
    if (one && two) return;
    await sleep(100);
  }
}

/** A spec with one former field. */
function formerSpec({ from, values }: RenamedField): object {
  const name = from.split('.').at(-1) ?? '';
  const [first] = Object.keys(values ?? {});
  const numbers = /Days$|PerSecond$|multiLogin/.test(name);
  const plain = numbers ? Number(first ?? 1) : name === 'objectGroups' ? ['a'] : (first ?? '1 2 * * *');
  return from.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), plain) as object;
}

for (const [kind, type] of [
  ['OpenIMCluster', OPENIM_CLUSTER],
  ['OpenIMTenant', OPENIM_TENANT],
] as const) {
  test(`${kind}: every former name and value is refused with the present one`, async () => {
    for (const renamed of RENAMED_FIELDS[kind]) {
      const refused = await create(type as ResourceType<OpenIMCluster>, 'former', {
        ...(kind === 'OpenIMTenant' && { clusterRef: { name: 'chat' } }),
        ...formerSpec(renamed),
      }).then(
        () => 'accepted',
        (error: Error) => error.message,
      );
      const [present = ''] = Object.values(renamed.values ?? {});
      const says = renamed.values ? `Unsupported value` : `was renamed; set spec.${renamed.to}`;
      assert.ok(refused.includes(`spec.${renamed.from}`), `${renamed.from}: ${refused}`);
      assert.ok(refused.includes(says) && refused.includes(present), `${renamed.from}: ${refused}`);
    }
  });
}
