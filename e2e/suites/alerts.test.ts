import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectWire, newestSeqs, sendMessage, textMessage } from '@im/client';
import { type Cluster, startCluster } from '@im/dev-cluster';
import { type Prometheus, startPrometheus } from '@im/dev-prometheus';
import { alertsOf, dashboardsOf, effectiveSpec, type RuleGroups, ruleGroups } from '@im/operator';
import { eventually } from './eventually.ts';
import { scrapesOf } from './scrapes.ts';

const CLUSTER = { name: 'chat', namespace: 'im' };
const FULL = process.env.FULL === '1';
/** Connections of a gateway from which on it is full, for its alert. */
const ROOM = 40;
const PLATFORM = 2;
/** The prober needs a machine with some room: its rounds end only when every user is logged in. */
const SPEC = effectiveSpec(
  { prober: { enabled: FULL }, gateway: { maxConnectionsPerPod: ROOM } },
  { version: '0.1.0', image: 'im:0.1.0' },
);
/** With `FULL=1` a minute of the rules takes 6 s, so that each alert can be waited for. */
const RULES = FULL ? hastened(ruleGroups(CLUSTER, SPEC), 6) : ruleGroups(CLUSTER, SPEC);
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

/** The rules with shorter minutes, in their expressions and in the time for which they must hold. */
function hastened({ groups }: RuleGroups, secondsPerMinute: number): RuleGroups {
  const shorter = (text: string) =>
    text.replaceAll(/\b(\d+)m\b/g, (_, minutes: string) => `${Number(minutes) * secondsPerMinute}s`);
  return {
    groups: groups.map(({ name, rules }) => ({
      name,
      rules: rules.map((rule) => ({
        ...rule,
        expr: shorter(rule.expr),
        ...(rule.for === undefined ? {} : { for: shorter(rule.for) }),
      })),
    })),
  };
}

let cluster: Cluster;
let prometheus: Prometheus;

before(async () => {
  cluster = await startCluster({ topology: 'many', prober: FULL });
  prometheus = await startPrometheus(join(cluster.dir, 'prometheus'), {
    scrapes: scrapesOf(cluster.processes, CLUSTER),
    rules: RULES,
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
  await admin.ensureUsers(['ann', 'bob']);
  const ann = await connectAs('ann', 0);
  try {
    const bob = await connectAs('bob', 1);
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

/** A fault in the running cluster that an alert is about. */
interface Fault {
  readonly alert: string;
  /** Causes it. @returns ends it. */
  readonly begin: () => Promise<() => Promise<void>>;
  /** What it may set off in addition. @default nothing */
  readonly also?: readonly string[];
  /** Labels that it has when it fires. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** What users notice when a store, or all processes of a role that serves requests, are away. */
const NOT_SERVED = [
  'OpenIMConnectionsRefused',
  'OpenIMDeliveriesMissed',
  'OpenIMDeliveryLagging',
  'OpenIMJobFailing',
  'OpenIMPartitionsUnread',
  'OpenIMProberSilent',
  'OpenIMRequestsFailing',
  'OpenIMSendsRefused',
  'OpenIMTasksFailing',
];

const storeAway = (store: 'nats' | 'mongo' | 'redis', alert: string): Fault => ({
  alert,
  also: NOT_SERVED,
  async begin() {
    await cluster.stores[store].kill();
    return async () => {
      await cluster.stores[store].restart();
    };
  },
});

/** Kills processes. @param meanwhile what clients do meanwhile, again and again. */
function killed(names: readonly string[], meanwhile?: () => Promise<unknown>) {
  return async () => {
    const processes = names.map((name) => cluster.process(name));
    await Promise.all(processes.map((each) => each.kill()));
    const stopped = meanwhile && repeatedly(meanwhile);
    return async () => {
      await stopped?.();
      for (const each of processes) each.start();
      await Promise.all(processes.map((each) => each.untilReady()));
    };
  };
}

/** Does something again and again, whatever becomes of it. @returns stops it. */
function repeatedly(what: () => Promise<unknown>): () => Promise<void> {
  const stop = new AbortController();
  const running = (async () => {
    while (!stop.signal.aborted) {
      await what().catch(() => {});
      await sleep(200);
    }
  })();
  return async () => {
    stop.abort();
    await running;
  };
}

/** Changes the config file of a process, and then changes it back. */
async function configured(name: string, changes: object, back: object): Promise<() => Promise<void>> {
  const changed = cluster.process(name);
  changed.configure(changes);
  return async () => changed.configure(back);
}

async function connectAs(userID: string, gateway: number) {
  const { ws } = cluster.endpoint('default', gateway);
  const token = await cluster.admin('default').userToken(userID, PLATFORM);
  return await connectWire({ ws, userID, token, platformID: PLATFORM });
}

const FAULTS: readonly Fault[] = [
  storeAway('nats', 'OpenIMNATSUnreachable'),
  storeAway('mongo', 'OpenIMMongoDBUnreachable'),
  storeAway('redis', 'OpenIMRedisUnreachable'),
  { alert: 'OpenIMProcessDown', begin: killed(['gateway-2']) },
  {
    alert: 'OpenIMRoleDown',
    begin: killed(['api']),
    also: ['OpenIMProcessDown', 'OpenIMProberSilent'],
    labels: { role: 'api', severity: 'critical' },
  },
  {
    alert: 'OpenIMProberSilent',
    begin: killed(['prober']),
    also: ['OpenIMProcessDown', 'OpenIMRoleDown'],
  },
  {
    alert: 'OpenIMRequestsFailing',
    async begin() {
      const ann = await connectAs('ann', 0);
      const end = await killed(['rpc-1', 'rpc-2'], () => newestSeqs(ann))();
      return async () => {
        await end();
        ann.close();
      };
    },
    also: ['OpenIMProcessDown', 'OpenIMRoleDown', ...NOT_SERVED],
  },
  {
    alert: 'OpenIMConnectionsRefused',
    async begin() {
      const { config } = cluster.process('gateway-2').plan;
      const { gateway } = config;
      const tight = { gateway: { ...gateway, handshakes: { ratePerSecond: 0.1, burst: 1 } } };
      const back = await configured('gateway-2', tight, { gateway });
      const stopped = repeatedly(async () => (await connectAs('bob', 1)).close());
      return async () => {
        await stopped();
        await back();
      };
    },
    also: ['OpenIMProberSilent'],
  },
  {
    alert: 'OpenIMGatewayFull',
    async begin() {
      const names = Array.from({ length: ROOM }, (_, i) => `crowd_${i}`);
      await cluster.admin('default').ensureUsers(names);
      const crowd = await Promise.all(names.map((name) => connectAs(name, 1)));
      return async () => {
        for (const connection of crowd) connection.close();
      };
    },
  },
  {
    alert: 'OpenIMConfigUnusable',
    begin: () => {
      const { log } = cluster.process('push').plan.config;
      return configured('push', { log: { level: 'nonsense' } }, { log });
    },
  },
  {
    alert: 'OpenIMTenantsInvalid',
    begin: () => {
      const { tenants = [] } = cluster.process('push').plan.config;
      return configured('push', { tenants: [...tenants, { id: 'Not An ID' }] }, { tenants });
    },
  },
];

describe('alerts that fire', {
  skip: FULL ? false : 'each must hold for a while; FULL=1 runs it',
}, () => {
  for (const { alert, begin, also = [], labels = {} } of FAULTS) {
    test(`${alert} fires on its fault, is over after it, and comes with no other`, async () => {
      const fired = new Set<string>();
      const look = async () => {
        await sleep(500);
        const firing = await holding('firing');
        for (const name of firing) fired.add(name);
        return firing;
      };
      await eventually(async () => assert.deepEqual(await holding('firing'), []), FIRING_MS);
      const startedAt = performance.now();
      const since = () => Math.round((performance.now() - startedAt) / 1_000);
      const end = await begin();
      try {
        await eventually(
          async () => assert.ok((await look()).includes(alert), [...fired].join(', ')),
          FIRING_MS,
        );
        const found = (await prometheus.alerts()).find(
          ({ name, state }) => name === alert && state === 'firing',
        );
        assert.partialDeepStrictEqual(found?.labels, labels);
      } finally {
        await end();
      }
      const firedAfter = since();
      await eventually(async () => assert.deepEqual(await look(), []), FIRING_MS);
      const others = [...fired].filter((name) => name !== alert);
      console.log(
        `${alert}: fires after ${firedAfter} s, over after ${since()} s; with it: ${others.join(', ')}`,
      );
      assert.deepEqual(
        others.filter((name) => !also.includes(name)),
        [],
      );
    });
  }
});
