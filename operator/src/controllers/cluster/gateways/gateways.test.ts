import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, type Deployment, type KubeClient, type Pod, type Stored } from '@im/kube';
import { createMetrics, silentLogger } from '@im/process';
import { effectiveSpec } from '../../../resources/effective.ts';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import { nameOf, REVISION_LABEL } from '../../../resources/names.ts';
import { gatewayRevision } from '../../../resources/workloads.ts';
import type { ManifestApplier } from '../children.ts';
import { NO_OBSERVATION } from '../observation/observation.ts';
import type { ObservedCluster } from '../observation/observed-cluster.ts';
import { type GatewayDeps, GatewayReconciler } from './gateways.ts';

const owner = { namespace: 'im', name: 'chat', uid: 'u' };
const cluster = { metadata: { ...owner, resourceVersion: '1' } } as unknown as Stored<OpenIMCluster>;
const effective = effectiveSpec({ gateway: { replicas: 1 } }, { version: '1', image: 'im:1' });
const input = { owner, effective, restartHash: 'x' };
const revision = gatewayRevision(input);
const labels = { [REVISION_LABEL]: revision };

/** The only Deployment, all of whose pods are ready. */
const complete = (change: object = {}): Stored<Deployment> =>
  ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      ...{ namespace: 'im', name: nameOf.gatewayRevision('chat', revision), uid: 'd', resourceVersion: '1' },
      ...{ labels, generation: 1 },
    },
    spec: { replicas: 1 },
    status: { observedGeneration: 1, replicas: 1 },
    ...change,
  }) as unknown as Stored<Deployment>;
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'im', name: 'g', uid: 'g', resourceVersion: '1', labels },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
} as unknown as Stored<Pod>;

/** A step from a copy of the Deployment. @param apply what the API server answers to the pause. */
async function step(copy: Stored<Deployment>, apply: () => Promise<Stored<Deployment>>): Promise<boolean> {
  const deps = {
    client: { apply } as unknown as KubeClient,
    applier: { apply: async () => ({ object: copy, outcome: 'unchanged' }) } as unknown as ManifestApplier,
    processes: {},
    events: { event: () => {}, run: async () => {} },
    observer: { observationOf: () => ({ ...NO_OBSERVATION, observedAt: 1 }) },
    nodes: { of: () => undefined },
    log: silentLogger(),
    metrics: createMetrics(),
  } as unknown as GatewayDeps;
  const observed = {
    gatewayDeployments: () => [copy],
    gatewayPods: () => [pod],
    selectedRevision: () => revision,
  } as unknown as ObservedCluster;
  const asked = { cluster, observed, input, rpcKey: 'k', othersComplete: true };
  const { plan } = await new GatewayReconciler(deps).reconcile(asked, new AbortController().signal);
  return plan.complete;
}

const PAUSED = { spec: { replicas: 1, paused: true } };

test('the gateways are complete once their controller has observed that the Deployment is paused', async () => {
  const written = complete(PAUSED);
  const unobserved = { ...written, metadata: { ...written.metadata, generation: 2 } };
  // Late, the first look finds all pods ready; the pause that it writes is a change that is yet to be observed.
  assert.equal(await step(complete(), async () => unobserved), false);
  const conflict = new ApiError({ status: 409, reason: 'Conflict', message: 'modified' });
  assert.equal(await step(complete(), () => Promise.reject(conflict)), false);
  assert.equal(await step(written, async () => written), true);
});
