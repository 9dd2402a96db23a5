import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId, tenantSettings } from '@im/contract';
import { indexReports, msgIndexes, type Store } from '@im/store';
import { searchIndexes } from '../src/jobs/search-indexes.ts';
import { useStore } from './harness.ts';

const tenant = tenantSettings({ id: 'one', tokenSecret: 's', adminSecret: 's' });
let store: Store;
useStore([tenant], async (fixture) => {
  store = fixture.store;
});

test('indexes for searches are made and removed by the setting, and are no drift', async () => {
  const { signal } = new AbortController();
  const run = (wanted: boolean) => searchIndexes(wanted, msgIndexes(store)).run(tenant, signal);
  const usable = () => msgIndexes(store).usable(tenantId('one'));
  const drift = async () =>
    (await indexReports(store).drift(tenantId('one'), signal)).filter(
      ({ collection }) => collection === 'msg',
    );
  await run(false);
  assert.equal(await usable(), false, 'nothing to remove');
  for (const wanted of [true, true, false]) {
    await run(wanted);
    assert.equal(await usable(), wanted);
    assert.deepEqual(await drift(), []);
  }
});
