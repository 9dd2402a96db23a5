import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAtLeast, versionIn } from './versions.ts';

test('a version is found in what servers print', () => {
  assert.equal(versionIn('nats-server: v2.15.1'), '2.15.1');
  assert.equal(versionIn('Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64'), '7.0.15');
  assert.equal(versionIn('cargo 1.95.0 (f2d3ce0bd 2026-03-21)'), '1.95.0');
  assert.equal(versionIn('no number'), undefined);
});

test('versions compare by number, not by text', () => {
  const cases: [string, string, boolean][] = [
    ['2.15.1', '2.12.0', true],
    ['2.9.10', '2.12.0', false],
    ['2.12', '2.12.0', true],
    ['3', '2.99.99', true],
    ['1.84.9', '1.85.0', false],
  ];
  for (const [version, minimum, expected] of cases) {
    assert.equal(isAtLeast(version, minimum), expected, `${version} >= ${minimum}`);
  }
});
