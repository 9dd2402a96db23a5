import assert from 'node:assert/strict';
import { test } from 'node:test';
import { processUsage, totalUsage } from './process-usage.ts';

test('the usage of a process is read from the kernel', () => {
  const before = processUsage(process.pid);
  assert.ok(before && before.rssBytes > 10_000_000);
  // CPU time, not time: the process may have to wait for its turn.
  const startedAt = process.cpuUsage();
  let spent = process.cpuUsage(startedAt);
  while (spent.user + spent.system < 60_000) spent = process.cpuUsage(startedAt);
  const after = totalUsage([process.pid, 2 ** 22 + 1]);
  assert.ok(after.cpuMs - before.cpuMs >= 20, `${after.cpuMs - before.cpuMs}`);
  assert.equal(processUsage(2 ** 22 + 1), undefined);
});
