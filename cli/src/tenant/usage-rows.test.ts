import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTable } from '../output.ts';
import { USAGE_TABLE, usageRow, usageText } from './usage-rows.ts';

const USAGE = {
  ...{ from: '2026-01-01', to: '2026-01-31', users: 20_000, connections: 678, messages: 9_876_543 },
  ...{ messagesToday: 321_000, throttled: 12, throttledToday: 3, registrations: 5, peakUsers: 900 },
  ...{ peakConnections: 1_200, storageBytes: 3 * 2 ** 30, storageByteDays: 9e12 },
  ...{ quotas: { users: 20_000, connections: 0, storageBytes: 5 * 2 ** 30 } },
  ...{ exceeded: [], countedTo: Date.UTC(2026, 0, 31, 12) },
};

test('the table fits into 80 columns, and the wide one into 200', () => {
  const row = usageText('acme', USAGE);
  const rows = [row];
  const narrow = formatTable(rows, USAGE_TABLE).split('\n');
  assert.deepEqual(narrow, [
    'TENANT   USERS             CONNECTIONS   MESSAGES    THROTTLED   STORAGE',
    'acme     20,000/20,000 !   678           9,876,543   12          3 GiB/5 GiB',
  ]);
  for (const line of narrow) assert.ok(line.length <= 80, `${line.length}: ${line}`);
  const wide = formatTable(rows, Object.keys(row));
  for (const line of wide.split('\n')) assert.ok(line.length <= 200, `${line.length}: ${line}`);
});

test('what is not counted yet is no 0, for people and programs', () => {
  const before = { ...USAGE, countedTo: 0 };
  assert.partialDeepStrictEqual(usageText('acme', before), { users: '-', messages: '-', throttled: '12' });
  const row = usageRow('acme', before);
  assert.deepEqual(
    ['users', 'messages', 'throttled', 'countedTo'].map((name) => row[name]),
    [undefined, undefined, 12, null],
  );
  assert.equal(usageRow('acme', USAGE).userQuota, 20_000);
});
