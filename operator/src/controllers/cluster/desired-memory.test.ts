import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatefulSet } from '@im/kube';
import { desiredInput } from '../../../test/desired-fixture.ts';
import { effectiveSpec } from '../../resources/effective.ts';
import { makeCredentials } from '../../resources/stores/credentials.ts';
import type { ObservedMounts } from '../../resources/workloads.ts';
import type { DesiredInput } from './create.ts';
import { DesiredMemory } from './desired-memory.ts';
import { NO_HISTORY } from './revisions.ts';

const owner = { namespace: 'im', name: 'chat', uid: 'u' };
const credentials = makeCredentials();
const effective = effectiveSpec({}, { version: '1.0.0', image: 'im:1' });

const inputOf = (given: Partial<DesiredInput> = {}): DesiredInput =>
  desiredInput({ owner, effective, credentials, ...given });

const set = (generation: number): StatefulSet => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'chat-nats', uid: 'n', generation },
});
const mounts: ObservedMounts = { role: 'rpc', restartHash: 'x', config: 'c', connection: 's' };

test('equal input gives the same objects, and so does another number of equal pods', () => {
  const memory = new DesiredMemory();
  const history = (count: number) => ({
    ...NO_HISTORY,
    mounted: Array.from({ length: count }, () => mounts),
  });
  const first = memory.of('im/chat', inputOf({ history: history(1) }));
  assert.equal(memory.of('im/chat', inputOf({ history: history(3) })), first);
  assert.notEqual(memory.of('im/other', inputOf({ history: history(1) })), first);
  memory.forget('im/chat');
  assert.notEqual(memory.of('im/chat', inputOf({ history: history(1) })), first);
});

const CHANGES: Readonly<Record<string, Partial<DesiredInput>>> = {
  spec: { effective: effectiveSpec({ logLevel: 'debug' }, { version: '1.0.0', image: 'im:1' }) },
  connection: { connection: { ...inputOf().connection, 'redis-url': 'redis://other' } },
  'settings level': { settingsLevel: 2 },
  'StatefulSet of another generation': { statefulSets: [set(2)] },
  'mounts of a pod': { history: { ...NO_HISTORY, mounted: [mounts] } },
  'observed config': { history: { ...NO_HISTORY, configs: new Map([['chat-config', 'log: {}']]) } },
  'observed connection': { history: { ...NO_HISTORY, connections: new Map([['s', { a: 'b' }]]) } },
};

for (const [what, change] of Object.entries(CHANGES)) {
  test(`changed input gives other objects: ${what}`, () => {
    const memory = new DesiredMemory();
    const before = memory.of('im/chat', inputOf({ statefulSets: [set(1)] }));
    assert.notEqual(memory.of('im/chat', inputOf({ statefulSets: [set(1)], ...change })), before);
  });
}
