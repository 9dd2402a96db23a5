import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeployedCluster } from '@im/dev-cluster';
import { FAULTS, now } from '@im/proof';
import { type ClientEvent, idleClients } from './idle-clients.ts';
import { lineChart } from './line-chart.ts';
import { sharedCluster } from './shared-cluster.ts';
import { startTraffic } from './traffic.ts';
import { overTheService, type Row, seconds, tableOf } from './verdicts.ts';

const FULL = process.env.FULL === '1';
const GATEWAYS = 4;
const CLIENTS = FULL ? 2_000 : 200;
const TRAFFIC = { users: 10, messagesPerSecond: 30 };
/** New connections that each gateway admits: low, so that it is the limit that shapes the return of all clients. */
const ADMITTED = FULL ? { ratePerSecond: 40, burst: 40 } : { ratePerSecond: 5, burst: 5 };
const CONNECTED_WITHIN_MS = FULL ? 300_000 : 180_000;
const BACK_WITHIN_MS = 180_000;
const DELIVER_WITHIN_MS = 60_000;
const CALM_MS = 3_000;
const CHART = join(import.meta.dirname, '../../../docs/operations/gateways-lost.svg');

describe(`half of ${GATEWAYS} gateways are killed at once, with ${CLIENTS} clients, ${FULL ? 'FULL=1' : 'short, FULL=1 for all'}`, () => {
  let cluster: DeployedCluster;
  const rows: Row[] = [];

  before(async () => {
    cluster = await sharedCluster();
    await cluster.change({ spec: { gateway: { replicas: GATEWAYS, handshakes: ADMITTED } } });
    await cluster.untilSettled();
  });
  after(async () => {
    if (rows.length > 0) process.stdout.write(`\n${tableOf(rows)}\n\n`);
    await cluster?.change({ spec: { gateway: { replicas: 2, handshakes: null } } });
    await cluster?.untilSettled();
    await cluster?.close();
  });

  test('their clients come back as fast as the gateways admit them, and no other notices', {
    timeout: 590_000,
  }, async () => {
    await using clients = idleClients(cluster.anyGateway, cluster.admin('default'), 'lost');
    await clients.resize(CLIENTS);
    await clients.untilOpen(CONNECTED_WITHIN_MS);
    await using traffic = await startTraffic(overTheService(cluster), { name: 'gateways_lost', ...TRAFFIC });
    await sleep(CALM_MS);
    assert.equal(clients.open, CLIENTS);
    const victims = (await cluster.pods('gateway')).slice(0, GATEWAYS / 2);
    const startedAt = now();
    await Promise.all(victims.map((pod) => cluster.kill(pod)));
    const lostAt = now();
    await sleep(CALM_MS / 3);
    await clients.untilOpen(BACK_WITHIN_MS);
    const backAt = now();
    await cluster.untilSettled();
    await sleep(CALM_MS);
    const verdict = await traffic.finish({
      deliverWithinMs: DELIVER_WITHIN_MS,
      outages: [{ from: startedAt, to: now() }],
    });
    const events = clients.events.filter(({ at }) => at >= startedAt);
    const count = (kind: ClientEvent['kind']) => events.filter((event) => event.kind === kind).length;
    const lost = count('closed');
    const perSecond = loginsPerSecond(events, startedAt);
    const logins = events.flatMap(({ loginMs }) => loginMs ?? []).sort((a, b) => a - b);
    rows.push({
      name: `${GATEWAYS / 2} of ${GATEWAYS} gateways`,
      verdict,
      figures: {
        'clients lost': `${lost} of ${CLIENTS}`,
        'all back after': seconds(backAt - lostAt),
        'logins/s, peak': String(Math.max(...perSecond)),
        refused: String(count('refused')),
        'failed dials': String(count('failed')),
        'login p99': `${(logins[Math.floor(logins.length * 0.99)] ?? 0).toFixed(0)} ms`,
      },
    });
    if (FULL) writeChart(perSecond);

    for (const fault of FAULTS) if (fault !== 'late') assert.equal(verdict.counts[fault], 0, fault);
    assert.ok(lost > 0 && lost < CLIENTS, `${lost} clients were on the lost gateways`);
    const closed = events.filter(({ kind }) => kind === 'closed').map(({ client }) => client);
    assert.equal(new Set(closed).size, closed.length, 'no client is cut twice');
    assert.ok(count('refused') > 0, 'the limit is what shaped their return');
    // Every gateway may have a full bucket at the beginning, also one that has just started.
    const { ratePerSecond, burst } = ADMITTED;
    let admitted = 0;
    for (const [second, number] of perSecond.entries()) {
      admitted += number;
      const most = GATEWAYS * (burst + ratePerSecond * (second + 2)) + (GATEWAYS / 2) * burst;
      assert.ok(admitted <= most, `${admitted} logins after ${second + 1} s, ${most} are allowed`);
    }
  });
});

function loginsPerSecond(events: readonly ClientEvent[], startedAt: number): number[] {
  const last = Math.max(startedAt, ...events.map(({ at }) => at));
  const counts = new Array<number>(Math.floor((last - startedAt) / 1_000) + 1).fill(0);
  for (const { kind, at } of events) {
    const second = Math.floor((at - startedAt) / 1_000);
    if (kind === 'usable') counts[second] = (counts[second] ?? 0) + 1;
  }
  return counts;
}

function writeChart(perSecond: readonly number[]): void {
  const { ratePerSecond } = ADMITTED;
  const points = perSecond.map((count, second): [number, number] => [second, count]);
  const limit = perSecond.map((_, second): [number, number] => [second, GATEWAYS * ratePerSecond]);
  const series = [
    { name: 'logins', points },
    { name: `limit of ${GATEWAYS} gateways`, points: limit },
  ];
  const title = `Logins per second after half of ${GATEWAYS} gateways were killed`;
  const xLabel = `seconds; ${CLIENTS} clients, each gateway admits ${ratePerSecond} per second`;
  writeFileSync(CHART, lineChart({ title, xLabel, yLabel: 'logins per second', series }));
}
