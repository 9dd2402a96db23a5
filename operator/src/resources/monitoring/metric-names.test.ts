import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createMetrics } from '@im/process';
import { effectiveSpec } from '../effective.ts';
import { alertsOf } from './alerts.ts';
import { dashboardsConfigMap, dashboardsOf } from './dashboards.ts';
import { podMonitor } from './pod-monitor.ts';
import { ruleGroups } from './prometheus-rule.ts';

const ROOT = new URL('../../../../', import.meta.url);
const page = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');
const OWNER = { name: 'chat', namespace: 'im', uid: 'u' };
const OPERATOR = { version: '0.1.0', image: 'openim/openim-operator:1' };
const SPEC = effectiveSpec({ prober: { enabled: true } }, OPERATOR);

const queries = dashboardsOf(OWNER, SPEC).flatMap(({ rows }) =>
  rows.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries)),
);
const expressions = [...alertsOf(OWNER, SPEC), ...queries].map(({ expr }) => expr);

/** Names of the metrics in an expression; each has a selector of labels. */
function metricsIn(expr: string): string[] {
  return [...expr.matchAll(/([a-zA-Z_:][\w:]*)\{/g)].map(([, name = '']) => name);
}

/** Metrics that processes export, by the reference that is generated from the code, and those of every Node.js process. */
async function exported(): Promise<Set<string>> {
  const documented = [...page('docs/reference/metrics.md').matchAll(/^\| `(\w+)` \| (\w+)/gm)];
  const text = await createMetrics({ process: true }).text();
  return new Set([
    'up',
    ...documented.flatMap(([, name = '', kind]) => (kind === 'histogram' ? [`${name}_bucket`] : [name])),
    ...[...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name),
  ]);
}

test('every metric of an alert or dashboard is exported by a process', async () => {
  const known = await exported();
  const used = [...new Set(expressions.flatMap(metricsIn))];
  assert.ok(used.length > 30, `${used.length} metrics are used`);
  assert.deepEqual(
    used.filter((name) => !known.has(name)),
    [],
  );
});

test('every selector is for one cluster in one namespace', () => {
  for (const expr of expressions) {
    const selectors = [...expr.matchAll(/\{([^}]*)\}/g)].map(([, labels = '']) => labels);
    assert.ok(selectors.length > 0, expr);
    for (const labels of selectors) assert.match(labels, /^namespace="im",(openim_)?cluster="chat"/, expr);
  }
});

test('every alert has a runbook, and every runbook an alert; its address leads there', () => {
  const headings = [...page('docs/operations/runbooks.md').matchAll(/^## (.+)$/gm)].map(([, name]) => name);
  const names = [...new Set(alertsOf(OWNER, SPEC).map(({ name }) => name))];
  assert.deepEqual(headings.toSorted(), names.toSorted());
  const rules = ruleGroups(OWNER, SPEC, 'https://docs.test/runbooks').groups.flatMap((group) => group.rules);
  for (const { alert, annotations } of rules) {
    assert.equal(annotations.runbook_url, `https://docs.test/runbooks#${alert.toLowerCase()}`);
  }
});

test('a cluster without a prober has no alert that waits for one', () => {
  const names = alertsOf(OWNER, effectiveSpec({}, OPERATOR)).map(({ name }) => name);
  assert.ok(!names.includes('OpenIMProberSilent'));
  assert.ok(names.includes('OpenIMRoleDown'));
});

test("labels of the spec are added, and never replace the operator's own", () => {
  const labels = { release: 'prom', 'app.kubernetes.io/instance': 'another' };
  for (const made of [
    podMonitor(OWNER, { intervalSeconds: 5, labels }),
    dashboardsConfigMap(OWNER, SPEC, { labels }),
  ]) {
    assert.equal(made.metadata?.labels?.release, 'prom');
    assert.equal(made.metadata?.labels?.['app.kubernetes.io/instance'], 'chat');
  }
});

test('dashboards are Grafana models whose panels do not overlap, with a name that no other cluster has', () => {
  const { data = {} } = dashboardsConfigMap(OWNER, SPEC, { labels: {} });
  const models = Object.values(data).map((text) => JSON.parse(text));
  assert.equal(models.length, 2);
  for (const { uid, panels } of models) {
    assert.ok(uid.length <= 40, uid);
    const places = panels.map(({ gridPos }: { gridPos: object }) => JSON.stringify(gridPos));
    assert.equal(new Set(places).size, places.length);
  }
  const [other] = dashboardsOf({ ...OWNER, namespace: 'other' }, SPEC);
  assert.notEqual(other?.uid, dashboardsOf(OWNER, SPEC)[0]?.uid);
});
