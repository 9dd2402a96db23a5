import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TenantId, tenantId, tenantSettings } from '@im/contract';
import { staticTenants, systemContext } from '@im/kit';
import { silentLogger } from '@im/process';
import { make } from '@im/protocol';
import { refusalMethods } from './refusals.ts';

const [A, B] = [tenantId('a'), tenantId('b')];

/** Reports refusals of these tenants, where the days of some cannot be written. @returns those that were counted. */
async function count(reported: readonly string[], broken: readonly TenantId[]): Promise<string[]> {
  const counted: string[] = [];
  const { countRefusals } = refusalMethods({
    tenants: staticTenants([A, B].map((id) => tenantSettings({ id, tokenSecret: 's', adminSecret: 's' }))),
    log: silentLogger(),
    statDays: {
      async addThrottled(tenant) {
        if (broken.includes(tenant)) throw new Error(`no day of ${tenant}`);
        counted.push(tenant);
      },
    },
  });
  const refusals = reported.map((tenant) => make('user.TenantRefusals', { tenant, count: 1 }));
  const request = make('user.CountRefusalsReq', { process: 'p', number: 1, refusals });
  await countRefusals(systemContext(A, 'op'), request);
  return counted;
}

test('a report fails where no day of it can be written, removed tenants aside', async () => {
  await assert.rejects(count([A, B], [A, B]), /no day of a/);
  await assert.rejects(count(['removed', A, 'Not an ID'], [A]), /no day of a/);
  assert.deepEqual(
    await count([A, 'removed', B], [A]),
    [B],
    'one that is written stays, and does not come again',
  );
  assert.deepEqual(await count(['removed'], []), []);
});
