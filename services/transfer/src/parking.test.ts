import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { createLogger } from '@im/process';
import { encode, make } from '@im/protocol';
import type { ParkedRecord, ParkedRecordRepo } from '@im/store';
import { Parking } from './parking.ts';

/** Ten: as many as are tried at once, and more. */
const BROKEN = Array.from({ length: 10 }, (_, i) => tenantId(`broken${i}`));
const GOOD = tenantId('good');
const record = encode('log.Record', make('log.Record', { dedupKey: new Uint8Array(16), version: 1 }));

/** What is parked, in memory. */
function parkedInMemory(): ParkedRecordRepo {
  const records = new Map<string, ParkedRecord[]>();
  const recordsOf = (tenant: string) => records.get(tenant) ?? [];
  return {
    markers: async () => [],
    takeOver: async () => [],
    add: async ({ tenant }, _reason, list) => void records.set(tenant, [...recordsOf(tenant), ...list]),
    first: async ({ tenant }, limit) => recordsOf(tenant).slice(0, limit),
    removeUpTo: async ({ tenant }, position) =>
      void records.set(
        tenant,
        recordsOf(tenant).filter((each) => each.position > position),
      ),
    end: async () => true,
    count: async ({ tenant }) => recordsOf(tenant).length,
  };
}

test('tenants whose databases hang or refuse keep no other from going on', async () => {
  const log = createLogger({ level: 'silent' });
  const parking = new Parking({ parked: parkedInMemory(), fenceOf: () => 1, log });
  for (const tenant of [...BROKEN, GOOD]) {
    const entry = { tenant, partition: 0, position: 1, timeMs: 1, record };
    await parking.park({ tenant, conversation: '' }, [{ entry, position: 1 }], 'its database is away');
  }
  const end = new AbortController();
  const hung: PromiseWithResolvers<void>[] = [];
  const tried: string[] = [];
  const fold = async (tenant: string) => {
    tried.push(tenant);
    if (tenant === GOOD) return;
    // The first half never answers, the second refuses.
    if (Number(tenant.slice(-1)) >= 5) throw new Error('refused');
    const call = Promise.withResolvers<void>();
    hung.push(call);
    await call.promise;
  };
  // Every unit is due at any of these times.
  for (let round = 1; round <= 20 && parking.counts.tenants > BROKEN.length; round++) {
    void parking.retry(performance.now() + round * 1_000_000, end.signal, fold);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(parking.counts.tenants, BROKEN.length, 'the good one goes on');
  assert.equal(tried.filter((tenant) => tenant === 'broken0').length, 1, 'what hangs is not tried twice');
  for (const call of hung) call.reject(new Error('reset'));
});
