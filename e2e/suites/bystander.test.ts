import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ATTACKS } from '../bench/bystander/attacks.ts';
import { type BystanderResult, besideAttack, bystanderTable } from '../bench/bystander/bystander.ts';
import { FAULTS } from '../checker/index.ts';
import { type Cluster, startCluster, TEST_TENANTS } from '../harness/index.ts';

/** Attacks that have ended lives, deliveries or other tenants' sends; `bench --scenario bystander` runs all. */
const NAMES = ['huge-ids', 'sign-requests', 'searches', 'watch-flapping', 'slow-readers', 'unknown-tenant'];
const SECONDS = 4;
/** Says that nothing stands still; how much an attack is felt is for the bench, on a machine that is quiet. */
const STANDS_STILL_MS = 9_000;

describe('an innocent pair beside an attack', () => {
  let cluster: Cluster;
  const results: BystanderResult[] = [];

  before(async () => {
    cluster = await startCluster({ topology: 'one' });
  });
  after(async () => {
    if (results.length > 0) process.stdout.write(`\n${bystanderTable(results)}\n\n`);
    await cluster?.close();
  });

  for (const attack of ATTACKS.filter(({ name }) => NAMES.includes(name))) {
    test(`${attack.name}: ${attack.summary}`, { timeout: 300_000 }, async () => {
      const result = await besideAttack(
        attack,
        {
          endpoints: [cluster.endpoint('default')],
          admin: cluster.admin('default'),
          usage: () => cluster.usage().ours,
          order: (id) => {
            const { adminUser = '', adminSecret = '' } = TEST_TENANTS.find((each) => each.id === id) ?? {};
            const nats = cluster.stores.nats.uri;
            return { endpoints: [cluster.endpoint(id)], adminUser, secret: adminSecret, nats };
          },
        },
        { seconds: SECONDS, connections: 100 },
      );
      results.push(result);
      const { verdict, attacked, answers } = result;
      const texts = verdict.examples.map((e) => `${e.fault}: ${e.text}`).join('\n');
      for (const fault of FAULTS) assert.equal(verdict.counts[fault], 0, `${fault}\n${texts}`);
      assert.equal(verdict.acknowledged, verdict.sent, 'everything was acknowledged');
      assert.ok(attacked.delivered.count > 0, 'messages were delivered while the attack went on');
      assert.ok(attacked.delivered.at(0.99) < STANDS_STILL_MS * 1_000, 'the server stood still');
      assert.ok(Object.keys(answers).length > 0, 'the attackers were answered');
    });
  }
});
