import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMetrics } from './metrics.ts';

test('metrics are summed by name and labels', () => {
  const metrics = parseMetrics(
    '# HELP x y\nopenim_a_total{tenant="t2",kind="a b"} 3\nopenim_a_total{tenant="default"} 4\nopenim_b 1.5e3\n',
  );
  assert.equal(metrics.sum('openim_a_total'), 7);
  assert.equal(metrics.sum('openim_a_total', { tenant: 't2' }), 3);
  assert.equal(metrics.sum('openim_b'), 1500);
  assert.equal(metrics.sum('openim_c'), 0);
});
