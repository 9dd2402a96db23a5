import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PARTITIONS } from '@im/contract';
import { type Cluster, foldedPartitions, startCluster } from '@im/dev-cluster';
import { type SdkHost, startJsHost } from '@im/dev-sdk';
import { FAULTS, now, type VerdictRow, verdictTable } from '@im/proof';
import { CHAOS_FAULTS, type ChaosFault } from '../chaos/faults.ts';
import { DELIVER_WITHIN_MS, MODE } from '../chaos/mode.ts';
import { openSdkLoadClients, type SdkLoadClients } from '../chaos/sdk-load-clients.ts';
import { eventually } from './eventually.ts';

const USERS = 20;
const MESSAGES_PER_SECOND = 100;
/** Partitions change hands for a while after a transfer has come back. */
const OWNERS_SETTLE_MS = 60_000;

/** `E2E_ONLY` picks faults by part of their name. */
const only = process.env.E2E_ONLY ?? '';

describe(`chaos: ${USERS} SDK clients at ${MESSAGES_PER_SECOND} messages/s, one fault a run; ${MODE}`, () => {
  let cluster: Cluster;
  let host: SdkHost;
  let loadClients: SdkLoadClients;
  const rows: VerdictRow[] = [];

  before(async () => {
    cluster = await startCluster({ topology: 'many' });
    host = startJsHost();
    loadClients = await openSdkLoadClients({
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
    await loadClients?.close();
    await host?.close();
    await cluster?.close();
  });

  for (const fault of CHAOS_FAULTS) {
    const skip = fault.name.includes(only) ? false : 'not asked for';
    test(fault.name, { skip, timeout: 600_000 }, async () => {
      const { verdict, loggedOut, stuck } = await loadClients.run({
        name: fault.name,
        messagesPerSecond: MESSAGES_PER_SECOND,
        durationMs: fault.times.loadUntil,
        cutGateway: fault.cutGateway,
        deliverWithinMs: DELIVER_WITHIN_MS,
        disturb: (quiet) => disturb(cluster, fault, quiet),
      });
      rows.push({ name: fault.name, verdict });
      const texts = verdict.examples.map((e) => `${e.fault} ${e.conversation}: ${e.text}`).join('\n');
      for (const fault of FAULTS) assert.equal(verdict.counts[fault], 0, `${fault}\n${texts}`);
      assert.deepEqual(loggedOut, [], 'no user is logged out');
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
  fault: ChaosFault,
  quiet: () => Promise<void>,
): Promise<{ from: number; to: number }[]> {
  await sleep(fault.times.strikeAt);
  if (fault.cutGateway !== undefined) await quiet();
  const from = now();
  await fault.strike(cluster);
  await sleep(Math.max(0, fault.times.healAt - fault.times.strikeAt - (now() - from)));
  await fault.heal(cluster);
  return [{ from, to: now() }];
}
