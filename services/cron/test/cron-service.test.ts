import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Blob } from '@im/blob';
import { parseConfig, tenantSettings } from '@im/contract';
import { inProcessInvalidations, staticTenants } from '@im/kit';
import { createLiveConfig } from '@im/process';
import type { RpcRegistry } from '@im/rpc';
import { clientLogRepo, cronRunRepo, deadLetterRepo } from '@im/store';
import { eventually, type RecordingTracer, recordingTracer } from '@im/testing';
import { SMTPServer } from 'smtp-server';
import { type CronDeps, cronService } from '../src/index.ts';
import { type JobFixture, useStore } from './harness.ts';

const DAY_MS = 86_400_000;
const [mine, yours] = ['t1', 't2'].map((id) =>
  tenantSettings({ id, tokenSecret: 's', adminSecret: 's' }),
) as [ReturnType<typeof tenantSettings>, ReturnType<typeof tenantSettings>];

let fixture: JobFixture;
useStore([mine, yours], async (given) => {
  fixture = given;
});

/** Starts the role cron as a process of this name. */
async function startCron(instanceId: string, tenants = [mine, yours], tracing?: RecordingTracer) {
  const config = parseConfig({ webhooks: { allowedNetworks: ['127.0.0.0/8'] } });
  const live = createLiveConfig(config);
  const deps = {
    ...fixture,
    live,
    instanceId,
    tenants: staticTenants(tenants),
    invalidations: inProcessInvalidations(),
    blob: {} as Blob,
    rpc: { client: () => ({}) } as unknown as RpcRegistry,
    ...(tracing && { tracing }),
  };
  const service = await cronService.create(config, deps as unknown as CronDeps);
  await service.start();
  return { config, live, stop: () => service.stop(AbortSignal.timeout(1_000)) };
}

test('a run that was asked for is done once, for its tenant alone, and its outcome is kept', async () => {
  const logs = clientLogRepo(fixture.store);
  const runs = cronRunRepo(fixture.store);
  const now = Date.now();
  const log = (logID: string, createTime: number) => ({
    ...{ logID, createTime, userID: 'u', platform: 'iOS', url: 'u', filename: 'f' },
    ...{ systemType: '', version: '', ex: '' },
  });
  for (const { id } of [mine, yours])
    await logs.add(id, [log('1', now - 181 * DAY_MS), log('2', now - 200 * DAY_MS), log('3', now - DAY_MS)]);
  const left = async ({ id }: typeof mine) =>
    (await logs.find(id, { keyword: '', from: 0, to: now }, 0, 10)).logs.map(({ logID }) => logID);

  const processes = [await startCron('p1'), await startCron('p2')];
  const request = { job: 'expire-client-logs', tenant: mine.id };
  await runs.request(request, new Date());
  await eventually(async () => {
    const job = (await runs.jobs(mine.id)).find(({ name }) => name === request.job);
    assert.equal(job?.last?.outcome, 'ok');
    assert.equal(job.last.done, 2);
    assert.equal(job.number, 1);
    assert.equal(job.requested, false);
  });
  assert.deepEqual(await left(mine), ['3']);
  assert.deepEqual(await left(yours), ['3', '1', '2']);

  const [first] = processes;
  assert.ok(first);
  const changed = { ...first.config.cron, tokenExpiry: '1 1 1 1 *' };
  first.live.apply({ ...first.config, cron: changed });
  await eventually(async () => {
    const job = (await runs.jobs(mine.id)).find(({ name }) => name === 'expire-tokens');
    assert.equal(job?.schedule, '1 1 1 1 *');
  });
  for (const { stop } of processes) await stop();
});

test('a run is a trace with what it asks of the stores', async () => {
  const runs = cronRunRepo(fixture.store);
  const tracing = recordingTracer();
  const cron = await startCron('p1', [mine], tracing);
  await runs.request({ job: 'expire-client-logs', tenant: mine.id }, new Date());
  await eventually(() => assert.ok(tracing.named('job expire-client-logs').ended));
  await cron.stop();
  const run = tracing.named('job expire-client-logs');
  assert.deepEqual([run.tenant, run.parent, run.error], [mine.id, '', undefined]);
  assert.equal(run.attributes['openim.job_outcome'], 'ok');
  const steps = tracing.spans.filter(({ parent }) => parent === run.traceparent);
  assert.ok(steps.length > 0);
  for (const { name, attributes, ended } of steps) {
    assert.match(name, / client_log$/);
    assert.deepEqual([attributes['db.system.name'], ended], ['mongodb', true]);
  }
});

test("a tenant's health is reported by mail through its own server", async (t) => {
  const mails: { readonly to: string | undefined; readonly text: string }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    onData(stream, { envelope }, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push({ to: envelope.rcptTo[0]?.address, text: Buffer.concat(chunks).toString() });
        callback();
      });
    },
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  t.after(() => server.close());
  const { port } = server.server.address() as AddressInfo;
  const runs = cronRunRepo(fixture.store);
  const reported = tenantSettings({
    ...{ id: mine.id, tokenSecret: 's', adminSecret: 's', healthReport: { to: ['ops@example.org'] } },
    mail: { host: '127.0.0.1', port, security: 'none', from: 'im@example.org' },
  });
  await deadLetterRepo(fixture.store).add({
    tenant: mine.id,
    position: 1,
    entry: -1,
    reason: 'r',
    record: Buffer.of(),
  });
  const { stop } = await startCron('p3', [reported, yours]);
  for (const tenant of [mine.id, yours.id]) await runs.request({ job: 'report-health', tenant }, new Date());
  await eventually(async () => {
    for (const [tenant, dead, done] of [
      [mine.id, 1, 1],
      [yours.id, 0, 0],
    ] as const) {
      const last = (await runs.jobs(tenant)).find(({ name }) => name === 'report-health')?.last;
      assert.deepEqual([last?.outcome, last?.done, last?.error], ['ok', done, '']);
      assert.partialDeepStrictEqual(JSON.parse(last?.report ?? ''), {
        deadLetters: dead,
        parkedConversations: 0,
      });
    }
  });
  assert.deepEqual(
    mails.map(({ to }) => to),
    ['ops@example.org'],
  );
  assert.match(mails[0]?.text ?? '', /Messages that the database refused: 1 <- look at this/);
  await stop();
});
