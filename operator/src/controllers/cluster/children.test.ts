import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment } from '@im/kube';
import { effectiveSpec } from '../../resources/effective.ts';
import { mountsOf, workload } from '../../resources/workloads.ts';
import { briefPod } from './children.ts';

test('the local copy of a pod keeps what the pod mounts of its revision', () => {
  const mounts = { config: 'chat-config-1', connection: 'chat-connection-1' };
  const owner = { namespace: 'im', name: 'chat', uid: 'u' };
  const effective = effectiveSpec({}, { version: '1.0.0', image: 'im:1' });
  const { spec } = workload('rpc', { owner, effective, restartHash: 'x', mounts }) as Deployment;
  const metadata = { namespace: 'im', name: 'chat-rpc-1', uid: '1', resourceVersion: '1' };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: spec?.template.spec };
  const kept = briefPod(pod) as unknown as { readonly spec: Parameters<typeof podMounts>[0] };
  assert.deepEqual(podMounts(kept.spec), mounts);
  assert.equal(JSON.stringify(kept).includes('livenessProbe'), false, 'and little else');
});

function podMounts({ volumes }: { readonly volumes: Parameters<typeof mountsOf>[0] }) {
  return mountsOf(volumes);
}
