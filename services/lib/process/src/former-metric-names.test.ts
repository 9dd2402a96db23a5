import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Environment } from './environment.ts';
import { wantsFormerNames, withFormerNames } from './former-metric-names.ts';
import { createMetrics } from './metrics.ts';

test('renamed metrics are exposed under both names, the others once', async () => {
  const metrics = createMetrics();
  metrics
    .counter('openim_a_total', 'Letters that begin with openim_a_total', ['letter'])
    .inc({ letter: 'x' });
  metrics.histogram('openim_gateway_push_fanout_sockets', 'Fan-out', [], [1]).observe(2);
  metrics.counter('rpc_count', 'Calls').inc();
  metrics.observe('openim_gateway_users', 'Users', () => 3);
  metrics.observe('openim_operator_leader', 'Leader', () => 1);
  assert.equal(
    withFormerNames(await metrics.text()),
    `# HELP openim_a_total Letters that begin with openim_a_total
# TYPE openim_a_total counter
openim_a_total{letter="x"} 1

# HELP im_a_total Deprecated: use openim_a_total
# TYPE im_a_total counter
im_a_total{letter="x"} 1

# HELP openim_gateway_push_fanout_sockets Fan-out
# TYPE openim_gateway_push_fanout_sockets histogram
openim_gateway_push_fanout_sockets_bucket{le="1"} 0
openim_gateway_push_fanout_sockets_bucket{le="+Inf"} 1
openim_gateway_push_fanout_sockets_sum 2
openim_gateway_push_fanout_sockets_count 1

# HELP gateway_push_fanout Deprecated: use openim_gateway_push_fanout_sockets
# TYPE gateway_push_fanout histogram
gateway_push_fanout_bucket{le="1"} 0
gateway_push_fanout_bucket{le="+Inf"} 1
gateway_push_fanout_sum 2
gateway_push_fanout_count 1

# HELP rpc_count Calls
# TYPE rpc_count counter
rpc_count 1

# HELP openim_gateway_users Users
# TYPE openim_gateway_users gauge
openim_gateway_users 3

# HELP gateway_users Deprecated: use openim_gateway_users
# TYPE gateway_users gauge
gateway_users 3

# HELP openim_operator_leader Leader
# TYPE openim_operator_leader gauge
openim_operator_leader 1

# HELP operator_leader Deprecated: use openim_operator_leader
# TYPE operator_leader gauge
operator_leader 1
`,
  );
});

test('the environment can leave them out', () => {
  const wants = (value?: string) => wantsFormerNames(new Environment({ OPENIM_FORMER_METRIC_NAMES: value }));
  assert.deepEqual([wants(), wants('on'), wants('off')], [true, true, false]);
  assert.throws(() => wants('no'), /OPENIM_FORMER_METRIC_NAMES: no is neither on nor off/);
});

test('what the version before did not have has no former name', async () => {
  const metrics = createMetrics();
  metrics.gauge('openim_prober_messages', 'checked', ['outcome']).set({ outcome: 'lost' }, 0);
  metrics.observe('openim_bus_up', 'connected', () => 1);
  metrics.observe('openim_bus_outages', 'lost', () => 2);
  const text = withFormerNames(await metrics.text());
  const former = [...text.matchAll(/^# TYPE (im_\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(former, ['im_bus_outages']);
});
