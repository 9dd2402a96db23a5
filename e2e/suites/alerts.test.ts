import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connectWire, newestSeqs, sendMessage, textMessage } from '@im/client';
import { type Cluster, startCluster } from '@im/dev-cluster';
import { type Prometheus, startPrometheus } from '@im/dev-prometheus';
import { alertsOf, dashboardsOf, effectiveSpec, ruleGroups } from '@im/operator';
import { eventually } from './eventually.ts';
import { scrapesOf } from './scrapes.ts';

const CLUSTER = { name: 'chat', namespace: 'im' };
const FULL = process.env.FULL === '1';
/** The prober needs a machine with some room: its rounds end only when every user is logged in. */
const SPEC = effectiveSpec({ prober: { enabled: FULL } }, { version: '0.1.0', image: 'im:0.1.0' });
/** Ends a test that hangs; no test depends on the machine's speed. */
const LONG_MS = 240_000;
/** Longest time until an alert fires and is over, with the minutes for which it must hold. */
const FIRING_MS = 900_000;

const ALERTS = alertsOf(CLUSTER, SPEC);
const PANELS = dashboardsOf(CLUSTER, SPEC).flatMap(({ rows }) => rows.flatMap(({ panels }) => panels));

/** Alerts that a slow machine may set off without a fault. */
const OF_THE_MACHINE: ReadonlySet<string> = new Set([
  ...['OpenIMEventLoopBlocked', 'OpenIMRequestsSlow'],
  ...(FULL ? [] : ['OpenIMRequestsFailing', 'OpenIMRedisUnreachable', 'OpenIMTasksFailing']),
]);

/** Metrics without a series until something happens that does not happen here, and those of the operator. */
const OF_EVENTS =
  /^openim_(log_append_refused_total|gateway_refused_total|webhook_deliveries_total|webhook_switched_off|push_devices_total|sms_mail_sends_total|cron_runs_total|background_failures_total|operator_\w+)$/;

let cluster: Cluster;
let prometheus: Prometheus;

before(async () => {
  cluster = await startCluster({ topology: 'many', prober: FULL });
  prometheus = await startPrometheus(join(cluster.dir, 'prometheus'), {
    scrapes: scrapesOf(cluster.processes, CLUSTER),
    rules: ruleGroups(CLUSTER, SPEC),
    interval: '1s',
  });
  await eventually(chat, LONG_MS);
});
after(async () => {
  await prometheus?.[Symbol.asyncDispose]();
  await cluster?.close();
});

/** Has a user of one gateway send a message to one of the other. */
async function chat(): Promise<void> {
  const admin = cluster.admin('default');
  const platformID = 2;
  await admin.ensureUsers(['ann', 'bob']);
  const connect = async (userID: string, gateway: number) =>
    connectWire({
      ws: cluster.endpoint('default', gateway).ws,
      userID,
      token: await admin.userToken(userID, platformID),
      platformID,
    });
  const ann = await connect('ann', 0);
  try {
    const bob = await connect('bob', 1);
    try {
      await newestSeqs(bob);
      await sendMessage(ann, textMessage('ann', { user: 'bob' }, 'first', 'hello'));
    } finally {
      bob.close();
    }
  } finally {
    ann.close();
  }
}

/** Names of the alerts that hold, without those of the machine. */
async function holding(state?: 'firing'): Promise<string[]> {
  const alerts = (await prometheus.alerts()).filter(
    (alert) => !OF_THE_MACHINE.has(alert.name) && (state === undefined || alert.state === state),
  );
  return [...new Set(alerts.map(({ name }) => name))].sort();
}

describe('alerts and dashboards of a live cluster', () => {
  test('every diagram has series', async () => {
    const queries = PANELS.flatMap((panel) => panel.queries.map((query) => ({ panel, query })));
    for (const { panel, query } of queries) {
      await eventually(async () => {
        const series = await prometheus.query(query.expr);
        assert.ok(series.length > 0, `${panel.title}: ${query.expr}`);
        const labels = [...query.legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
        for (const label of labels) {
          for (const each of series) assert.ok(each.labels[label], `${panel.title}: label ${label}`);
        }
      }, LONG_MS);
    }
  });

  test('every metric of an alert has series of this cluster, but for those of events', async () => {
    const selectors = new Set(ALERTS.flatMap(({ expr }) => expr.match(/[a-zA-Z_:][\w:]*\{[^}]*\}/g) ?? []));
    for (const selector of selectors) {
      const [metric = ''] = selector.split('{');
      if (OF_EVENTS.test(metric)) await prometheus.query(selector);
      // With its own matchers it may have none, as without a failure.
      else {
        const ours = selector.replace(/,(code|outcome|reason|result)=?[=~!]*"[^"]*"/g, '');
        await eventually(
          async () => assert.notEqual((await prometheus.query(ours)).length, 0, ours),
          LONG_MS,
        );
      }
    }
  });

  test('nothing holds while all is well', async () => {
    await eventually(async () => assert.deepEqual(await holding(), []), LONG_MS);
  });

  test('a killed gateway is named, and nothing else holds', async () => {
    const [, gateway] = cluster.gateways;
    assert.ok(gateway);
    await gateway.kill();
    await eventually(async () => {
      const found = (await prometheus.alerts()).find(({ name }) => name === 'OpenIMProcessDown');
      assert.equal(found?.labels.pod, gateway.name);
      assert.match(
        found.annotations.summary ?? '',
        /^OpenIMCluster im\/chat: Pod gateway-2 \(gateway\) cannot/,
      );
      assert.deepEqual(await holding(), ['OpenIMProcessDown']);
    }, LONG_MS);
    gateway.start();
    await gateway.untilReady();
    await eventually(async () => assert.deepEqual(await holding(), []), LONG_MS);
  });
});

describe('alerts that fire', {
  skip: FULL ? false : 'each must hold for minutes; FULL=1 runs it',
}, () => {
  /** What the loss of a store may set off in addition. */
  const CONSEQUENCES = [
    'OpenIMDeliveriesMissed',
    'OpenIMDeliveryLagging',
    'OpenIMConnectionsRefused',
    'OpenIMPartitionsUnread',
    'OpenIMProberSilent',
    'OpenIMRequestsFailing',
    'OpenIMSendsRefused',
    'OpenIMTasksFailing',
  ];
  for (const [store, alert] of [
    ['nats', 'OpenIMNATSUnreachable'],
    ['mongo', 'OpenIMMongoDBUnreachable'],
    ['redis', 'OpenIMRedisUnreachable'],
  ] as const) {
    test(`${alert} fires when it is away, and is over when it is back`, async () => {
      await eventually(async () => assert.deepEqual(await holding('firing'), []), FIRING_MS);
      const fired = new Set<string>();
      await cluster.stores[store].kill();
      await eventually(async () => {
        for (const name of await holding('firing')) fired.add(name);
        assert.ok(fired.has(alert), [...fired].join(', '));
      }, FIRING_MS);
      await cluster.stores[store].restart();
      await eventually(async () => {
        for (const name of await holding('firing')) fired.add(name);
        assert.deepEqual(await holding('firing'), []);
      }, FIRING_MS);
      console.log(`${store}: ${[...fired].join(', ')}`);
      const others = [...fired].filter((name) => name !== alert && !CONSEQUENCES.includes(name));
      assert.deepEqual(others, []);
    });
  }

  test('the loss of a role is critical, and that of a process is not', async () => {
    await cluster.process('api').kill();
    await eventually(async () => {
      const firing = (await prometheus.alerts()).filter(({ state }) => state === 'firing');
      const down = firing.find(({ name }) => name === 'OpenIMRoleDown');
      assert.equal(down?.labels.role, 'api');
      assert.equal(down.labels.severity, 'critical');
    }, FIRING_MS);
    cluster.process('api').start();
    await eventually(async () => assert.deepEqual(await holding('firing'), []), FIRING_MS);
  });
});
