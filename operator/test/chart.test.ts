import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type ControlPlane, installProgram, programOf, startControlPlane } from '@im/dev-kubernetes';
import { parse } from 'yaml';
import { OPS_PORT, OPS_PORT_NAME, RUN_AS } from '../src/resources/names.ts';
import { clusterFaults, clustersOf, type Manifest, manifestsOf, ROOT } from './manifests.ts';

const OPERATOR_CHART = join(ROOT, 'charts/openim-operator');
const CLUSTER_CHART = join(ROOT, 'charts/openim-cluster');

let helmPath = '';
before(async () => {
  helmPath = join(await installProgram(programOf('helm')), 'helm');
});

function helm(...args: string[]) {
  return spawnSync(helmPath, args, { encoding: 'utf8' });
}

/** The objects that a chart renders with these values, each in the form of `--set`. */
function rendered(chart: string, ...values: string[]): Manifest[] {
  const sets = values.flatMap((value) => ['--set', value]);
  const { status, stdout, stderr } = helm('template', 'op', chart, '--namespace', 'sys', ...sets);
  assert.equal(status, 0, stderr);
  return manifestsOf(stdout);
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** Rights of a role, as `group/resource` and the verbs; names are appended where they restrict. */
function rights(manifest: Manifest | undefined): Record<string, string> {
  assert.ok(manifest && 'rules' in manifest, 'there is no such role');
  const found = new Map<string, string[]>();
  for (const rule of manifest.rules as readonly Rule[]) {
    const names = rule.resourceNames === undefined ? '' : ` ${rule.resourceNames.join(',')}`;
    for (const group of rule.apiGroups) {
      for (const resource of rule.resources) {
        const key = `${group}/${resource}${names}`;
        found.set(key, [...(found.get(key) ?? []), ...rule.verbs]);
      }
    }
  }
  return Object.fromEntries([...found].map(([key, verbs]) => [key, verbs.sort().join(' ')]));
}

interface PodMonitorSpec {
  readonly selector: { readonly matchLabels: object };
  readonly podMetricsEndpoints: readonly { readonly port: string; readonly honorLabels: boolean }[];
}

const MADE = 'create delete get list patch watch';
/** Everything that the operator may do with objects of clusters; more needs a reason, and a line here. */
const CLUSTER_RIGHTS = {
  'openim.io/openimclusters': 'get list patch watch',
  'openim.io/openimclusters/status': 'patch',
  'openim.io/openimtenants': 'get list patch watch',
  'openim.io/openimtenants/status': 'patch',
  'openim.io/openimtenantclasses': 'get list watch',
  'openim.io/openimclusters/finalizers': 'update',
  '/configmaps': MADE,
  '/persistentvolumeclaims': MADE,
  '/serviceaccounts': MADE,
  '/services': MADE,
  '/secrets': MADE,
  '/pods': 'delete get list patch watch',
  '/events': 'create get list patch watch',
  'apps/controllerrevisions': MADE,
  'apps/deployments': MADE,
  'apps/statefulsets': MADE,
  'networking.k8s.io/ingresses': MADE,
  'networking.k8s.io/networkpolicies': MADE,
  'gateway.networking.k8s.io/httproutes': MADE,
  'monitoring.coreos.com/podmonitors': MADE,
  'monitoring.coreos.com/prometheusrules': MADE,
  'policy/poddisruptionbudgets': MADE,
};

describe('chart openim-operator', () => {
  const named = (manifests: readonly Manifest[], kind: string, name: string) =>
    manifests.find((each) => each.kind === kind && each.metadata.name === name);

  test('the operator has the rights that it needs, and no others', () => {
    const manifests = rendered(OPERATOR_CHART);
    assert.deepEqual(rights(named(manifests, 'ClusterRole', 'op-openim-operator')), {
      ...CLUSTER_RIGHTS,
      '/namespaces': 'get list watch',
    });
    assert.deepEqual(rights(named(manifests, 'Role', 'op-openim-operator-leader')), {
      'coordination.k8s.io/leases': 'create',
      'coordination.k8s.io/leases op-openim-operator': 'get update',
    });
    assert.deepEqual(rights(named(manifests, 'ClusterRole', 'op-openim-operator-nodes')), {
      '/nodes': 'get list watch',
    });
    const bound = manifests.filter(({ kind }) => kind.endsWith('Binding'));
    assert.deepEqual(
      bound.map((each) => ('roleRef' in each ? (each.roleRef as { name: string }).name : '')).sort(),
      ['op-openim-operator', 'op-openim-operator-leader', 'op-openim-operator-nodes'],
    );
  });

  test('rights for one namespace apply only in it, but for those that the end of its deletion needs', () => {
    const manifests = rendered(
      OPERATOR_CHART,
      'watchNamespace=im',
      'rbac.aggregate=false',
      'rbac.nodes=false',
    );
    const everywhere = manifests.filter(({ kind }) => kind === 'ClusterRole');
    assert.equal(everywhere.length, 1);
    assert.deepEqual(rights(everywhere[0]), {
      '/namespaces im': 'get',
      'openim.io/openimclusters': 'patch',
      'openim.io/openimtenants': 'patch',
    });
    const role = named(manifests, 'Role', 'op-openim-operator');
    assert.equal(role?.metadata.namespace, 'im');
    assert.deepEqual(rights(role), CLUSTER_RIGHTS);
  });

  test('the pod is restricted and probed, and knows its identity', () => {
    const tag = 'image.tag=9.9.9';
    const deployment = rendered(OPERATOR_CHART, tag, 'watchNamespace=im').find(
      ({ kind }) => kind === 'Deployment',
    );
    assert.ok(deployment);
    const { template } = (deployment as unknown as { spec: { template: { spec: PodSpec } } }).spec;
    const { securityContext, containers } = template.spec;
    const [container] = containers;
    assert.ok(container);
    assert.equal(securityContext.runAsNonRoot, true);
    assert.equal(securityContext.runAsUser, RUN_AS);
    assert.deepEqual(securityContext.seccompProfile, { type: 'RuntimeDefault' });
    assert.deepEqual(container.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    assert.deepEqual(container.ports, [{ name: OPS_PORT_NAME, containerPort: OPS_PORT, protocol: 'TCP' }]);
    const env = Object.fromEntries(container.env.map(({ name, value }) => [name, value ?? 'of the pod']));
    assert.deepEqual(env, {
      POD_NAME: 'of the pod',
      POD_NAMESPACE: 'of the pod',
      OPENIM_CONCURRENT_CREATIONS: '10',
      OPENIM_CONCURRENT_ROLLOUTS: '3',
      OPENIM_OPERATOR_IMAGE: 'openim/openim-operator:9.9.9',
      OPENIM_WATCH_NAMESPACE: 'im',
      OPENIM_LEASE_NAME: 'op-openim-operator',
      OPENIM_LOG_LEVEL: 'info',
    });
    assert.equal(container.image, env.OPENIM_OPERATOR_IMAGE);
    const schema = JSON.parse(readFileSync(join(OPERATOR_CHART, 'values.schema.json'), 'utf8'));
    const refused: readonly string[] = schema.properties.env.items.properties.name.not.enum;
    assert.deepEqual(
      Object.keys(env).filter((name) => !refused.includes(name)),
      [],
      'the value env cannot set them again',
    );
  });

  test('a digest wins over a tag, and one replica has no disruption budget', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const manifests = rendered(OPERATOR_CHART, `image.digest=${digest}`, 'image.tag=x', 'replicas=1');
    assert.match(JSON.stringify(manifests), new RegExp(`openim/openim-operator@${digest}`));
    assert.equal(
      manifests.some(({ kind }) => kind === 'PodDisruptionBudget'),
      false,
    );
  });

  test('Prometheus scrapes the operator when it is asked to, and keeps the namespaces of clusters', () => {
    const ofKind = (...values: string[]) =>
      rendered(OPERATOR_CHART, ...values).filter(({ kind }) => kind === 'PodMonitor');
    assert.deepEqual(ofKind(), []);
    const [monitor] = ofKind('podMonitor.enabled=true', 'podMonitor.labels.release=prom');
    assert.equal(monitor?.metadata.labels?.release, 'prom');
    const { selector, podMetricsEndpoints } = (monitor as unknown as { spec: PodMonitorSpec }).spec;
    assert.deepEqual(selector.matchLabels, {
      'app.kubernetes.io/name': 'openim-operator',
      'app.kubernetes.io/instance': 'op',
    });
    assert.equal(podMetricsEndpoints[0]?.port, OPS_PORT_NAME);
    assert.equal(podMetricsEndpoints[0]?.honorLabels, true);
  });

  test('wrong values are refused by name', () => {
    for (const [value, message] of [
      ['replicas=two', /replicas.*got string, want integer/],
      ['logLevel=loud', /logLevel/],
      ['image.digest=latest', /image\/digest/],
      ['watchNamespaces={a}', /watchNamespaces/],
    ] as const) {
      const { status, stderr } = helm('template', 'op', OPERATOR_CHART, '--set', value);
      assert.notEqual(status, 0, value);
      assert.match(stderr, message);
    }
  });

  test('its custom resources are those of crds/, and its version is that of the product', () => {
    const source = join(ROOT, 'crds');
    const definitions = readdirSync(source).filter((file) => file.endsWith('.yaml'));
    assert.deepEqual(readdirSync(join(OPERATOR_CHART, 'crds')).sort(), definitions.sort());
    for (const file of definitions) {
      assert.equal(realpathSync(join(OPERATOR_CHART, 'crds', file)), realpathSync(join(source, file)));
    }
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    for (const chart of [OPERATOR_CHART, CLUSTER_CHART]) {
      const about = parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8')) as Record<string, string>;
      assert.deepEqual([about.version, about.appVersion], [version, version]);
    }
  });
});

interface PodSpec {
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly {
    readonly image: string;
    readonly securityContext: unknown;
    readonly ports: unknown;
    readonly env: readonly { readonly name: string; readonly value?: string }[];
  }[];
}

test('chart openim-cluster makes one cluster, which stays when the release goes', () => {
  const manifests = rendered(CLUSTER_CHART, 'name=chat', 'spec.gateway.replicas=3');
  assert.equal(manifests.length, 1);
  const [cluster] = clustersOf(manifests);
  assert.ok(cluster);
  assert.deepEqual(clusterFaults(cluster), []);
  assert.deepEqual(cluster.spec, { profile: 'Development', gateway: { replicas: 3 } });
  assert.equal(cluster.metadata.annotations?.['helm.sh/resource-policy'], 'keep');
  assert.equal(rendered(CLUSTER_CHART, 'keep=false')[0]?.metadata.annotations, undefined);
});

describe('on an API server', () => {
  let kubernetes: ControlPlane;
  before(async () => {
    kubernetes = await startControlPlane();
  });
  after(async () => {
    await kubernetes?.stop();
  });

  function install(release: string, chart: string, ...args: string[]): void {
    const where = ['--kubeconfig', kubernetes.kubeconfig, '--namespace', 'sys', '--create-namespace'];
    const { status, stderr } = helm('upgrade', '--install', release, chart, ...where, ...args);
    assert.equal(status, 0, stderr);
  }

  test('a namespace that enforces Restricted takes the pod', async () => {
    await kubernetes.kubectl('create', 'namespace', 'strict');
    await kubernetes.kubectl('label', 'namespace', 'strict', 'pod-security.kubernetes.io/enforce=restricted');
    const manifests = rendered(OPERATOR_CHART);
    const deployment = manifests.find(({ kind }) => kind === 'Deployment') as unknown as {
      spec: { template: object };
    };
    const pod = {
      ...deployment.spec.template,
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'operator', namespace: 'strict' },
    };
    const file = join(kubernetes.dir, 'pod.json');
    await writeFile(file, JSON.stringify(pod));
    await kubernetes.kubectl('create', 'serviceaccount', 'op-openim-operator', '-n', 'strict');
    assert.match(await kubernetes.kubectl('create', '--dry-run=server', '-f', file), /pod\/operator created/);
  });

  test('both charts install, upgrade and go; samples are accepted; the operator may do its work', async () => {
    install('openim-operator', OPERATOR_CHART);
    install('openim-operator', OPERATOR_CHART, '--reset-then-reuse-values', '--set', 'replicas=3');
    await kubernetes.kubectl('apply', '--server-side', '--force-conflicts', '-f', join(ROOT, 'crds'));
    const get = (...args: string[]) => kubernetes.kubectl('get', '-o', 'name', ...args);
    assert.match(await get('-n', 'sys', 'deployment'), /deployment.apps\/openim-operator\n/);

    install('chat', CLUSTER_CHART);
    assert.match(await get('-n', 'sys', 'oim'), /openimcluster.openim.io\/chat\n/);
    await kubernetes.kubectl('create', 'namespace', 'im');
    for (const file of readdirSync(join(ROOT, 'docs/samples')).filter((name) => name.endsWith('.yaml'))) {
      await kubernetes.kubectl('apply', '--dry-run=server', '-f', join(ROOT, 'docs/samples', file));
    }

    const operator = ['--as', 'system:serviceaccount:sys:openim-operator'];
    const can = async (...args: string[]) =>
      (await kubernetes.kubectl('auth', 'can-i', ...args, ...operator).catch(() => 'no')).trim();
    assert.equal(await can('patch', 'openimclusters/status', '-n', 'im'), 'yes');
    assert.equal(await can('update', 'leases/openim-operator', '-n', 'sys'), 'yes');
    assert.equal(await can('update', 'leases/openim-operator', '-n', 'im'), 'no');
    assert.equal(await can('create', 'pods', '-n', 'im'), 'no');
    assert.equal(await can('watch', 'nodes'), 'yes');
    assert.equal(await can('patch', 'nodes'), 'no');

    for (const release of ['chat', 'openim-operator']) {
      const { status, stderr } = helm(
        'uninstall',
        release,
        '-n',
        'sys',
        '--kubeconfig',
        kubernetes.kubeconfig,
      );
      assert.equal(status, 0, stderr);
    }
    assert.equal(await get('-n', 'sys', 'deployment'), '');
    assert.match(await get('-n', 'sys', 'oim'), /chat/);
  });
});
