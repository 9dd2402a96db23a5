import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerResources, podTemplate, templateHash } from './pod-template.ts';

const owner = { name: 'im', namespace: 'chat', uid: 'u-1' };
const container = {
  name: 'main',
  image: 'registry.example/im:1',
  env: [
    { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'LEVEL', value: 'info' },
  ],
};

test('a pod is Restricted, has no token and prefers other nodes', () => {
  const { metadata, spec } = podTemplate(owner, 'api', { spec: { containers: [container] } }, {});
  assert.deepEqual(spec?.securityContext, {
    runAsNonRoot: true,
    runAsUser: 65532,
    runAsGroup: 65532,
    fsGroup: 65532,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  });
  assert.equal(spec?.automountServiceAccountToken, false);
  assert.equal(spec?.serviceAccountName, 'im-service');
  assert.deepEqual(spec?.containers[0]?.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  const [first] = spec?.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  assert.equal(first?.podAffinityTerm.topologyKey, 'kubernetes.io/hostname');
  assert.equal(first?.podAffinityTerm.labelSelector?.matchLabels?.['app.kubernetes.io/component'], 'api');
  assert.equal(metadata?.annotations, undefined);
});

test('a PodSpec of the manifest is merged, but what the operator knows the container by stays', () => {
  const main = { ...container, args: ['serve'], volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }] };
  const definition = {
    spec: {
      terminationGracePeriodSeconds: 570,
      containers: [main],
      volumes: [{ name: 'tmp', emptyDir: {} }],
    },
    annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '10300', hash: 'ours' },
  };
  const annotations = { 'prometheus.io/scrape': 'false', hash: 'theirs' };
  const ca = { name: 'ca', secret: { secretName: 'ca' } };
  const { metadata, spec } = podTemplate(owner, 'api', definition, {
    annotations,
    spec: {
      terminationGracePeriodSeconds: 1,
      runtimeClassName: 'gvisor',
      securityContext: { runAsUser: null },
      volumes: [ca],
      containers: [
        { name: 'proxy', image: 'proxy:1' },
        {
          name: 'main',
          image: 'other:1',
          args: ['x'],
          lifecycle: {},
          volumeMounts: [{ name: 'ca', mountPath: '/ca' }],
          envFrom: [{ secretRef: { name: 'more' } }],
        },
      ],
    },
  });
  assert.deepEqual(metadata?.annotations, {
    'prometheus.io/scrape': 'false',
    'prometheus.io/port': '10300',
    hash: 'ours',
  });
  assert.deepEqual([spec?.terminationGracePeriodSeconds, spec?.runtimeClassName], [570, 'gvisor']);
  assert.deepEqual([spec?.securityContext?.runAsUser, spec?.securityContext?.fsGroup], [undefined, 65532]);
  assert.deepEqual(spec?.volumes, [{ name: 'tmp', emptyDir: {} }, ca]);
  const [ours, sidecar] = spec?.containers ?? [];
  assert.deepEqual(
    [ours?.name, ours?.image, ours?.args, ours?.lifecycle],
    ['main', 'registry.example/im:1', ['serve'], undefined],
  );
  assert.deepEqual(
    ours?.volumeMounts?.map(({ mountPath }) => mountPath),
    ['/tmp', '/ca'],
  );
  assert.deepEqual(sidecar?.securityContext, ours?.securityContext);
});

test('settings of the manifest are overlaid, but labels and wired variables of the operator take precedence', () => {
  const { metadata, spec } = podTemplate(
    owner,
    'api',
    { spec: { containers: [container, { name: 'side' }] }, annotations: { hash: 'ours' } },
    {
      labels: { team: 'chat', 'app.kubernetes.io/instance': 'other' },
      annotations: { hash: 'theirs', note: 'x' },
      nodeSelector: { disk: 'ssd' },
      priorityClassName: 'high',
      serviceAccountName: 'own',
      tolerations: [{ key: 'im', operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }],
      env: [
        { name: 'POD_NAME', value: 'forged' },
        { name: 'LEVEL', value: 'debug' },
        { name: 'EXTRA', value: '1' },
      ],
    },
  );
  assert.equal(metadata?.labels?.team, 'chat');
  assert.equal(metadata?.labels?.['app.kubernetes.io/instance'], 'im');
  assert.deepEqual(metadata?.annotations, { hash: 'ours', note: 'x' });
  assert.deepEqual(spec?.containers[0]?.env, [
    container.env[0],
    { name: 'LEVEL', value: 'debug' },
    { name: 'EXTRA', value: '1' },
  ]);
  assert.equal(spec?.containers[1]?.env, undefined);
  assert.deepEqual(
    [spec?.nodeSelector, spec?.priorityClassName, spec?.serviceAccountName, spec?.affinity],
    [{ disk: 'ssd' }, 'high', 'own', { nodeAffinity: {} }],
  );
  assert.deepEqual(spec?.tolerations, [{ key: 'im', operator: 'Exists' }]);
  assert.deepEqual(spec?.topologySpreadConstraints, [
    { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' },
  ]);
});

test('quantities become strings, as the API server gives them back', () => {
  assert.deepEqual(containerResources({ requests: { cpu: 1, memory: '1Gi' } }), {
    requests: { cpu: '1', memory: '1Gi' },
  });
});

test('a hash depends on values and the order of lists alone', () => {
  const hash = templateHash({ a: 1, b: { c: [1, 2], d: 'x' } });
  assert.match(hash, /^[0-9a-f]{16}$/);
  assert.equal(templateHash({ b: { d: 'x', c: [1, 2], e: undefined }, a: 1 }), hash);
  assert.notEqual(templateHash({ a: 1, b: { c: [2, 1], d: 'x' } }), hash);
  assert.notEqual(templateHash({ a: 2, b: { c: [1, 2], d: 'x' } }), hash);
});
