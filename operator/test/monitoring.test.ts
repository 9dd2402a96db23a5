import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@im/dev-kubernetes';
import { CONFIG_MAP, CONTROLLER_REVISION, DEPLOYMENT } from '@im/kube';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import { POD_MONITOR } from '../src/resources/monitoring/pod-monitor.ts';
import { PROMETHEUS_RULE } from '../src/resources/monitoring/prometheus-rule.ts';
import { ANNOTATION } from '../src/resources/names.ts';
import { conditionOf, startOperator, useFixture } from './operator-fixture.ts';

const NAMESPACE = 'default';
/** Ends a test that hangs; no test depends on the machine's speed. */
const LONG_MS = 180_000;
const OPERATOR = { version: '0.1.0', image: 'openim/openim-operator:1' };

const fixture = useFixture(NAMESPACE);
const at = (name: string) => ({ namespace: NAMESPACE, name });
const applied = async (name: string) => conditionOf(await fixture.clusterOf(name), 'MonitoringApplied');

const MONITORED: OpenIMClusterSpec = {
  gateway: { replicas: 1 },
  monitoring: {
    podMonitor: { enabled: true, intervalSeconds: 15, labels: { release: 'prom' } },
    rules: { enabled: true, labels: { release: 'prom' }, runbookURL: 'https://docs.test/runbooks' },
    dashboards: { enabled: true, folder: 'Chat' },
  },
};

/** Hashes of the settings that pods start with, by Deployment. */
async function restartHashes(): Promise<Record<string, string | undefined>> {
  const { items } = await fixture.client.list(DEPLOYMENT, { namespace: NAMESPACE });
  return Object.fromEntries(
    items.map(({ metadata, spec }) => [
      metadata.name,
      spec?.template.metadata?.annotations?.[ANNOTATION.restartHash],
    ]),
  );
}

const revisions = async () =>
  (await fixture.client.list(CONTROLLER_REVISION, { namespace: NAMESPACE })).items.map(
    ({ metadata }) => metadata.name,
  );

const objects = async (name: string) => ({
  podMonitor: await fixture.client.get(POD_MONITOR, at(name)),
  rule: await fixture.client.get(PROMETHEUS_RULE, at(name)),
  dashboards: await fixture.client.get(CONFIG_MAP, at(`${name}-dashboards`)),
});

test('objects for monitoring wait for the Prometheus operator alone, keep nothing else back, and go when switched off', async () => {
  {
    await using _operator = startOperator(fixture, NAMESPACE, OPERATOR);
    await fixture.applyCluster('watched', { gateway: { replicas: 1 } });
    await eventually(async () => {
      assert.equal((await applied('watched')).reason, 'SwitchedOff');
      assert.equal(
        conditionOf(await fixture.clusterOf('watched'), 'Progressing').status,
        'False',
        'it is rolled out',
      );
    }, LONG_MS);
    const [before, known] = [await restartHashes(), await revisions()];
    await fixture.applyCluster('watched', MONITORED);
    await eventually(async () => {
      const { status, reason, message } = await applied('watched');
      assert.equal(status, 'False');
      assert.equal(reason, 'PrometheusOperatorMissing');
      assert.match(
        message,
        /^PodMonitor watched: .*install the CRDs of the Prometheus operator, or switch it off/,
      );
      assert.match(message, /PrometheusRule watched: /);
      const cluster = await fixture.clusterOf('watched');
      assert.equal(cluster.status?.observedGeneration, cluster.metadata.generation);
      assert.equal(conditionOf(cluster, 'Progressing').status, 'False');
      assert.equal(conditionOf(cluster, 'ObjectsApplied').status, 'True');
      assert.equal(conditionOf(cluster, 'Stalled').status, 'False');
    }, LONG_MS);
    const dashboards = await fixture.client.get(CONFIG_MAP, at('watched-dashboards'));
    assert.equal(dashboards?.metadata.labels?.grafana_dashboard, '1');
    assert.equal(dashboards.metadata.annotations?.grafana_folder, 'Chat');
    assert.deepEqual(await restartHashes(), before, 'no pod restarts for it');
    assert.deepEqual(await revisions(), known, 'it is no new revision');
  }
  for (const plural of ['podmonitors', 'prometheusrules']) {
    const definition = new URL(`./testdata/${plural}.monitoring.coreos.com.yaml`, import.meta.url).pathname;
    await fixture.plane.kubectl('apply', '--server-side', '-f', definition);
  }
  await fixture.plane.kubectl('wait', '--for=condition=Established', 'crd', '--all');
  await using _operator = startOperator(fixture, NAMESPACE, OPERATOR);
  await eventually(async () => assert.equal((await applied('watched')).reason, 'AllApplied'), LONG_MS);
  const made = await objects('watched');
  assert.equal(made.podMonitor?.spec?.podMetricsEndpoints[0]?.interval, '15s');
  assert.equal(made.podMonitor.metadata.labels?.release, 'prom');
  const rules = made.rule?.spec?.groups.flatMap((group) => group.rules) ?? [];
  assert.ok(rules.length > 20, 'the API server kept the rules');
  for (const { annotations } of rules)
    assert.match(annotations.runbook_url, /^https:\/\/docs\.test\/runbooks#openim/);

  await fixture.applyCluster('watched', {
    ...MONITORED,
    monitoring: { rules: { enabled: true } },
  });
  await eventually(async () => {
    const { podMonitor, rule, dashboards } = await objects('watched');
    assert.deepEqual([podMonitor, dashboards], [undefined, undefined]);
    assert.ok(rule, 'what is still wanted stays');
    assert.equal(rule.metadata.labels?.release, undefined);
  }, LONG_MS);
  await fixture.applyCluster('watched', { gateway: { replicas: 1 } });
  await eventually(async () => {
    assert.equal((await objects('watched')).rule, undefined);
    assert.equal((await applied('watched')).reason, 'SwitchedOff');
  }, LONG_MS);
});

test("another's object of the same name is never taken over", async () => {
  await using _operator = startOperator(fixture, NAMESPACE, OPERATOR);
  await fixture.client.apply(
    CONFIG_MAP,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: at('mine-dashboards'), data: { mine: 'yes' } },
    { fieldManager: 'person' },
  );
  await fixture.applyCluster('mine', {
    gateway: { replicas: 1 },
    monitoring: { dashboards: { enabled: true } },
  });
  await eventually(async () => {
    const { status, message } = await applied('mine');
    assert.equal(status, 'False');
    assert.match(message, /ConfigMap mine-dashboards/);
    assert.equal(conditionOf(await fixture.clusterOf('mine'), 'WorkloadsAvailable').status, 'True');
  }, LONG_MS);
  const { data } = (await fixture.client.get(CONFIG_MAP, at('mine-dashboards'))) ?? {};
  assert.deepEqual(data, { mine: 'yes' });
});

test('values that Prometheus or Grafana would execute are refused by the API server', async () => {
  const refused = async (monitoring: OpenIMClusterSpec['monitoring'], field: RegExp) =>
    assert.rejects(fixture.applyCluster('bad', { monitoring }), field);
  await refused(
    { rules: { runbookURL: 'https://x.test/{{query `up`}}' } },
    /spec\.monitoring\.rules\.runbookURL/,
  );
  await refused({ dashboards: { folder: '../../etc' } }, /spec\.monitoring\.dashboards\.folder/);
  await refused({ podMonitor: { intervalSeconds: 1 } }, /spec\.monitoring\.podMonitor\.intervalSeconds/);
});
