import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Cluster, startCluster, testTenant } from '@im/dev-cluster';
import {
  ATTACK_TENANTS,
  ATTACKS,
  type BystanderResult,
  besideAttacks,
  bystanderTable,
  FAULTS,
  orderOf,
  usageOf,
} from '@im/proof';

/**
 * Attacks that have ended lives, deliveries or other tenants' sends, by those that go on at once;
 * `bench --scenario bystander` runs each of all alone.
 */
const GROUPS = [
  ['huge-ids', 'sign-requests', 'searches'],
  ['watch-flapping', 'slow-readers'],
  ['suspended-tenant', 'removed-tenant', 'refusing-database', 'unknown-tenant'],
];
const SECONDS = 6;
/**
 * CPU time of server and stores while a message is on its way: shows that no client waits behind the attackers' work. How
 * long an attack delays messages is for the bench, on a machine that is quiet.
 */
const STANDS_STILL_CPU_MS = 3_000;

describe('an innocent pair during attacks', () => {
  let cluster: Cluster;
  const results: BystanderResult[] = [];

  before(async () => {
    cluster = await startCluster({
      topology: 'one',
      tenants: ATTACK_TENANTS.map(({ id, settings }) => testTenant(id, settings)),
      mongoProxy: true,
    });
  });
  after(async () => {
    if (results.length > 0) process.stdout.write(`\n${bystanderTable(results)}\n\n`);
    await cluster?.close();
  });

  for (const names of GROUPS) {
    test(names.join(', '), { timeout: 300_000 }, async () => {
      const attacks = ATTACKS.filter(({ name }) => names.includes(name));
      assert.equal(attacks.length, names.length, 'all of them exist');
      const result = await besideAttacks(
        attacks,
        {
          endpoints: [cluster.endpoint('default')],
          admin: cluster.admin('default'),
          own: cluster,
          usage: () => usageOf(cluster),
          order: (tenant) => orderOf(cluster, tenant),
        },
        { seconds: SECONDS, connections: 100 },
      );
      results.push(result);
      const { verdict, attacked, missing } = result;
      const texts = verdict.examples.map((e) => `${e.fault}: ${e.text}`).join('\n');
      for (const fault of FAULTS) assert.equal(verdict.counts[fault], 0, `${fault}\n${texts}`);
      assert.equal(verdict.acknowledged, verdict.sent, 'everything was acknowledged');
      assert.ok(attacked.delivered.count > 0, 'messages were delivered while the attacks went on');
      const cpuMs = attacked.deliveredCpu.at(0.99) / 1_000;
      assert.ok(
        cpuMs < STANDS_STILL_CPU_MS,
        `the server computed ${cpuMs} ms before a message was delivered`,
      );
      assert.deepEqual(missing, [], 'attacks took place');
    });
  }
});
