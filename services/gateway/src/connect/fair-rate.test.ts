import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TenantId, tenantId } from '@im/contract';
import { FairRate } from './fair-rate.ts';

const LIMIT = { ratePerSecond: 100, burst: 200 };

/** Connections of each tenant that are admitted while so many per second come. */
function admitted(rate: FairRate, clock: { now: number }, seconds: number, coming: Record<string, number>) {
  const found: Record<string, number> = {};
  const due: Record<string, number> = {};
  for (let ms = 0; ms < seconds * 1_000; ms++) {
    clock.now++;
    for (const [name, perSecond] of Object.entries(coming)) {
      due[name] = (due[name] ?? 0) + perSecond / 1_000;
      for (; (due[name] ?? 0) >= 1; due[name] = (due[name] ?? 0) - 1) {
        const tenant: TenantId = tenantId(name);
        if (rate.take(tenant)) found[name] = (found[name] ?? 0) + 1;
      }
    }
  }
  return found;
}

function fairRate() {
  const clock = { now: 0 };
  return { rate: new FairRate(LIMIT, () => clock.now), clock };
}

test('a single tenant may use all of the rate, and no more', () => {
  const { rate, clock } = fairRate();
  const { storm = 0 } = admitted(rate, clock, 10, { storm: 5_000 });
  assert.ok(storm >= 1_190 && storm <= 1_201, `${storm}`);
});

test('a storm of one tenant keeps no client of another out, and takes what the others leave', () => {
  const { rate, clock } = fairRate();
  admitted(rate, clock, 5, { storm: 5_000 });
  const { storm = 0, calm = 0 } = admitted(rate, clock, 10, { storm: 5_000, calm: 20 });
  assert.ok(calm >= 199, `${calm} of 200`);
  assert.ok(storm + calm <= 1_101 && storm >= 700, `${storm} of the storm`);
});

test('storms of several tenants share alike', () => {
  const { rate, clock } = fairRate();
  const found = admitted(rate, clock, 20, { first: 5_000, second: 3_000, third: 800 });
  const counts = Object.values(found);
  assert.ok(Math.min(...counts) >= 600 && Math.max(...counts) <= 900, JSON.stringify(found));
  assert.ok(counts.reduce((sum, count) => sum + count, 0) <= 2_301, JSON.stringify(found));
});

test('many tenants at once do not exceed the rate by more than a second of it', () => {
  const { rate } = fairRate();
  let count = 0;
  for (let i = 0; i < 5_000; i++) if (rate.take(tenantId(`t${i}`))) count++;
  assert.ok(count <= 301, `${count}`);
});

test('a tenant whose clients are gone leaves its share to the others', () => {
  const { rate, clock } = fairRate();
  admitted(rate, clock, 1, { first: 10, second: 10 });
  assert.equal(rate.tenants, 2);
  admitted(rate, clock, 8, { first: 10 });
  assert.equal(rate.tenants, 1);
});

test('rate 0 means no limit, and a limit may change', () => {
  const { rate, clock } = fairRate();
  rate.configure({ ratePerSecond: 0, burst: 1 });
  assert.deepEqual(admitted(rate, clock, 1, { a: 1_000 }), { a: 1_000 });
  rate.configure({ ratePerSecond: 10, burst: 1 });
  const { a = 0 } = admitted(rate, clock, 10, { a: 1_000 });
  assert.ok(a >= 99 && a <= 102, `${a}`);
});
