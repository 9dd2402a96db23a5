import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Environment } from '@im/process';
import { OPS_PORT } from './resources/names.ts';
import { readSettings, VARIABLES } from './settings.ts';

const IMAGE = { OPENIM_OPERATOR_IMAGE: 'im:1' };
const read = (values: Readonly<Record<string, string>>) => readSettings(new Environment(values));

test('settings have defaults, and come from their variables', () => {
  assert.partialDeepStrictEqual(read(IMAGE), {
    image: 'im:1',
    leaseName: 'openim-operator',
    watchNamespace: undefined,
    opsPort: OPS_PORT,
    logLevel: 'info',
    formerMetricNames: true,
    placeLimits: { creation: 10, rollout: 3 },
  });
  const set = {
    ...IMAGE,
    OPENIM_WATCH_NAMESPACE: 'im',
    OPENIM_LOG_LEVEL: 'debug',
    OPENIM_OPS_PORT: '0',
    OPENIM_FORMER_METRIC_NAMES: 'off',
    OPENIM_CONCURRENT_ROLLOUTS: '1',
    OPENIM_CONCURRENT_CREATIONS: '200',
    POD_NAMESPACE: 'sys',
    OPENIM_LEASE_NAME: 'second-openim-operator',
  };
  assert.partialDeepStrictEqual(read(set), {
    namespace: 'sys',
    leaseName: 'second-openim-operator',
    watchNamespace: 'im',
    opsPort: 0,
    logLevel: 'debug',
    formerMetricNames: false,
    placeLimits: { creation: 200, rollout: 1 },
  });
  assert.match(read({ ...IMAGE, POD_NAME: 'op-1' }).identity, /^op-1-/);
});

test('a wrong variable is named', () => {
  assert.throws(() => read({}), /OPENIM_OPERATOR_IMAGE is not set/);
  assert.throws(() => read({ ...IMAGE, OPENIM_LOG_LEVEL: 'loud' }), /OPENIM_LOG_LEVEL: loud is none of /);
  for (const port of ['', '-1', '70000', 'http']) {
    assert.throws(() => read({ ...IMAGE, OPENIM_OPS_PORT: port }), /OPENIM_OPS_PORT: .* is not a port/);
  }
  for (const name of ['OPENIM_CONCURRENT_ROLLOUTS', 'OPENIM_CONCURRENT_CREATIONS']) {
    for (const value of ['', '0', '1.5', 'all', '10001']) {
      assert.throws(() => read({ ...IMAGE, [name]: value }), new RegExp(`${name}: .* is not a number`));
    }
  }
  assert.throws(() => read({ ...IMAGE, OPENIM_FORMER_METRIC_NAMES: 'maybe' }), /OPENIM_FORMER_METRIC_NAMES/);
});

test('every variable that the chart sets is one that the operator reads', () => {
  const deployment = join(import.meta.dirname, '../../charts/openim-operator/templates/deployment.yaml');
  const set = [...readFileSync(deployment, 'utf8').matchAll(/- name: ([A-Z][A-Z_]+)$/gm)].map(
    ([, name]) => name,
  );
  assert.ok(set.length > 0, 'the pattern still finds variables');
  const known: readonly string[] = Object.values(VARIABLES).map(({ name }) => name);
  assert.deepEqual(
    set.filter((name) => !known.includes(name ?? '')),
    [],
  );
});
