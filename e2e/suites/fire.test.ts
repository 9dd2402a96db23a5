import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, foldedPartitions, PARTITIONS, startCluster } from '@im/dev-cluster';
import { type SdkHost, startJsHost } from '@im/dev-sdk';
import { FAULTS, now, type VerdictRow, verdictTable } from '@im/proof';
import { DELIVER_WITHIN_MS, MODE } from '../fire/mode.ts';
import { type Crowd, openCrowd } from '../fire/sdk-crowd.ts';
import { VICTIMS, type Victim } from '../fire/victims.ts';
import { eventually } from './eventually.ts';

const USERS = 20;
const MESSAGES_PER_SECOND = 100;
/** Partitions change hands for a while after a transfer has come back. */
const OWNERS_SETTLE_MS = 60_000;

/** `E2E_ONLY` picks victims by a part of their name. */
const only = process.env.E2E_ONLY ?? '';

describe(`fire: ${USERS} SDK clients at ${MESSAGES_PER_SECOND} messages/s, one victim a run; ${MODE}`, () => {
  let cluster: Cluster;
  let host: SdkHost;
  let crowd: Crowd;
  const rows: VerdictRow[] = [];

  before(async () => {
    cluster = await startCluster({ topology: 'many' });
    host = startJsHost();
    crowd = await openCrowd({
      cluster,
      tenant: 'default',
      users: USERS,
      groups: 20,
      groupSize: 8,
      host: () => host,
    });
  });
  after(async () => {
    if (rows.length > 0) process.stdout.write(`\n${verdictTable(rows)}\n\n`);
    await crowd?.close();
    await host?.close();
    await cluster?.close();
  });

  for (const victim of VICTIMS) {
    const skip = victim.name.includes(only) ? false : 'not asked for';
    test(victim.name, { skip, timeout: 600_000 }, async () => {
      const { verdict, loggedOut, stuck } = await crowd.run({
        name: victim.name,
        messagesPerSecond: MESSAGES_PER_SECOND,
        durationMs: victim.times.loadUntil,
        cutGateway: victim.cutGateway,
        deliverWithinMs: DELIVER_WITHIN_MS,
        disturb: (quiet) => disturb(cluster, victim, quiet),
      });
      rows.push({ name: victim.name, verdict });
      const texts = verdict.examples.map((e) => `${e.fault} ${e.conversation}: ${e.text}`).join('\n');
      for (const fault of FAULTS) assert.equal(verdict.counts[fault], 0, `${fault}\n${texts}`);
      assert.deepEqual(loggedOut, [], 'nobody is logged out');
      await eventually(
        async () =>
          assert.equal(await foldedPartitions(cluster), PARTITIONS, 'every partition has one owner'),
        OWNERS_SETTLE_MS,
      );
      assert.ok(
        verdict.acknowledged > verdict.sent * 0.5,
        `${verdict.acknowledged} of ${verdict.sent} acknowledged`,
      );
      assert.equal(stuck, 0, 'every send was answered');
    });
  }
});

async function disturb(
  cluster: Cluster,
  victim: Victim,
  quiet: () => Promise<void>,
): Promise<{ from: number; to: number }[]> {
  await sleep(victim.times.strikeAt);
  if (victim.cutGateway !== undefined) await quiet();
  const from = now();
  await victim.strike(cluster);
  await sleep(Math.max(0, victim.times.healAt - victim.times.strikeAt - (now() - from)));
  await victim.heal(cluster);
  return [{ from, to: now() }];
}
