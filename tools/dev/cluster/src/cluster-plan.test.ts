import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerConfig } from '@im/contract';
import { DOMAINS } from '@im/protocol';
import { planCluster, portsNeeded, TEST_TENANTS, type Topology } from './cluster-plan.ts';

const stores = {
  nats: 'nats://127.0.0.1:1',
  redis: 'redis://127.0.0.1:2',
  mongo: 'mongodb://127.0.0.1:3',
  s3: { endpoint: 'http://127.0.0.1:4', accessKey: 'a', secretKey: 's' },
};
const plans = (topology: Topology) => {
  const ports = Array.from({ length: portsNeeded(topology) }, (_, i) => 20_000 + i);
  return planCluster(topology, stores, ports);
};

test('every config of a plan fits the schema, and no port is used twice', () => {
  for (const topology of ['one', 'many'] as const) {
    const opened: number[] = [];
    for (const plan of plans(topology)) {
      const config = ServerConfig.parse(plan.config);
      assert.equal(config.listen.host, '127.0.0.1');
      assert.deepEqual(
        config.tenants.map((tenant) => tenant.id),
        TEST_TENANTS.map((tenant) => tenant.id),
      );
      opened.push(config.ops.port);
      if (plan.gatewayPort) opened.push(config.gateway.port);
      if (plan.apiPort) opened.push(config.api.port);
      if (plan.roles.includes('rpc'))
        opened.push(...DOMAINS.map((domain) => config.rpc.domains[domain].port));
    }
    assert.equal(new Set(opened).size, opened.length, topology);
  }
});

test('many processes know both rpc processes', () => {
  const processes = plans('many');
  assert.deepEqual(
    processes.map((plan) => plan.name),
    ['rpc-1', 'rpc-2', 'transfer-1', 'transfer-2', 'gateway-1', 'gateway-2', 'api', 'push', 'cron'],
  );
  const own = processes
    .filter((plan) => plan.roles.includes('rpc'))
    .map((plan) => `127.0.0.1:${ServerConfig.parse(plan.config).rpc.domains.msg.port}`);
  for (const plan of processes) {
    assert.deepEqual(ServerConfig.parse(plan.config).rpc.domains.msg.addresses, own);
  }
});

test('a second transfer next to everything in one process', () => {
  const ports = Array.from({ length: portsNeeded('one', 2) }, (_, i) => 20_000 + i);
  const processes = planCluster('one', stores, ports, {}, 2);
  assert.deepEqual(
    processes.map(({ name, roles }) => [name, ...roles]),
    [
      ['all', 'all'],
      ['transfer-2', 'transfer'],
    ],
  );
});

test('extra config adds to its section', () => {
  const ports = Array.from({ length: portsNeeded('one') }, (_, i) => 20_000 + i);
  const extra = { rpc: { encodeInProcess: false }, gateway: { readTimeoutMs: 5_000 } };
  const [plan] = planCluster('one', stores, ports, extra);
  const config = ServerConfig.parse(plan?.config);
  assert.equal(config.rpc.encodeInProcess, false);
  assert.ok(config.rpc.domains.msg.port >= 20_000);
  assert.equal(config.gateway.port, plan?.gatewayPort);
  assert.equal(config.gateway.readTimeoutMs, 5_000);
});
