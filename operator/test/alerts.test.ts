import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { prometheusPrograms } from '@im/dev-prometheus';
import { runCommand } from '@im/dev-stores';
import { effectiveSpec } from '../src/resources/effective.ts';
import { alertsOf } from '../src/resources/monitoring/alerts.ts';
import { ruleGroups } from '../src/resources/monitoring/prometheus-rule.ts';
import { ALERT_CASES, CLUSTER, HEALTHY, LAST_MINUTE, type SeriesValues } from './alert-cases.ts';

const SPEC = effectiveSpec(
  { prober: { enabled: true }, gateway: { maxConnectionsPerPod: 10_000 } },
  { version: '0.1.0', image: 'openim/openim-operator:1' },
);
const ALL = [...new Set(alertsOf(CLUSTER, SPEC).map(({ name }) => name))];

let dir = '';
let promtool = '';
before(async () => {
  ({ promtool } = await prometheusPrograms());
  dir = await mkdtemp(join(tmpdir(), 'openim-alerts-'));
  await writeFile(join(dir, 'rules.json'), JSON.stringify(ruleGroups(CLUSTER, SPEC)));
});
after(() => rm(dir, { recursive: true, force: true }));

/** A test of promtool: the names of the alerts that have fired until a minute, no others. */
function unitTest(name: string, changes: SeriesValues, minute: number, fired: readonly string[]) {
  for (const changed of Object.keys(changes)) {
    assert.ok(changed in HEALTHY, `${name}: ${changed} is a series of the healthy cluster`);
  }
  return {
    name: `${name} until minute ${minute}`,
    interval: '1m',
    input_series: Object.entries({ ...HEALTHY, ...changes }).map(([series, values]) => ({ series, values })),
    promql_expr_test: [
      {
        expr: `group by (alertname) (last_over_time(ALERTS{alertstate="firing"}[${minute}m]))`,
        eval_time: `${minute}m`,
        exp_samples: fired.map((alert) => ({ labels: `{alertname="${alert}"}`, value: 1 })),
      },
    ],
  };
}

test('promtool finds no fault in the rules', async () => {
  await runCommand(promtool, ['check', 'rules', '--lint-fatal', join(dir, 'rules.json')]);
});

test('every alert has a case, and every case an alert', () => {
  assert.deepEqual(Object.keys(ALERT_CASES).sort(), ALL.toSorted());
});

test('each alert fires on its fault, not on what is nearly one, and never when all is well', async () => {
  const tests = [
    unitTest('healthy', {}, LAST_MINUTE, []),
    ...Object.entries(ALERT_CASES).flatMap(([alert, { fires, firesToo, quiet, at, also = [] }]) => {
      return [
        unitTest(`${alert} fires`, fires, at, [alert, ...also]),
        ...(firesToo ? [unitTest(`${alert} fires, too`, firesToo, at, [alert])] : []),
        unitTest(`${alert} is quiet`, quiet, LAST_MINUTE, []),
      ];
    }),
  ];
  const file = join(dir, 'tests.json');
  await writeFile(file, JSON.stringify({ rule_files: ['rules.json'], evaluation_interval: '1m', tests }));
  await runCommand(promtool, ['test', 'rules', file]);
});

test('an absent rule is noticed: promtool fails when an alert does not fire', async () => {
  const [alert = '', { fires, at } = { fires: {}, at: 0 }] = Object.entries(ALERT_CASES)[2] ?? [];
  const tests = [unitTest(alert, fires, at, [])];
  const file = join(dir, 'contrary.json');
  await writeFile(file, JSON.stringify({ rule_files: ['rules.json'], evaluation_interval: '1m', tests }));
  await assert.rejects(runCommand(promtool, ['test', 'rules', file]), /OpenIMNATSUnreachable/);
});
