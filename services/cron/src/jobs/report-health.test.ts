import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TenantSettingsInput, tenantSettings } from '@im/contract';
import { silentLogger } from '@im/process';
import type { Mail, Outcome } from '@im/sms-mail';
import { type HealthReportDeps, reportHealth } from './report-health.ts';

const never = new AbortController().signal;

/** Runs the job with these outcomes of mails. @returns what was sent, the result or error, and the report. */
async function run(settings: Partial<TenantSettingsInput>, outcomes: Outcome[], dead = 0) {
  const mails: Mail[] = [];
  const send = async (mail: Mail) => {
    mails.push(mail);
    return outcomes.shift() as Outcome;
  };
  const deps = {
    users: { count: async () => 5 },
    uploads: { bytes: async () => 7 },
    parked: { markers: async () => [] },
    deadLetters: { countOf: async () => dead },
    deliveries: {
      usage: async () => ({ waiting: { deliveries: 0, bytes: 0 }, dead: { deliveries: 0, bytes: 0 } }),
    },
    runs: { jobs: async () => [] },
    senders: {
      of: ({ mail }: { mail?: object }) => ({ sms: [], mail: mail && { name: 'smtp', open: false, send } }),
    },
    log: silentLogger(),
    pauseMs: 1,
    now: () => Date.UTC(2030, 0, 31, 6),
  } as unknown as HealthReportDeps;
  const job = reportHealth('27 6 * * *', deps);
  const tenant = tenantSettings({
    ...{
      id: 'shop',
      tokenSecret: 's',
      adminSecret: 's',
      mail: { host: 'mail.example.org', from: 'im@example.org' },
    },
    ...settings,
  });
  let report: object = {};
  const notes = { done() {}, report: (found: object) => (report = found) };
  const result = await job.run(tenant, never, notes).catch((error: Error) => error.message);
  return { mails, result, report };
}

const SENT: Outcome = { kind: 'sent', id: 'i' };
const to = ['ops@example.org'];

test('a report is kept, and mailed where the tenant names receivers', async () => {
  const quiet = await run({}, []);
  assert.deepEqual([quiet.mails.length, quiet.result], [0, 0]);
  assert.partialDeepStrictEqual(quiet.report, { problems: [], users: 5, storageBytes: 7 });
  const daily = await run({ healthReport: { to } }, [SENT]);
  assert.equal(daily.result, 1);
  assert.deepEqual(
    daily.mails.map(({ id, to: receivers, subject }) => [id, receivers, subject]),
    [['health-shop-2030-01-31', to, 'OpenIM shop 2030-01-31: everything is in order']],
  );
  const healthReport = { to, when: 'problems' } as const;
  assert.equal((await run({ healthReport }, [])).mails.length, 0);
  assert.equal((await run({ healthReport }, [SENT], 1)).mails.length, 1);
});

test('a mail is sent again while its server is away, and the run fails when it is not taken', async () => {
  const away: Outcome = { kind: 'refused', reason: 'unavailable', detail: 'greylisted' };
  const again = await run({ healthReport: { to } }, [away, { kind: 'unknown', detail: '' }, SENT]);
  assert.deepEqual([again.mails.length, again.result], [3, 1]);
  assert.equal(new Set(again.mails.map(({ id }) => id)).size, 1);
  const gone = await run({ healthReport: { to } }, [away, away, away, away]);
  assert.match(`${gone.result}`, /not mailed: unavailable: greylisted/);
  const refusedMail: Outcome = { kind: 'refused', reason: 'credentials', detail: '535' };
  const refused = await run({ healthReport: { to } }, [refusedMail]);
  assert.equal(refused.mails.length, 1);
  assert.match(`${refused.result}`, /not mailed: credentials/);
  assert.match(`${(await run({ mail: undefined, healthReport: { to } }, [])).result}`, /no settings `mail`/);
});
