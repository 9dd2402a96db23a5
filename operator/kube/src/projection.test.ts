import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fingerprint, projectionOf } from './projection.ts';

const MANIFEST = {
  metadata: { name: 'd', labels: { app: 'im' }, annotations: {} },
  spec: {
    replicas: 2,
    paused: false,
    template: {
      spec: {
        containers: [{ name: 'c', args: ['serve', 'api'], resources: { limits: { cpu: '1000m' } } }],
      },
    },
  },
};

function live() {
  return {
    metadata: { name: 'd', labels: { app: 'im', other: 'x' }, uid: 'u', resourceVersion: '7' },
    spec: {
      replicas: 2,
      strategy: { type: 'RollingUpdate' },
      template: {
        spec: {
          containers: [
            {
              name: 'c',
              args: ['serve', 'api'],
              resources: { limits: { cpu: '1' } },
              imagePullPolicy: 'Always',
            },
          ],
        },
      },
    },
    status: { readyReplicas: 1 },
  };
}

test('fields set by others do not count, fields set by the manifest do', () => {
  const before = projectionOf(MANIFEST, live());
  assert.ok(before);
  const unmoved = live();
  Object.assign(unmoved.status, { readyReplicas: 2 });
  Object.assign(unmoved.metadata, { resourceVersion: '8' });
  Object.assign(unmoved.spec.strategy, { type: 'Recreate' });
  assert.equal(projectionOf(MANIFEST, unmoved), before);

  const changes: ((object: ReturnType<typeof live>) => unknown)[] = [
    (object) => Object.assign(object.spec, { replicas: 3 }),
    (object) => Object.assign(object.metadata.labels, { app: 'other' }),
    (object) => object.spec.template.spec.containers[0]?.args.push('--verbose'),
    (object) => object.spec.template.spec.containers[0]?.args.reverse(),
    (object) => Object.assign(object.spec.template.spec.containers[0] ?? {}, { resources: {} }),
    (object) =>
      object.spec.template.spec.containers.push({ ...live().spec.template.spec.containers[0] } as never),
  ];
  for (const change of changes) {
    const moved = live();
    change(moved);
    assert.notEqual(projectionOf(MANIFEST, moved), before, String(change));
  }
});

test('fields that the server does not show make changes invisible', () => {
  assert.equal(projectionOf({ stringData: { a: 'b' } }, { data: { a: 'Yg==' } }), undefined);
  assert.equal(projectionOf({ list: [1, 2] }, { list: [1] }), undefined);
  assert.ok(projectionOf({ spec: { paused: false, labels: {}, n: 0, deep: { list: [] } } }, {}));
});

test('a fingerprint knows content, not order or absent keys', () => {
  assert.equal(fingerprint({ a: 1, b: { c: 2, d: undefined } }), fingerprint({ b: { c: 2 }, a: 1 }));
  assert.notEqual(fingerprint({ a: [1, 2] }), fingerprint({ a: [2, 1] }));
});
