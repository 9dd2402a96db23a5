import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SETTINGS_LEVEL } from '@im/contract';
import { measureEventLoopDelay } from './event-loop-delay.ts';
import { notReady } from './service.ts';
import { createStatus } from './status.ts';
import { productVersion } from './version.ts';

const facts = {
  version: '1.2.3',
  instance: 'i',
  roles: ['transfer'],
  readiness: () => notReady('MongoDB is away'),
  configHash: () => 'abc',
  delay: { p99: () => 1.26, stop: () => {} },
};

test('the status holds what is known of the process and of each service', () => {
  const status = createStatus(facts);
  let lagRecords = 3;
  status.add('transfer', () => ({
    partitions: 64,
    lagRecords,
    parkedTenants: 0,
    parkedConversations: 0,
    parkedRecords: 0,
  }));
  assert.throws(
    () =>
      status.add('transfer', () => ({
        partitions: 0,
        lagRecords: 0,
        parkedTenants: 0,
        parkedConversations: 0,
        parkedRecords: 0,
      })),
    /transfer exists already/,
  );
  lagRecords = 4;
  const before = Date.now();
  const { rssBytes, startedAt, time = 0, ...rest } = status.read();
  assert.deepEqual(rest, {
    version: '1.2.3',
    instance: 'i',
    roles: ['transfer'],
    ready: false,
    reason: 'MongoDB is away',
    configHash: 'abc',
    settingsLevel: SETTINGS_LEVEL,
    eventLoopDelayMs: 1.3,
    transfer: { partitions: 64, lagRecords: 4, parkedTenants: 0, parkedConversations: 0, parkedRecords: 0 },
  });
  assert.ok(time >= before && time <= Date.now());
  assert.ok(rssBytes > 1_000_000 && startedAt <= Date.now() && startedAt > Date.now() - 600_000);
});

test('the version is the one of the repository', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8'));
  assert.equal(productVersion(), manifest.version);
});

test('the delay of the event loop is reported for seconds after it happened, and then forgotten', async () => {
  let now = 0;
  const delay = measureEventLoopDelay(() => now);
  try {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const until = performance.now() + 1_500;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(delay.p99() > 1_000, `${delay.p99()} ms`);
    now = 5_000;
    assert.ok(delay.p99() > 1_000);
    now = 6_000;
    assert.ok(delay.p99() > 1_000);
    now = 10_000;
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.ok(delay.p99() < 1_000, `${delay.p99()} ms`);
  } finally {
    delay.stop();
  }
});
