import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, type Deployment, type KubeObject, type Stored } from '@im/kube';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import { ANNOTATION } from '../../../resources/names.ts';
import { Attempts } from '../attempts.ts';
import type { ManifestApplier } from '../children.ts';
import type { Stage } from '../create.ts';
import { QUEUED } from '../observation/observation.ts';
import { OVERDUE_MS, type RolloutOptions, rollOut, withAge } from './rollout.ts';

const { signal } = new AbortController();
const cluster = { metadata: { name: 'chat', generation: 1 } } as Stored<OpenIMCluster>;

function workload(name: string, hash: string): Deployment {
  const metadata = { name, generation: 1, annotations: { [ANNOTATION.templateHash]: hash } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: { replicas: 1 },
  } as unknown as Deployment;
}

const AVAILABLE = { observedGeneration: 1, updatedReplicas: 1, availableReplicas: 1, replicas: 1 };

/** Workloads in Kubernetes; those in `refused` are refused, those in `lost` have a pod too few. */
async function run(
  observed: Readonly<Record<string, string>>,
  faults: { readonly refused?: readonly string[]; readonly lost?: readonly string[] } = {},
  options?: RolloutOptions,
) {
  const applied: string[] = [];
  const applier = {
    observed({ metadata }: KubeObject) {
      const hash = observed[metadata?.name ?? ''];
      return hash === undefined ? undefined : workload(metadata?.name ?? '', hash);
    },
    async apply(manifest: KubeObject) {
      const name = manifest.metadata?.name ?? '';
      if (faults.refused?.includes(name)) throw new ApiError({ status: 422, reason: '', message: 'no' });
      applied.push(name);
      const status = faults.lost?.includes(name) ? { ...AVAILABLE, availableReplicas: 0 } : AVAILABLE;
      return { object: { ...manifest, status }, outcome: 'changed' };
    },
  } as unknown as ManifestApplier;
  const stages: Stage[] = ['nats', 'mongodb', 'rpc', 'api'].map((name) => ({
    name,
    workloads: [workload(name, 'new')],
  }));
  const attempts = new Attempts().of(cluster);
  return { applied, ...(await rollOut({ applier, attempts }, stages, signal, options)) };
}

const OLD = { nats: 'old', mongodb: 'old', rpc: 'old', api: 'old' };

test('a stage that is not complete holds back changes of pods behind it', async () => {
  const { applied, result, waiting } = await run(OLD, { lost: ['nats'] });
  assert.deepEqual(applied, ['nats']);
  assert.deepEqual([result.stage, result.behind], ['nats', ['mongodb', 'rpc', 'api']]);
  assert.equal(waiting?.reason, 'PodsNotAvailable');
  assert.match(result.message, /0 of 1 pods available; mongodb, rpc, api wait/);
});

test('a refused workload holds back changes of pods, but no new object and no other change', async () => {
  const { applied, result, problems, stalled } = await run(
    { nats: 'new', rpc: 'old', api: 'old' },
    { refused: ['rpc'] },
  );
  assert.deepEqual(applied, ['nats', 'mongodb'], 'mongodb is new');
  assert.deepEqual([result.stage, result.behind, stalled], ['rpc', ['api'], true]);
  assert.equal(problems[0]?.object, 'Deployment rpc');
  const unchanged = await run({ ...OLD, api: 'new' }, { refused: ['nats'] });
  assert.deepEqual(unchanged.applied, ['api'], 'its pods do not change');
});

test('objects that pods need hold back every change of pods', async () => {
  const held = { stage: 'objects', message: 'Secret chat-connection could not be applied' };
  const { applied, result } = await run({ rpc: 'old', api: 'new' }, {}, { held, forced: true });
  assert.deepEqual(applied, ['nats', 'mongodb', 'api']);
  assert.deepEqual([result.stage, result.behind], ['objects', ['rpc']]);
});

test('a rollout that waits for other clusters replaces no pod, starts new ones, and is never overdue', async () => {
  const held = { stage: QUEUED, reason: 'WaitingForOtherClusters', message: 'waiting' };
  const { applied, result: state, ...report } = await run({ rpc: 'old', api: 'new' }, {}, { held });
  assert.deepEqual(applied, ['nats', 'mongodb', 'api']);
  assert.deepEqual([state.stage, state.reason], [QUEUED, 'WaitingForOtherClusters']);
  const later = withAge({ state, report, since: 0, now: 10 * OVERDUE_MS, cluster });
  assert.equal(later.report.stalled, false);
});

test('a forced rollout waits for no stage', async () => {
  const { applied, result } = await run(OLD, { lost: ['nats'] }, { forced: true });
  assert.deepEqual(applied, ['nats', 'mongodb', 'rpc', 'api']);
  assert.equal(result.stage, 'nats', 'it is reported all the same');
});

test('a complete rollout has no stage', async () => {
  const { applied, result, stalled } = await run(OLD);
  assert.equal(applied.length, 4);
  assert.deepEqual([result.stage, stalled], [undefined, false]);
});

test('a rollout that waits for ten minutes is stalled and names the way out', async () => {
  const { result: state, ...report } = await run(OLD, { lost: ['nats'] });
  const aged = (now: number) => withAge({ state, report, since: 1_000, now, cluster });
  const early = aged(999 + OVERDUE_MS);
  assert.deepEqual([early.report.stalled, early.state], [false, state]);
  assert.equal(early.report.waiting?.until, 1_000 + OVERDUE_MS);
  const late = aged(1_000 + OVERDUE_MS);
  assert.equal(late.report.stalled, true);
  assert.match(late.state.message, /mongodb, rpc, api wait .*openim\.io\/force-rollout=1$/);
  assert.deepEqual(aged(Number.MAX_SAFE_INTEGER).state, late.state, 'the text stays as it is');
});
