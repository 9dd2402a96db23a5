import assert from 'node:assert/strict';
import { test } from 'node:test';
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

test('only administrators read and write the record', async () => {
  const user = as(TENANTS[0], 'u1');
  const add = domain.auth.addAuditRecord(user, make('auth.AddAuditRecordReq', { record: record(1) }));
  assert.equal(await codeOf(add), ERR.NoPermissionError);
  const search = domain.auth.searchAuditRecords(user, make('auth.SearchAuditRecordsReq', { limit: 1 }));
  assert.equal(await codeOf(search), ERR.NoPermissionError);
});
