import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment } from '@im/kube';
import type { OpenIMClusterSpec } from '../gen/openimcluster.ts';
import { effectiveSpec } from './effective.ts';
import { ANNOTATION, REVISION_LABEL, ROLES } from './names.ts';
import {
  gatewayDeployment,
  gatewayRevision,
  serviceAccount,
  type WorkloadInput,
  workload,
} from './workloads.ts';

const owner = { name: 'chat', namespace: 'im', uid: 'u' };

function inputFor(spec: OpenIMClusterSpec = {}, change: Partial<WorkloadInput> = {}): WorkloadInput {
  const effective = effectiveSpec(spec, { version: '1.0.0', image: 'im:1.0.0' });
  return { owner, effective, restartHash: 'r1', ...change };
}

const podOf = ({ spec }: Deployment) => spec?.template.spec ?? assert.fail('a Deployment has a pod template');
const containerOf = (deployment: Deployment) =>
  podOf(deployment).containers[0] ?? assert.fail('a pod has a container');

const OTHER_ROLES = ROLES.filter((role) => role !== 'gateway');

test('every role runs the image with its name as argument, and has probes on the ops port', () => {
  const deployments = [
    ...OTHER_ROLES.map((role) => workload(role, inputFor())),
    gatewayDeployment(inputFor(), 2),
  ];
  for (const deployment of deployments) {
    const { name, image, args, startupProbe, livenessProbe, readinessProbe, lifecycle } =
      containerOf(deployment);
    assert.equal(image, 'im:1.0.0');
    assert.deepEqual(args, ['serve', name, '--config', '/etc/openim/config/im.yaml']);
    assert.deepEqual(
      [startupProbe, livenessProbe, readinessProbe, lifecycle?.preStop].map((probe) => [
        probe?.httpGet?.path,
        probe?.httpGet?.port,
      ]),
      ['/healthz', '/healthz', '/readyz', '/prestop'].map((path) => [path, 'ops']),
    );
  }
});

test('ports have the names that Services use', () => {
  const ports = {
    gateway: ['ops', 'ws'],
    api: ['ops', 'http'],
    rpc: ['ops', 'auth', 'user', 'msg', 'conversation', 'group', 'relation', 'third'],
    transfer: ['ops'],
    push: ['ops'],
    cron: ['ops'],
  };
  for (const role of ROLES) {
    const made = role === 'gateway' ? gatewayDeployment(inputFor(), 1) : workload(role, inputFor());
    assert.deepEqual(
      containerOf(made).ports?.map(({ name }) => name),
      ports[role],
      role,
    );
  }
});

test('a rollout starts a new pod before it stops an old one, except for cron', () => {
  for (const role of OTHER_ROLES) {
    assert.deepEqual(
      workload(role, inputFor()).spec?.strategy,
      role === 'cron'
        ? { type: 'Recreate' }
        : { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    );
  }
});

test('the heap follows the memory limit', () => {
  const options = (memory: string | undefined) => {
    const resources = memory === undefined ? {} : { limits: { memory } };
    const { env } = containerOf(workload('api', inputFor({ api: { resources } })));
    return env?.find(({ name }) => name === 'NODE_OPTIONS')?.value ?? '';
  };
  assert.match(options('1000Mi'), /--max-old-space-size=700\b/);
  assert.match(options('2Gi'), /--max-old-space-size=1433\b/);
  assert.doesNotMatch(options(undefined), /max-old-space-size/);
});

test('the grace period of a gateway is its drain deadline and 30 s, of other roles 35 s', () => {
  const input = inputFor({ gateway: { drain: { deadlineSeconds: 90 } } });
  assert.equal(podOf(gatewayDeployment(input, 1)).terminationGracePeriodSeconds, 120);
  assert.equal(podOf(workload('rpc', input)).terminationGracePeriodSeconds, 35);
});

test('the template hash changes with everything that replaces pods, and with nothing else', () => {
  const hash = (input: WorkloadInput) =>
    workload('rpc', input).metadata?.annotations?.[ANNOTATION.templateHash];
  const base = hash(inputFor());
  const replacing = [
    inputFor({ image: 'im:2' }),
    inputFor({ rpc: { resources: { limits: { memory: '2Gi' } } } }),
    inputFor({ rpc: { podTemplate: { env: [{ name: 'A', value: '1' }] } } }),
    inputFor({ imagePullSecrets: [{ name: 'pull' }] }),
    inputFor({}, { restartHash: 'r2' }),
    inputFor({}, { restartedAt: '2026-01-01T00:00:00Z' }),
  ];
  assert.equal(new Set([base, ...replacing.map(hash)]).size, replacing.length + 1);
  for (const spec of [{ rpc: { replicas: 9 } }, { api: { replicas: 9 } }, { logLevel: 'debug' }] as const) {
    assert.equal(hash(inputFor(spec)), base, JSON.stringify(spec));
  }
});

/** Labels of the pods with which these prefer not to share a node, and a zone. */
function apartFrom(deployment: Deployment) {
  const terms =
    podOf(deployment).affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms.map(({ podAffinityTerm: { topologyKey, labelSelector } }) => ({
    topologyKey,
    labels: labelSelector?.matchLabels,
  }));
}

test('gateways prefer other nodes than those of their own revision, not than those of the one that they replace', () => {
  const input = inputFor({}, { apartByRevision: true });
  const deployment = gatewayDeployment(input, 2);
  const { labels = {} } = deployment.spec?.template.metadata ?? {};
  const found = apartFrom(deployment);
  assert.deepEqual(
    found.map(({ topologyKey }) => topologyKey),
    ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'],
  );
  const old = gatewayDeployment(inputFor({ image: 'im:2' }, { apartByRevision: true }), 2);
  for (const { labels: selected = {} } of found) {
    const selects = (pod: Readonly<Record<string, string>> = {}) =>
      Object.entries(selected).every(([name, value]) => pod[name] === value);
    assert.ok(selects(labels), 'the pods of the revision');
    assert.ok(!selects(old.spec?.template.metadata?.labels), 'those of another one');
  }
  // The template of one name never changes, so the same spec of an earlier template version has another.
  assert.notEqual(gatewayRevision(input), gatewayRevision(inputFor()));
  assert.equal(labels[REVISION_LABEL], gatewayRevision(input));
});

test('pods of other roles prefer other nodes than those of their role, in all template versions', () => {
  for (const role of OTHER_ROLES) {
    const [before, now] = [inputFor(), inputFor({}, { apartByRevision: true })].map((input) =>
      workload(role, input),
    );
    assert.deepEqual(now, before, role);
  }
});

test('a revision of the gateways is named after its template and selects its own pods', () => {
  const input = inputFor();
  const revision = gatewayRevision(input);
  assert.match(revision, /^[0-9a-f]{10}$/);
  assert.notEqual(gatewayRevision(inputFor({ image: 'im:2' })), revision);
  const { metadata, spec } = gatewayDeployment(input, 3);
  assert.equal(metadata?.name, `chat-gateway-${revision}`);
  assert.equal(spec?.replicas, 3);
  assert.equal(spec?.selector.matchLabels?.[REVISION_LABEL], revision);
  assert.equal(spec?.template.metadata?.labels?.[REVISION_LABEL], revision);
});

test('pods have a service account without a token', () => {
  assert.partialDeepStrictEqual(serviceAccount(owner, inputFor().effective), {
    metadata: { name: 'chat-service', namespace: 'im' },
    automountServiceAccountToken: false,
  });
  assert.equal(podOf(workload('push', inputFor())).serviceAccountName, 'chat-service');
  assert.equal(serviceAccount(owner, inputFor().effective).metadata?.annotations, undefined);
  const annotations = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/im' };
  const { effective } = inputFor({ serviceAccount: { annotations } });
  assert.deepEqual(serviceAccount(owner, effective).metadata?.annotations, annotations);
});
