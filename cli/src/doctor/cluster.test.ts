import assert from 'node:assert/strict';
import { test } from 'node:test';
import { versionFindings } from './cluster.ts';

const metadata = { name: 'chat', namespace: 'im', uid: 'u', resourceVersion: '1' };
const component = (name: string, version: string | undefined, updated = 2) => ({
  ...{ name, desired: 2, ready: 2, updated },
  ...(version !== undefined && { version }),
});
const findingsOf = (...components: ReturnType<typeof component>[]) =>
  versionFindings({
    metadata,
    status: { components, effective: { version: '0.1.0-1735e47a02b8' } },
  } as never);

test('processes of one version are no skew, whatever the tag of their image is', () => {
  assert.deepEqual(
    findingsOf(component('gateway', '0.1.0'), component('rpc', '0.1.0'), component('nats', undefined, 0)),
    [],
  );
});

test('processes of two versions, and those that are not updated, are named', () => {
  const [two] = findingsOf(component('gateway', '0.1.0'), component('rpc', '0.2.0'));
  assert.match(two?.message ?? '', /gateway 0\.1\.0, rpc 0\.2\.0/);
  const [late] = findingsOf(component('gateway', '0.1.0', 1), component('rpc', '0.1.0'));
  assert.match(late?.message ?? '', /gateway 0\.1\.0 \(1 of 2 updated\)/);
});
