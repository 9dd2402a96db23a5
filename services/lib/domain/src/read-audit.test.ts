import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { type CallContext, sleep, systemContext, withCaller } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import type { AuditRecord } from '@im/store';
import { createReadAudit } from './read-audit.ts';

const [ONE, TWO] = [tenantId('one'), tenantId('two')];

/** Reads are recorded in memory, by a clock that stands still. */
function harness() {
  const written: AuditRecord[] = [];
  let failures = 0;
  const log = silentLogger();
  const metrics = createMetrics();
  const tasks = createTaskRunner({ log, metrics });
  const audit = createReadAudit({
    audit: {
      async add(_tenant, record) {
        if (failures-- > 0) throw new ImError(ERR.DatabaseError);
        written.push(record);
      },
    },
    ...{ metrics, tasks, log, now: () => 0, sumMs: 5 },
  });
  return {
    written,
    audit,
    tasks,
    fail: (times: number) => {
      failures = times;
    },
  };
}

const admin = (tenant = ONE): CallContext =>
  withCaller(systemContext(tenant, 'op'), { opUserID: 'boss', opPlatformID: 0, opAdmin: true });
const read = (userID: string) => ({ act: 'message.read', userID, asked: {}, messages: 2 }) as const;

test('of many reads those beyond the rate are added up by administrator, and none is lost', async () => {
  const { written, audit, tasks, fail } = harness();
  for (let n = 0; n < 150; n++) await audit.record(admin(), read(`u${n % 60}`));
  assert.equal(written.length, 100);
  await audit.record(admin(TWO), read('u1'));
  assert.equal(written.length, 101, 'each tenant has a rate of its own');
  fail(1);
  audit.start();
  while (written.length === 101) await sleep(1);
  await audit.record(admin(), read('u1'));
  // What was added up last is written as the process stops.
  await tasks.stop();
  const sums = written.slice(101).map(({ details }) => JSON.parse(details));
  assert.deepEqual(
    sums.map(({ reads, messages }) => [reads, messages]),
    [
      [50, 100],
      [1, 2],
    ],
  );
  assert.equal(sums[0].users.length, 50);
  assert.ok(written.every(({ admin: by, outcome }) => by === 'boss' && outcome === 'done'));
});

test('a read that cannot be recorded fails', async () => {
  const { audit, fail } = harness();
  fail(1);
  await assert.rejects(audit.record(admin(), read('u1')));
});
