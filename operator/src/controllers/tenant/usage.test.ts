import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TenantFigures, TenantRefusalsReport } from '@im/contract';
import { createMetrics, silentLogger } from '@im/process';
import type { RunningProcess } from '../cluster/observation/reports.ts';
import { TenantUsage, type UsageApi } from './usage.ts';
import { usageMetrics } from './usage-metrics.ts';

const CLUSTER = 'im/chat';
const NOON = Date.UTC(2026, 0, 1, 12);
const MINUTE = 60_000;
const never = new AbortController().signal;

/** Processes by host; those with several roles first. */
function fixture(figures: readonly TenantFigures[], pageSize = 2) {
  const refused = new Map<string, TenantRefusalsReport>();
  const asked: string[] = [];
  const api: UsageApi = {
    async tenantUsage({ host, key }, { after = '' }) {
      asked.push(`${host} ${key} ${after}`);
      const rest = figures.filter(({ id }) => id > after);
      const tenants = rest.slice(0, pageSize);
      const next = rest.length > pageSize ? tenants.at(-1)?.id : undefined;
      return { tenants, ...(next === undefined ? {} : { next }) };
    },
    async tenantRefusals({ host }) {
      const report = refused.get(host);
      if (!report) throw new Error(`${host} is silent`);
      return report;
    },
  };
  const metrics = createMetrics();
  const usage = new TenantUsage(api, silentLogger(), metrics);
  const processes = ['gateway', 'rpc', 'api'].map((role): RunningProcess => {
    const status = { roles: [role], instance: `${role}-1` };
    return { pod: role, host: role, report: { at: 0, status } as unknown as RunningProcess['report'] };
  });
  const look = (now: number) => usage.look(CLUSTER, processes, 'key', never, now);
  const refuse = (host: string, instance: string, counts: TenantRefusalsReport['refused']) =>
    refused.set(host, { instance, refused: counts });
  return { usage, look, refuse, refused, asked, metrics };
}

test('all tenants are read from one process by pages', async () => {
  const all = ['a', 'b', 'c', 'd', 'e'].map((id, i) => ({ id, users: i }));
  const { usage, look, asked } = fixture(all);
  assert.equal(usage.of(CLUSTER, 'a', NOON), undefined);
  assert.equal(await look(NOON), true);
  assert.deepEqual(asked, ['rpc key ', 'rpc key b', 'rpc key d']);
  assert.deepEqual(usage.of(CLUSTER, 'e', NOON)?.figures, { id: 'e', users: 4 });
  assert.equal(usage.of(CLUSTER, 'unknown', NOON), undefined);
  assert.equal(usage.of(CLUSTER, 'e', NOON + 10 * MINUTE), undefined, 'old figures are not shown as new');
});

test('refusals of all processes add up; a restarted or silent process takes nothing back', async () => {
  const { usage, look, refuse, refused } = fixture([{ id: 'a' }]);
  const throttled = (now: number) => usage.of(CLUSTER, 'a', now)?.throttled;
  refuse('gateway', 'gateway-1', { a: { messagesPerSecond: 1_000 } });
  refuse('api', 'api-1', {});
  await look(NOON);
  assert.equal(throttled(NOON), 0, 'nothing says when that was');
  refuse('gateway', 'gateway-1', { a: { messagesPerSecond: 1_003 } });
  refuse('api', 'api-1', { a: { requestsPerSecond: 2 } });
  await look(NOON + MINUTE);
  assert.equal(throttled(NOON + MINUTE), 5);
  assert.deepEqual([...(usage.of(CLUSTER, 'a', NOON + MINUTE)?.refusing ?? [])].sort(), [
    'messagesPerSecond',
    'requestsPerSecond',
  ]);
  refused.delete('gateway');
  refuse('api', 'api-2', { a: { requestsPerSecond: 4 } });
  await look(NOON + 2 * MINUTE);
  assert.equal(throttled(NOON + 2 * MINUTE), 9);
  refuse('gateway', 'gateway-1', { a: { messagesPerSecond: 1_004 } });
  await look(NOON + 3 * MINUTE);
  assert.equal(throttled(NOON + 3 * MINUTE), 10);
  await look(NOON + 4 * MINUTE);
  assert.deepEqual([...(usage.of(CLUSTER, 'a', NOON + 4 * MINUTE)?.refusing ?? [])], []);
  const tomorrow = NOON + 12 * 60 * MINUTE;
  await look(tomorrow);
  assert.equal(throttled(tomorrow), 0);
});

test('metrics show usage and quotas of at most 1,000 tenants, and nothing of those that are gone', async () => {
  const metrics = createMetrics();
  const show = usageMetrics(metrics);
  const measure = (tenant: string) => ({
    namespace: 'im',
    tenant,
    looked: {
      at: new Date(NOON),
      figures: { id: tenant, users: 7 },
      throttled: 3,
      refusing: new Set<string>(),
    },
    quotas: { users: 10 },
  });
  show(
    CLUSTER,
    Array.from({ length: 1_002 }, (_, i) => measure(`t${i}`)),
  );
  const values = async (name: string) => metrics.values(name);
  assert.equal((await values('openim_operator_tenant_usage')).length, 2_000);
  assert.equal((await values('openim_operator_tenants_without_metrics'))[0]?.value, 2);
  show(CLUSTER, [measure('t1')]);
  assert.deepEqual(
    (await values('openim_operator_tenant_usage')).map(({ labels, value }) => [
      labels.tenant,
      labels.figure,
      value,
    ]),
    [
      ['t1', 'users', 7],
      ['t1', 'throttledToday', 3],
    ],
  );
  assert.deepEqual(
    (await values('openim_operator_tenant_quota')).map(({ value }) => value),
    [10],
  );
  show(CLUSTER, []);
  assert.equal((await values('openim_operator_tenant_usage')).length, 0);
});
