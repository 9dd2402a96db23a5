import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import { consoleURL } from '../src/resources/console-address.ts';
import { STORAGE, STORE_IMAGES } from '../src/resources/defaults.ts';
import { type EffectiveSpec, effectiveSpec } from '../src/resources/effective.ts';
import { RUNBOOKS } from '../src/resources/monitoring/prometheus-rule.ts';
import { type StructuralSchema, schemaOf } from './manifests.ts';

const operator = { version: '1.2.3', image: 'openim/openim-operator:1.2.3' };

const MANAGED = effectiveSpec(
  { gateway: { autoscaling: { maxReplicas: 5 } }, prober: { enabled: true } },
  operator,
);
const { monitoring: MONITORED = {} } = effectiveSpec(
  { monitoring: { podMonitor: { enabled: true }, rules: { enabled: true }, dashboards: { enabled: true } } },
  operator,
);
const PRODUCTION = effectiveSpec({ profile: 'Production' }, operator);
const ref = { name: 'a' };
const tls = { caSecretRef: ref };
const EXTERNAL = effectiveSpec(
  {
    nats: { external: { servers: ['nats://n'], credentialsSecretRef: ref, tls } },
    mongodb: { external: { uriSecretRef: ref, tls } },
    redis: { external: { uriSecretRef: ref, tls } },
    objectStorage: { external: { endpoint: 'https://s3', credentialsSecretRef: ref, tls } },
  } satisfies OpenIMClusterSpec,
  operator,
);

const WITHOUT_TLS = effectiveSpec(
  {
    nats: { external: { servers: ['nats://n'] } },
    mongodb: { external: { uriSecretRef: ref } },
    redis: { external: { uriSecretRef: ref } },
    objectStorage: { external: { endpoint: 'https://s3', credentialsSecretRef: ref } },
  },
  operator,
);

const OWN_CONSOLE = effectiveSpec({ console: { replicas: 1 } }, operator);

/** Fields below `spec` with a default in words: what the words say. */
const IN_WORDS: Readonly<Record<string, () => void>> = {
  version: () => assert.equal(MANAGED.version, operator.version),
  image: () => assert.equal(MANAGED.image, operator.image),
  durability: () => {
    assert.deepEqual(at(MANAGED, 'nats.syncAlways'), true);
    assert.deepEqual([at(PRODUCTION, 'nats.syncAlways'), at(PRODUCTION, 'nats.replicas')], [true, 3]);
  },
  'gateway.replicas': () => assert.equal(effectiveSpec({}, operator).gateway.replicas, 2),
  'gateway.autoscaling.targetConnectionsPerPod': () =>
    assert.equal(MANAGED.gateway.autoscaling?.targetConnectionsPerPod, 70_000),
  'gateway.autoscaling.targetHandshakesPerSecondPerPod': () =>
    assert.equal(MANAGED.gateway.autoscaling?.targetHandshakesPerSecondPerPod, undefined),
  'gateway.autoscaling.targetEventLoopDelayMilliseconds': () =>
    assert.equal(MANAGED.gateway.autoscaling?.targetEventLoopDelayMilliseconds, undefined),
  'gateway.autoscaling.behavior.scaleUp.stabilizationWindowSeconds': () =>
    assert.equal(MANAGED.gateway.autoscaling?.behavior.scaleUp.stabilizationWindowSeconds, 0),
  'gateway.autoscaling.behavior.scaleDown.stabilizationWindowSeconds': () =>
    assert.equal(MANAGED.gateway.autoscaling?.behavior.scaleDown.stabilizationWindowSeconds, 1_800),
  'gateway.autoscaling.behavior.scaleUp': () =>
    assert.deepEqual(MANAGED.gateway.autoscaling?.behavior.scaleUp.policies, [
      { type: 'Pods', value: 4, periodSeconds: 15 },
      { type: 'Percent', value: 100, periodSeconds: 15 },
    ]),
  'gateway.autoscaling.behavior.scaleDown': () =>
    assert.deepEqual(MANAGED.gateway.autoscaling?.behavior.scaleDown.policies, [
      { type: 'Pods', value: 1, periodSeconds: 60 },
      { type: 'Percent', value: 10, periodSeconds: 60 },
    ]),
  'gateway.drain.deadlineSeconds': () => assert.equal(MANAGED.gateway.drain.deadlineSeconds, 540),
  'console.service.port': () => assert.equal(at(OWN_CONSOLE, 'console.own.service.port'), 10_002),
  'console.publicURL': () => {
    const console = { ingress: { host: 'console.example.com' } };
    assert.equal(consoleURL(effectiveSpec({ console }, operator)), 'https://console.example.com');
    assert.equal(consoleURL(effectiveSpec({ console: {} }, operator)), undefined);
  },
  'push.provider': () => assert.equal(MANAGED.push.provider, 'None'),
  'push.replicas': () => assert.deepEqual([MANAGED.push.replicas, PRODUCTION.push.replicas], [1, 2]),
  'nats.managed.replicas': () =>
    assert.deepEqual([at(MANAGED, 'nats.replicas'), at(PRODUCTION, 'nats.replicas')], [1, 3]),
  'monitoring.podMonitor.intervalSeconds': () => assert.equal(MONITORED.podMonitor?.intervalSeconds, 30),
  'monitoring.podMonitor.labels': () => assert.deepEqual(MONITORED.podMonitor?.labels, {}),
  'monitoring.rules.labels': () => assert.deepEqual(MONITORED.rules?.labels, {}),
  'monitoring.rules.runbookURL': () => assert.equal(RUNBOOKS, 'docs/operations/runbooks.md'),
  'monitoring.dashboards.labels': () =>
    assert.deepEqual(MONITORED.dashboards?.labels, { grafana_dashboard: '1' }),
  'gateway.service.port': () => assert.equal(MANAGED.gateway.service.port, 10_001),
  'api.service.port': () => assert.equal(MANAGED.api.service.port, 10_002),
  'objectStorage.managed.service.port': () => assert.equal(at(MANAGED, 'objectStorage.service.port'), 8_333),
};

/** Defaults of Kubernetes, of objects that the operator creates, and of addresses: the operator sets no value. */
const NOT_SET =
  /^(the cluster's default class|from Ingress, HTTPRoute or Service|from HTTPRoute, Service, or the endpoint|SingleStack|Cluster|None|all|that of the cluster|that of the sidecar|one without permissions.*|pods of a role prefer .*)$/;

/** The value in force for a path below `spec`; managed and external stores have theirs one level up. */
function at(effective: EffectiveSpec, path: string): unknown {
  return path
    .replace(/\.(managed|external)\b/, '')
    .split('.')
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], effective);
}

function defaultsOf(schema: StructuralSchema, path = ''): [path: string, text: string][] {
  const text = /Default(?: of \w+)?: (.*?)\.?$/.exec(schema.description ?? '')?.[1];
  return [
    ...(text === undefined ? [] : [[path, text] as [string, string]]),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
      defaultsOf(child, path === '' ? name : `${path}.${name}`),
    ),
  ];
}

/** What is wrong with a default, if anything. */
function fault(path: string, text: string): string | undefined {
  const words = IN_WORDS[path];
  if (words) {
    words();
    return undefined;
  }
  const store = /^(nats|mongodb|redis|objectStorage)\.managed\.(image|storage\.size)$/.exec(path);
  if (store) {
    const [, name = '', what] = store;
    const defaults: Record<string, string> = what === 'image' ? STORE_IMAGES : STORAGE;
    return at(MANAGED, path) === defaults[name] ? undefined : `${path}: ${at(MANAGED, path)}`;
  }
  if (path === 'console.resources')
    return at(OWN_CONSOLE, 'console.own.resources') ? undefined : `${path}: none`;
  if (text === 'by role') return at(MANAGED, path) === undefined ? `${path}: no resources` : undefined;
  if (path.endsWith('.external.tls')) {
    return at(WITHOUT_TLS, path) === undefined ? undefined : `${path}: certificates without a manifest`;
  }
  const value = at(/\.external\b/.test(path) ? EXTERNAL : MANAGED, path);
  if (NOT_SET.test(text)) return value === undefined ? undefined : `${path}: ${text}, but it is ${value}`;
  if (path.endsWith('.tls.caSecretRef.key')) {
    const ca = at(EXTERNAL, path.replace(/caSecretRef\.key$/, 'ca.key'));
    return ca === text ? undefined : `${path}: ${text}, but it is ${ca}`;
  }
  // Of a field that is not in force here, the services have the default: crd-settings.test.ts compares it.
  if (value === undefined) return undefined;
  return String(value) === text ? undefined : `${path}: ${text}, but it is ${value}`;
}

test('the defaults in the descriptions of OpenIMCluster are those in force', () => {
  const spec = schemaOf('openimclusters').properties?.spec;
  assert.ok(spec);
  const found = defaultsOf(spec);
  assert.ok(found.length > 100);
  assert.deepEqual(
    found.flatMap(([path, text]) => fault(path, text) ?? []),
    [],
  );
  const stated = new Set(found.map(([path]) => path));
  assert.deepEqual(
    Object.keys(IN_WORDS).filter((path) => !stated.has(path)),
    [],
  );
});

/** Values in force that no manifest sets, and which the operator chooses. */
test('every value in force without a manifest has its default in the description', () => {
  const spec = schemaOf('openimclusters').properties?.spec;
  assert.ok(spec);
  const missing = Object.entries(leaves(MANAGED)).flatMap(([path]) => {
    const schema = schemaAt(spec, path);
    return schema === undefined || /Default/.test(schema.description ?? '') ? [] : [path];
  });
  assert.deepEqual(missing, ['gateway.autoscaling.maxReplicas']);
});

function leaves(value: unknown, path = ''): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value === undefined || (Array.isArray(value) && value.length === 0) ? {} : { [path]: value };
  }
  return Object.assign(
    {},
    ...Object.entries(value).map(([key, child]) => leaves(child, path === '' ? key : `${path}.${key}`)),
  );
}

/** The schema of a path, or of what stands above it where the path goes into a map. */
function schemaAt(spec: StructuralSchema, path: string): StructuralSchema | undefined {
  let schema: StructuralSchema | undefined = spec;
  for (const key of path.split('.')) {
    const below: StructuralSchema | undefined =
      schema?.properties?.[key] ?? schema?.properties?.managed?.properties?.[key];
    if (!below) return undefined;
    schema = below;
    if (/Default/.test(schema.description ?? '')) return schema;
  }
  return schema;
}
