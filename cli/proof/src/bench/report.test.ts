import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBenchOptions } from './options.ts';
import { resultTable, spreads } from './report.ts';

const run = (value: number) => [{ name: 'delivered p50', unit: 'ms', value }];

test('runs become median and spread, next to the reference', () => {
  const result = { name: 'single, 200/s', runs: [run(5), run(3), run(4.25)] };
  assert.deepEqual(spreads(result), [{ measure: 'delivered p50', unit: 'ms', median: 4.25, min: 3, max: 5 }]);
  assert.match(resultTable([result]), /delivered p50 +ms +4\.25 +3 +5 +74/);
});

test('options name what is wrong', () => {
  assert.throws(() => parseBenchOptions(['--scenario', 'nothing']), /no scenario nothing/);
  assert.throws(() => parseBenchOptions(['--api', 'http://x']), /--api and --ws/);
  assert.throws(() => parseBenchOptions(['--api', 'http://x', '--ws', 'ws://x'], {}), /--secret/);
  assert.throws(() => parseBenchOptions(['--runs', 'many']), /--runs/);
  assert.throws(() => parseBenchOptions(['--in-flight', '0']), /--in-flight/);
  const options = parseBenchOptions(['--api', 'http://x/', '--ws', 'ws://x', '--pids', '1,2'], {
    OPENIM_ADMIN_SECRET: 's',
  });
  assert.deepEqual(options.external?.ourPids, [1, 2]);
  assert.equal(options.external?.secret, 's');
  assert.deepEqual(options.rates, [20, 200, 500, 1000, 2000, 0]);
});
