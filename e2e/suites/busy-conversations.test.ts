import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, startCluster } from '@im/dev-cluster';
import {
  FAULTS,
  type LoadTarget,
  now,
  openWireLoadClients,
  type Verdict,
  type VerdictRow,
  verdictTable,
  type WireUser,
} from '@im/proof';
import { chatConversationID, SESSION } from '@im/protocol';
import { DELIVER_WITHIN_MS, FULL, MODE } from '../chaos/mode.ts';

const HOT_MS = FULL ? 20_000 : 8_000;
const PAUSED_LOAD_MS = FULL ? 20_000 : 12_000;
const PAUSE_MS = 5_000;
/** Platforms of one user's devices; each may be connected once. */
const PLATFORMS = [1, 2, 3, 5, 7];
const SETTLE_MS = 3_000;

const single = (a: string, b: string) =>
  chatConversationID({ sessionType: SESSION.Single, sendID: a, recvID: b, groupID: '' });

describe(`busy conversations; ${MODE}`, () => {
  let cluster: Cluster;
  const rows: VerdictRow[] = [];
  const place = (): LoadTarget => ({
    endpoints: cluster.gateways.map((_, i) => cluster.endpoint('default', i)),
    admin: cluster.admin('default'),
    dir: cluster.dir,
  });

  before(async () => {
    cluster = await startCluster({ topology: 'many' });
  });
  after(async () => {
    if (rows.length > 0) process.stdout.write(`\n${verdictTable(rows)}\n\n`);
    await cluster?.close();
  });
  function judge(name: string, verdict: Verdict): void {
    rows.push({ name, verdict });
    const texts = verdict.examples.map((e) => `${e.fault}: ${e.text}`).join('\n');
    for (const fault of FAULTS) assert.equal(verdict.counts[fault], 0, `${fault}\n${texts}`);
  }

  test('one conversation, closed loop with 20 in flight', { timeout: 300_000 }, async () => {
    const [a, b] = ['hot_a', 'hot_b'];
    const loadClients = await openWireLoadClients(
      place(),
      'hot',
      [a, b].flatMap((userID) => PLATFORMS.map((platformID) => ({ userID, platformID }))),
    );
    const conversation = single(a, b);
    loadClients.members(conversation, [a, b]);
    const until = now() + HOT_MS;
    // Two loops on each of ten connections.
    const loops = [...loadClients.devices, ...loadClients.devices].map((device) =>
      loadClients.closedLoop(
        device,
        { user: loadClients.of(a).includes(device) ? b : a },
        conversation,
        until,
      ),
    );
    await Promise.all(loops);
    const verdict = await loadClients.finish(SETTLE_MS);
    judge(`hot conversation, ${HOT_MS / 1000} s`, verdict);
    assert.equal(verdict.acknowledged, verdict.sent);
    assert.ok(verdict.acknowledged > HOT_MS / 1000, `${verdict.acknowledged} acknowledged`);
  });

  test('two conversations at 100/s while every transfer stops for 5 s', { timeout: 300_000 }, async () => {
    const users = ['pause_a', 'pause_b', 'pause_c', 'pause_d'];
    const loadClients = await openWireLoadClients(
      place(),
      'pause',
      users.map((userID) => ({ userID, platformID: 5 })),
    );
    const deviceOf = (userID: string): WireUser => {
      const [device] = loadClients.of(userID);
      assert.ok(device);
      return device;
    };
    const transfers = cluster.processes.filter((each) => each.plan.roles.includes('transfer'));
    const until = now() + PAUSED_LOAD_MS;
    const loads = [0, 2].flatMap((i) => {
      const [a, b] = users.slice(i, i + 2) as [string, string];
      const conversation = single(a, b);
      loadClients.members(conversation, [a, b]);
      return [a, b].map((from) =>
        loadClients.openLoop(deviceOf(from), { user: from === a ? b : a }, conversation, 25, until),
      );
    });
    await sleep(2_000);
    for (const transfer of transfers) transfer.pause();
    await sleep(PAUSE_MS);
    for (const transfer of transfers) transfer.resume();
    await Promise.all(loads);
    judge(
      `transfers stopped ${PAUSE_MS / 1000} s`,
      await loadClients.finish(SETTLE_MS, { deliverWithinMs: DELIVER_WITHIN_MS }),
    );
  });
});
