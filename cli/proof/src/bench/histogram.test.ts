import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from './histogram.ts';

test('quantiles are right within two percent', () => {
  const histogram = new Histogram();
  const values: number[] = [];
  let state = 1;
  for (let i = 0; i < 50_000; i++) {
    state = (state * 48_271) % 2_147_483_647;
    values.push(Math.floor(Math.exp((state / 2_147_483_647) * 16)));
  }
  for (const value of values) histogram.add(value);
  values.sort((a, b) => a - b);
  for (const q of [0.01, 0.5, 0.9, 0.99, 0.999]) {
    const exact = values[Math.ceil(values.length * q) - 1] as number;
    const found = histogram.at(q);
    assert.ok(found >= exact && found <= exact * 1.02 + 1, `${q}: ${found} for ${exact}`);
  }
  assert.equal(histogram.at(1), values.at(-1));
  assert.equal(histogram.count, 50_000);
});

test('small values are exact, an empty one answers 0', () => {
  const histogram = new Histogram();
  assert.equal(histogram.at(0.5), 0);
  for (let value = 0; value <= 100; value++) histogram.add(value);
  assert.equal(histogram.at(0.5), 50);
  assert.equal(histogram.mean(), 50);
  const other = new Histogram();
  other.add(1_000_000);
  histogram.merge(other);
  assert.equal(histogram.max, 1_000_000);
  assert.equal(histogram.count, 102);
});
