import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { architecture, LOCK } from './lock-file.ts';

const SHA256 = /^[0-9a-f]{64}$/;

test('every wheel is pinned by version and checksum for both architectures', () => {
  for (const pin of [LOCK.nats, LOCK.redis, LOCK.s3]) {
    assert.match(pin.version, /^\d/);
    assert.deepEqual(Object.keys(pin.sha256).sort(), ['aarch64', 'x86_64']);
    for (const sum of Object.values(pin.sha256)) assert.match(sum, SHA256);
  }
  assert.match(LOCK.mongo.sha256, SHA256);
});

test('the Python build pins itself and its imports by checksum', async () => {
  const path = join(import.meta.dirname, '..', LOCK.mongoFallback.requirements);
  const requirements = (await readFile(path, 'utf8')).replaceAll('\\\n', ' ').split('\n');
  const pins = requirements.filter((line) => line !== '' && !line.startsWith('#'));
  assert.ok(
    pins.some((line) => line.startsWith(`${LOCK.mongoFallback.wheel}==${LOCK.mongoFallback.version} `)),
  );
  for (const line of pins) assert.match(line, /^[a-z0-9-]+==[0-9a-z.]+( +--hash=sha256:[0-9a-f]{64})+$/);
});

test('a platform without wheels gets an error that names the addresses to give', () => {
  assert.equal(architecture('linux', 'x64'), 'x86_64');
  assert.equal(architecture('linux', 'arm64'), 'aarch64');
  assert.throws(() => architecture('darwin', 'arm64'), /darwin\/arm64.*NATS_URL.*MONGO_URI/);
});
