import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventText, KubeClient, Pod, Stored } from '@im/kube';
import { effectiveSpec } from '../../../resources/effective.ts';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import type { ManifestApplier } from '../children.ts';
import type { ProcessApi } from '../observation/process-api.ts';
import { GatewayActions } from './gateway-actions.ts';

const owner = { namespace: 'im', name: 'chat', uid: 'u' };
const input = { owner, effective: effectiveSpec({}, { version: '1', image: 'im:1' }), restartHash: 'x' };
const metadata = { namespace: 'im', name: 'g1', uid: 'g', resourceVersion: '1' };
const pod: Stored<Pod> = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata,
  status: { phase: 'Running', podIP: '10.0.0.1' },
};

test('a gateway that refuses every request has one event until it accepts one', async () => {
  const events: EventText[] = [];
  let accepts = false;
  const deps = {
    client: { patch: async () => pod } as unknown as KubeClient,
    applier: {} as ManifestApplier,
    processes: {
      async drain() {
        if (!accepts) throw new Error('503');
      },
    } as unknown as ProcessApi,
    events: { event: (_about: unknown, text: EventText) => events.push(text), run: async () => {} },
  };
  const failing = new Set<string>();
  const step = async () => {
    const cluster = { metadata: owner } as unknown as Stored<OpenIMCluster>;
    const context = { cluster, input, rpcKey: 'k', deployments: [], pods: [pod], failing };
    const drain = { kind: 'drain', pod: 'g1', until: Date.now(), reason: 'ScaleIn', why: 'of it' } as const;
    await new GatewayActions(deps, context).execute(drain, new AbortController().signal);
    return events.filter(({ reason }) => reason === 'GatewayRequestFailed').length;
  };
  assert.equal(await step(), 1);
  assert.equal(await step(), 1);
  accepts = true;
  assert.equal(await step(), 1);
  accepts = false;
  assert.equal(await step(), 2);
});
