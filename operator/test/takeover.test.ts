import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, KubeObject, PodDisruptionBudget, Service, StatefulSet } from '@im/kube';
import { effectiveSpec } from '../src/resources/effective.ts';
import { ROLES, type Role } from '../src/resources/names.ts';
import { withPresentNames } from '../src/resources/renamed-fields.ts';
import { gatewayDeployment, type Mounts, workload } from '../src/resources/workloads.ts';
import {
  type Golden,
  type GoldenInput,
  makeObjects,
  NAMESPACE,
  OPERATOR,
  readGolden,
  UID,
} from './golden.ts';

const idOf = ({ kind, metadata }: KubeObject) => `${kind}/${metadata?.name}`;

function byId({ objects }: Golden): Map<string, KubeObject> {
  return new Map(objects.map((object) => [idOf(object), object]));
}

/** The part of an object that replaces pods, or cannot be changed, when it differs. */
function podRelevant(object: KubeObject): unknown {
  switch (object.kind) {
    case 'Deployment':
    case 'StatefulSet': {
      const { metadata, spec } = object as Deployment & StatefulSet;
      const { selector, template, serviceName, volumeClaimTemplates, podManagementPolicy } = spec ?? {};
      return {
        annotations: metadata?.annotations,
        ...{ selector, template, serviceName, volumeClaimTemplates, podManagementPolicy },
      };
    }
    case 'Service': {
      const { selector, clusterIP } = (object as Service).spec ?? {};
      return { selector, clusterIP };
    }
    default:
      return undefined;
  }
}

/** The pod template of a role that mounts `mounts`; by default that of template version 1. */
function templateOf({ input, effective }: Golden, role: Role, mounts?: Mounts) {
  const owner = { name: input.name, namespace: NAMESPACE, uid: UID };
  const common = {
    owner,
    restartHash: 'x',
    mounts,
    effective: effectiveSpec(presentInput(input).spec, OPERATOR, effective),
  };
  const made = role === 'gateway' ? gatewayDeployment(common, 1) : workload(role, common);
  return (made as Deployment).spec?.template;
}

/** A template without volumes of a revision, and without hashes and names that they are part of. */
function withoutMounts(template: ReturnType<typeof templateOf>) {
  const { annotations, labels, ...metadata } = template?.metadata ?? {};
  const volumes = template?.spec?.volumes?.filter(({ name }) => name !== 'config' && name !== 'connection');
  const names = [Object.keys(annotations ?? {}), Object.keys(labels ?? {})];
  return {
    metadata,
    names,
    spec: { ...template?.spec, volumes, affinity: undefined, topologySpreadConstraints: undefined },
  };
}

/** An input with present names of fields, as the operator reads it. */
function presentInput(input: GoldenInput): GoldenInput {
  const tenants = input.tenants.map((tenant) => ({
    ...tenant,
    spec: withPresentNames('OpenIMTenant', tenant.spec),
  }));
  return { ...input, spec: withPresentNames('OpenIMCluster', input.spec), tenants };
}

/** The recorded clusters; the Secrets of tenants have other names since. */
const golden: readonly Golden[] = JSON.parse(
  JSON.stringify(readGolden()).replace(/"name":"(\w+)-tenant-/g, '"name":"$1.tenant.'),
);

test('recorded clusters exist', () => {
  assert.deepEqual(
    golden.map(({ input }) => input.name),
    ['big', 'external', 'hosts', 'managed', 'minimal', 'roles'],
  );
});

for (const recorded of golden) {
  const { name } = recorded.input;
  const now = makeObjects(presentInput(recorded.input), recorded.effective, recorded.objects);

  test(`pod templates, hashes and selectors of cluster ${name} are byte for byte those of the version before`, () => {
    for (const object of recorded.objects) {
      const same = byId(now).get(idOf(object)) ?? assert.fail(`${idOf(object)} is not made any more`);
      assert.equal(JSON.stringify(podRelevant(same)), JSON.stringify(podRelevant(object)), idOf(object));
    }
  });

  test(`objects of cluster ${name} gain fields at most`, () => {
    const made = Object.fromEntries(byId(JSON.parse(JSON.stringify(now))));
    const before = byId(recorded);
    // The one field that changes: draining gateways are protected from evictions.
    const id = `PodDisruptionBudget/${name}-gateway`;
    const budget = before.get(id) as PodDisruptionBudget;
    const spec = { ...budget.spec, unhealthyPodEvictionPolicy: 'IfHealthyBudget' };
    before.set(id, { ...budget, spec } as KubeObject);
    assert.partialDeepStrictEqual(made, Object.fromEntries(before));
    assert.partialDeepStrictEqual(now.effective, withPresentNames('OpenIMCluster', recorded.effective));
  });

  test(`pods of template version 2 of cluster ${name} differ in what they mount alone`, () => {
    for (const role of ROLES) {
      const one = templateOf(recorded, role);
      const two = templateOf(recorded, role, { config: 'a-config', connection: 'a-connection' });
      assert.deepEqual(withoutMounts(two), withoutMounts(one), role);
      const volume = (wanted: string) => two?.spec?.volumes?.find((each) => each.name === wanted);
      assert.deepEqual(volume('config')?.configMap, { name: 'a-config', defaultMode: 0o440 });
      const key = { name: `${name}-credentials`, items: [{ key: 'rpcKey', path: 'rpc-key' }] };
      const sources = [{ secret: { name: 'a-connection' } }, { secret: key }];
      assert.deepEqual(volume('connection')?.projected, { defaultMode: 0o440, sources });
    }
  });

  test(`processes of cluster ${name} find the config that they have`, () => {
    assert.equal(now.configHash, recorded.configHash);
  });
}
