import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantSettings } from '@im/contract';
import type { JobState } from '@im/store';
import { type FiguresDeps, type HealthFigures, healthFigures, healthProblems, isLate } from './figures.ts';
import { reportMail } from './report-mail.ts';

const HEALTHY: HealthFigures = {
  ...{
    users: 89,
    userQuota: 100,
    storageBytes: 1_000,
    storageQuota: 0,
    parkedConversations: 0,
    deadLetters: 0,
  },
  ...{ webhooksWaiting: 3, webhooksDead: 0, indexDifferences: 0, failingJobs: [], lateJobs: [] },
};

test('what needs a person is a problem, and nothing else is', () => {
  assert.deepEqual(healthProblems(HEALTHY), []);
  const cases: [Partial<HealthFigures>, string][] = [
    [{ users: 90 }, 'users'],
    [{ storageQuota: 1_100 }, 'storage'],
    [{ parkedConversations: 1 }, 'parkedConversations'],
    [{ deadLetters: 1 }, 'deadLetters'],
    [{ webhooksDead: 1 }, 'webhooksDead'],
    [{ indexDifferences: 2 }, 'indexDifferences'],
    [{ failingJobs: ['expire-objects (2)'] }, 'failingJobs'],
    [{ lateJobs: ['expire-tokens'] }, 'lateJobs'],
  ];
  for (const [change, problem] of cases)
    assert.deepEqual(healthProblems({ ...HEALTHY, ...change }), [problem]);
});

test('a job is late when two due times have passed since its last success', () => {
  const daily = { schedule: '0 2 * * *', lastOk: Date.UTC(2030, 0, 1, 2, 0, 30) };
  assert.equal(isLate(daily, Date.UTC(2030, 0, 2, 12)), false);
  assert.equal(isLate(daily, Date.UTC(2030, 0, 3, 2, 1)), true);
  assert.equal(isLate({ schedule: '0 2 * * *' }, Date.UTC(2031, 0, 1)), false);
});

test('figures are of one tenant', async () => {
  const tenant = tenantSettings({ id: 'a', tokenSecret: 's', adminSecret: 's', quotas: { users: 10 } });
  const job = (name: string, more: Partial<JobState>): JobState => ({
    ...{
      name,
      schedule: '0 2 * * *',
      description: '',
      announced: 0,
      number: 1,
      requested: false,
      failures: 0,
    },
    ...more,
  });
  const marker = (id: string) => ({
    tenant: id,
    conversation: 'c',
    partition: 1,
    reason: 'r',
    since: new Date(),
  });
  const last = {
    number: 1,
    started: 0,
    ms: 1,
    outcome: 'ok',
    done: 0,
    error: '',
    report: '{"differences":4}',
  } as const;
  const deps = {
    users: { count: async () => 5 },
    uploads: { bytes: async () => 7 },
    parked: { markers: async () => [marker('a'), marker('b'), marker('a')] },
    deadLetters: { countOf: async (id: string) => (id === 'a' ? 1 : 9) },
    deliveries: {
      usage: async () => ({ waiting: { deliveries: 2, bytes: 0 }, dead: { deliveries: 1, bytes: 0 } }),
    },
    runs: {
      jobs: async () => [job('x', { failures: 3 }), job('y', { lastOk: 1 }), job('report-indexes', { last })],
    },
  } as unknown as FiguresDeps;
  assert.deepEqual(await healthFigures(deps, tenant, Date.UTC(2030, 0, 1)), {
    ...{ users: 5, userQuota: 10, storageBytes: 7, storageQuota: 0, parkedConversations: 2, deadLetters: 1 },
    ...{ webhooksWaiting: 2, webhooksDead: 1, indexDifferences: 4, failingJobs: ['x (3)'], lateJobs: ['y'] },
  });
});

test('a mail says in its subject whether anything needs attention, and marks what does', () => {
  const well = reportMail('shop', '2030-01-31', HEALTHY, [], 'en');
  assert.equal(well.subject, 'OpenIM shop 2030-01-31: everything is in order');
  assert.match(well.text, /^Registered users: 89 \/ 100\nStored bytes: 1000\n/);
  assert.doesNotMatch(well.text, /<-/);
  const ill = reportMail(
    'shop',
    '2030-01-31',
    { ...HEALTHY, lateJobs: ['expire-tokens'] },
    ['lateJobs'],
    'zh',
  );
  assert.equal(ill.subject, 'OpenIM shop 2030-01-31: 需要关注');
  assert.match(ill.text, /逾期的定时任务: expire-tokens <- 请检查\n$/);
});
