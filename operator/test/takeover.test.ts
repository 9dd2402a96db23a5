import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, KubeObject, Service, StatefulSet } from '@im/kube';
import { type Golden, makeObjects, readGolden } from './golden.ts';

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

const golden = readGolden();

test('recorded clusters exist', () => {
  assert.deepEqual(
    golden.map(({ input }) => input.name),
    ['big', 'external', 'hosts', 'managed', 'minimal', 'roles'],
  );
});

for (const recorded of golden) {
  const { name } = recorded.input;
  const now = makeObjects(recorded.input);

  test(`pod templates, hashes and selectors of cluster ${name} are byte for byte those of the version before`, () => {
    for (const object of recorded.objects) {
      const same = byId(now).get(idOf(object)) ?? assert.fail(`${idOf(object)} is not made any more`);
      assert.equal(JSON.stringify(podRelevant(same)), JSON.stringify(podRelevant(object)), idOf(object));
    }
  });

  test(`objects of cluster ${name} gain fields at most`, () => {
    const made = Object.fromEntries(byId(JSON.parse(JSON.stringify(now))));
    assert.partialDeepStrictEqual(made, Object.fromEntries(byId(recorded)));
    assert.partialDeepStrictEqual(now.effective, recorded.effective);
  });

  test(`processes of cluster ${name} find the config that they have`, () => {
    assert.equal(now.configHash, recorded.configHash);
  });
}
