import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantSettings } from '@im/contract';
import { type AuditRepo, auditRepo, type BanRepo, banRepo, type Store, tokenRepo } from '@im/store';
import { expireAuditRecords } from '../src/jobs/expire-audit-records.ts';
import { expireTokens } from '../src/jobs/expire-tokens.ts';
import { useStore } from './harness.ts';

const DAY_MS = 86_400_000;
const [one, two] = ['one', 'two'].map((id) => tenantSettings({ id, tokenSecret: 's', adminSecret: 's' }));
assert.ok(one && two);
let store: Store;
let audit: AuditRepo;
let bans: BanRepo;
useStore([one, two], async (fixture) => {
  ({ store } = fixture);
  audit = auditRepo(store);
  bans = banRepo(store);
});
const { signal } = new AbortController();

test('records of acts go after the days that are set, in each tenant apart', async () => {
  const now = Date.now();
  for (const { id } of [one, two]) {
    for (const days of [89, 91]) {
      await audit.add(id, {
        ...{
          id: `r${days}`,
          time: now - days * DAY_MS,
          admin: 'imAdmin',
          act: 'user.ban',
          targetKind: 'user',
        },
        ...{ targetID: 'u', reason: '', details: '{}', address: '', operationID: 'op' },
        ...{ outcome: 'done', errCode: 0 },
      });
    }
  }
  const jobOf = (days: number) => expireAuditRecords({ schedule: '* * * * *', days }, audit, () => now);
  assert.equal(await jobOf(0).run(one, signal), 0, 'kept for ever');
  const job = jobOf(90);
  assert.equal(await job.run(one, signal), 1);
  assert.equal(await job.run(one, signal), 0);
  const left = async (id: typeof one.id) => (await audit.list(id, {}, 9)).records.map((record) => record.id);
  assert.deepEqual([await left(one.id), await left(two.id)], [['r89'], ['r89', 'r91']]);
});

test('bans that have ended go with expired tokens; others stay', async () => {
  const ban = { reason: '', time: 1, admin: 'imAdmin' };
  await bans.set(one.id, 'ended', { ...ban, until: Date.now() - 1 });
  await bans.set(one.id, 'banned', { ...ban, until: Date.now() + DAY_MS });
  await bans.set(one.id, 'for-ever', { ...ban, until: 0 });
  await bans.set(one.id, 'deleted', { ...ban, until: 0, deleted: true });
  assert.equal(await expireTokens('* * * * *', tokenRepo(store), bans).run(one, signal), 1);
  const users = ['ended', 'banned', 'for-ever', 'deleted'];
  assert.deepEqual((await bans.getMany(one.id, users)).map(({ userID }) => userID).sort(), [
    'banned',
    'deleted',
    'for-ever',
  ]);
});
