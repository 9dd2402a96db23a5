import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachLimited } from '@im/kit';
import { ERR, type Messages, make } from '@im/protocol';
import { as, codeOf, describeDomain, TENANTS } from '@im/testing';
import { authService } from '../src/index.ts';

const domain = describeDomain(authService, { servers: ['mongo', 'redis'] });

const record = (n: number, fields: Partial<Messages['auth.AuditRecord']> = {}) =>
  make('auth.AuditRecord', {
    ...{ recordID: `r${n}`, time: 1_000 + n, adminUserID: 'imAdmin', act: 'user.ban' },
    ...{ targetKind: 'user', targetID: `u${n}`, reason: 'spam', details: '{}' },
    ...{ address: '10.0.0.1', operationID: `op${n}` },
    ...fields,
  });

for (const tenant of TENANTS) {
  const admin = () => as(tenant, 'imAdmin', true);
  const add = (one: Messages['auth.AuditRecord']) =>
    domain.auth.addAuditRecord(admin(), make('auth.AddAuditRecordReq', { record: one }));
  const search = (fields: Partial<Messages['auth.SearchAuditRecordsReq']>) =>
    domain.auth.searchAuditRecords(admin(), make('auth.SearchAuditRecordsReq', { limit: 100, ...fields }));
  const ids = async (fields: Partial<Messages['auth.SearchAuditRecordsReq']>) =>
    (await search(fields)).records.map(({ recordID }) => recordID);

  test(`acts are recorded, and listed newest first by what they are about (${tenant})`, async () => {
    for (let n = 1; n <= 4; n++) await add(record(n));
    await add(record(5, { act: 'group.dismiss', targetKind: 'group', targetID: 'u1', adminUserID: 'boss' }));
    await add(record(0, { reason: '', address: '', targetID: '' }));
    await domain.auth.setAuditOutcome(
      admin(),
      make('auth.SetAuditOutcomeReq', { recordID: 'r4', outcome: 'refused', errCode: 1101 }),
    );
    assert.deepEqual(await ids({}), ['r5', 'r4', 'r3', 'r2', 'r1', 'r0']);
    assert.deepEqual(await ids({ adminUserID: 'boss' }), ['r5']);
    assert.deepEqual(await ids({ act: 'user.ban', startTime: 1_002, endTime: 1_004 }), ['r3', 'r2']);
    assert.deepEqual(await ids({ targetKind: 'user', targetID: 'u1' }), ['r1']);
    assert.deepEqual(await ids({ adminUserID: 'imAdmin', act: 'user.ban', outcome: 'refused' }), ['r4']);
    assert.deepEqual(await ids({ adminUserID: 'boss', act: 'user.ban' }), []);
    const target = { targetKind: 'user', targetID: 'u1', outcome: 'started' };
    assert.deepEqual(await ids({ ...target, adminUserID: 'imAdmin', endTime: 1_002 }), ['r1']);
    assert.deepEqual(await ids({ ...target, endTime: 1_001 }), []);
    assert.equal(await codeOf(search({ outcome: 'lost' })), ERR.ArgsError);
    const { records } = await search({ limit: 2 });
    assert.deepEqual(
      records.map(({ outcome, errCode, reason, operationID }) => [outcome, errCode, reason, operationID]),
      [
        ['started', 0, 'spam', 'op5'],
        ['refused', 1101, 'spam', 'op4'],
      ],
    );
  });

  test(`a page begins where the one before ended, also when acts came meanwhile (${tenant})`, async () => {
    const first = await search({ limit: 2 });
    await add(record(9));
    assert.deepEqual(await ids({ limit: 2, cursor: first.cursor }), ['r3', 'r2']);
    const second = await search({ limit: 2, cursor: first.cursor });
    const last = await search({ limit: 2, cursor: second.cursor });
    assert.deepEqual([last.records.map(({ address }) => address), last.cursor], [['10.0.0.1', ''], '']);
  });
}

test('filters that narrow each other find what is far behind, page by page, and each record once', async () => {
  const tenant = TENANTS[0];
  const admin = as(tenant, 'imAdmin', true, { timeoutMs: 60_000 });
  await eachLimited(Array.from({ length: 1_205 }).keys(), 50, async (n) => {
    const rare = n % 600 === 3;
    const fields = { time: 10_000 + n, act: 'many.acts', adminUserID: rare ? 'rare' : 'usual' };
    const one = make('auth.AddAuditRecordReq', { record: record(10_000 + n, fields) });
    await domain.auth.addAuditRecord(admin, one);
  });
  const found: string[] = [];
  let cursor = '';
  do {
    const query = { act: 'many.acts', adminUserID: 'rare', limit: 1, cursor };
    const page = await domain.auth.searchAuditRecords(admin, make('auth.SearchAuditRecordsReq', query));
    found.push(...page.records.map(({ recordID }) => recordID));
    ({ cursor } = page);
  } while (cursor !== '');
  assert.deepEqual(found, ['r11203', 'r10603', 'r10003']);
});

test('only administrators read and write the record', async () => {
  const user = as(TENANTS[0], 'u1');
  const add = domain.auth.addAuditRecord(user, make('auth.AddAuditRecordReq', { record: record(1) }));
  assert.equal(await codeOf(add), ERR.NoPermissionError);
  const search = domain.auth.searchAuditRecords(user, make('auth.SearchAuditRecordsReq', { limit: 1 }));
  assert.equal(await codeOf(search), ERR.NoPermissionError);
});
