import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TENANT, tenantId } from '@im/contract';
import { tenantRefusals } from '@im/kit';
import { createMetrics, silentLogger } from '@im/process';
import { make, type user } from '@im/protocol';
import { refusalReporter } from './tenant-refusals.ts';

const [A, B] = [tenantId('a'), tenantId('b')];

/** A process and the reports that arrive, some of whose answers are lost. */
function processWith(lost: { answers: number }) {
  const metrics = createMetrics();
  const arrived: user.CountRefusalsReq[] = [];
  const callers = new Set<string>();
  const report = refusalReporter({
    ...{ instance: 'p', metrics, log: silentLogger() },
    users: {
      async countRefusals({ tenant }, request) {
        callers.add(tenant);
        arrived.push(request);
        if (lost.answers-- > 0) throw new Error('no answer');
        return make('user.CountRefusalsResp');
      },
    },
  });
  const take = () =>
    arrived
      .splice(0)
      .map(({ number, refusals }) => [number, ...refusals.map(({ tenant, count }) => `${tenant} ${count}`)]);
  return { refusals: tenantRefusals(metrics), report, take, callers };
}

test('a process reports what was refused since the report before, over all limits, and nothing when nothing was', async () => {
  const { refusals, report, take, callers } = processWith({ answers: 0 });
  await report();
  assert.deepEqual(take(), []);
  refusals.note(A, 'messagesPerSecond');
  refusals.note(A, 'connections');
  refusals.note(B, 'users');
  await report();
  assert.deepEqual(take(), [[1, 'a 2', 'b 1']]);
  await report();
  assert.deepEqual(take(), []);
  refusals.note(A, 'connections');
  await report();
  assert.deepEqual(take(), [[2, 'a 1']]);
  assert.deepEqual([...callers], [DEFAULT_TENANT], 'a report is of none of the tenants in it');
});

test('a report without an answer comes again under its number, before what was refused since', async () => {
  const { refusals, report, take } = processWith({ answers: 2 });
  refusals.note(A, 'connections');
  await report();
  refusals.note(A, 'connections');
  refusals.note(B, 'connections');
  await report();
  assert.deepEqual(take(), [
    [1, 'a 1'],
    [1, 'a 1'],
  ]);
  await report();
  assert.deepEqual(take(), [
    [1, 'a 1'],
    [2, 'a 1', 'b 1'],
  ]);
});

test('more tenants than one report may have are reported in several', async () => {
  const { refusals, report, take } = processWith({ answers: 0 });
  for (let i = 0; i < 1_200; i++) refusals.note(tenantId(`t${i}`), 'connections');
  await report();
  // Those beyond the first 1,000 are counted together, without a name.
  assert.deepEqual(
    take().map(({ length }) => length - 1),
    [500, 500],
  );
});
