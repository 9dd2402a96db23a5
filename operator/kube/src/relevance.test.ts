import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject, Stored } from './objects.ts';
import { beyondStatus } from './relevance.ts';

const object = (change: object = {}, status: object = {}): Stored<KubeObject> =>
  ({
    apiVersion: 'v1',
    kind: 'Thing',
    metadata: { name: 'a', uid: 'u', resourceVersion: '1', generation: 1, ...change },
    status,
  }) as unknown as Stored<KubeObject>;

test('a change of status alone is not relevant; of anything that a user or Kubernetes sets it is', () => {
  assert.equal(beyondStatus(object(), object({ resourceVersion: '2' }, { ready: true })), false);
  for (const change of [
    { generation: 2 },
    { labels: { a: 'b' } },
    { annotations: { a: 'b' } },
    { finalizers: ['a'] },
    { deletionTimestamp: new Date(0) },
    { uid: 'other' },
  ]) {
    assert.equal(
      beyondStatus(object(), object({ resourceVersion: '2', ...change })),
      true,
      JSON.stringify(change),
    );
  }
  assert.equal(beyondStatus(undefined, object()), true);
  assert.equal(beyondStatus(object(), undefined), true);
});
