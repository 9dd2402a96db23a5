import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { tenantId } from '@im/contract';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { make, type user } from '@im/protocol';
import { LocalUser } from '../connection/connection.ts';
import { PresenceReporter } from './presence-reporter.ts';

/** Longer than any test. */
const NEVER_MS = 600_000;

function reporter(paceMs: number) {
  const log = silentLogger();
  const tasks = createTaskRunner({ log, metrics: createMetrics() });
  const reports: string[][] = [];
  const presence = new PresenceReporter({
    localUsers: { user: () => undefined } as never,
    users: {
      async reportPresence(_ctx, { items }: Pick<user.ReportPresenceReq, 'items'>) {
        reports.push(items.map(({ userID }) => userID));
        return make('user.ReportPresenceResp');
      },
      gatewayHeartbeat: () => assert.fail('it was not started'),
    },
    limits: { limited: () => ({}), atLimit: () => [], learn: () => {}, onShareUsed: () => {} },
    tenantConnections: { counts: () => [] },
    traffic: { of: () => assert.fail('it was not started') },
    tasks,
    log,
    gatewayID: 'gw',
    connections: () => 0,
    heartbeatMs: NEVER_MS,
    paceMs,
  });
  const changed = (userID: string) => presence.changed(new LocalUser(tenantId('default'), userID));
  return { presence, reports, changed, tasks };
}

test('the first who comes is reported at once, those behind wait for their turn, and none is left at the end', async () => {
  const { presence, reports, changed, tasks } = reporter(NEVER_MS);
  changed('first');
  while (reports.length === 0) await setImmediate();
  for (const userID of ['a', 'b', 'c']) {
    changed(userID);
    for (let turn = 0; turn < 10; turn++) await setImmediate();
  }
  assert.deepEqual(reports, [['first']]);
  assert.equal(presence.waiting, 3);
  await tasks.stop();
  await presence.flush();
  assert.deepEqual(reports, [['first'], ['a', 'b', 'c']]);
});

test('those who wait for their turn are reported when it comes, however they came', async () => {
  const { reports, changed, tasks } = reporter(1);
  const users = Array.from({ length: 30 }, (_, i) => `u${i}`);
  for (const userID of users) {
    changed(userID);
    await setImmediate();
  }
  while (reports.flat().length < users.length) await setImmediate();
  assert.deepEqual(reports.flat(), users);
  await tasks.stop();
});
