import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Applier, EventText, Stored } from '@im/kube';
import { statusOf } from '../../../../test/status-fixture.ts';
import type { OpenIMClusterStatus } from '../../../gen/openimcluster.ts';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import { StatusWriter } from './status-writer.ts';

const signal = new AbortController().signal;

function copy(resourceVersion: string, status?: OpenIMClusterStatus): Stored<OpenIMCluster> {
  return {
    apiVersion: 'openim.io/v1alpha1',
    kind: 'OpenIMCluster',
    metadata: { name: 'chat', namespace: 'im', uid: 'u', resourceVersion },
    spec: {},
    ...(status && { status }),
  } as Stored<OpenIMCluster>;
}

/** An applier whose writes get versions from 11 on. */
function writer() {
  let version = 10;
  const events: EventText[] = [];
  const applyStatus = async (_type: unknown, object: OpenIMCluster) => ({
    object: copy(String(++version), object.status),
    outcome: 'changed' as const,
  });
  const statuses = new StatusWriter({ applyStatus } as unknown as Applier, {
    event: (_about, text) => events.push(text),
    run: async () => {},
  });
  return { statuses, events };
}

test('a change is reported once, however late the local copy is', async () => {
  const { statuses, events } = writer();
  const rolling = statusOf({ rollout: { stage: 'rpc', message: 'a' } });
  await statuses.write(statuses.latest(copy('10')), rolling, signal);
  const done = statusOf({ before: rolling });
  await statuses.write(statuses.latest(copy('10')), done, signal);
  // The local copy has the first write, not the second.
  const late = statuses.latest(copy('11', rolling));
  assert.equal(late.metadata.resourceVersion, '12');
  await statuses.write(late, statusOf({ before: late.status }), signal);
  assert.deepEqual(
    events.map(({ reason }) => reason),
    ['RolloutStarted', 'RolloutFinished', 'Ready'],
  );
});

test('a local copy that has moved on counts', () => {
  const { statuses } = writer();
  assert.equal(statuses.latest(copy('99')).metadata.resourceVersion, '99');
});
