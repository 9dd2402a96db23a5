import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchArguments } from './bench-arguments.ts';

const options = { tenant: 'default', gzip: false };
const target = {
  apiUrl: 'http://127.0.0.1:1',
  wsUrl: 'ws://127.0.0.1:2',
  adminSecret: 'secret',
  adminUser: 'root',
  dev: undefined,
};

test('an own server takes what was given, and nothing else', () => {
  assert.deepEqual(benchArguments(options, undefined), []);
  assert.deepEqual(benchArguments({ ...options, scenario: 'hot', runs: 1, gzip: true }, undefined), [
    '--scenario',
    'hot',
    '--runs',
    '1',
    '--gzip',
  ]);
  assert.deepEqual(benchArguments({ ...options, duration: 90_000, transfers: 2 }, undefined), [
    ...['--duration', '90', '--transfers', '2'],
  ]);
  assert.deepEqual(benchArguments({ ...options, inFlight: 128 }, undefined), ['--in-flight', '128']);
});

test('an external server is passed with its addresses, credentials and processes', () => {
  const server = { target, pids: [7], storePids: [] };
  assert.deepEqual(benchArguments(options, server), [
    ...['--api', 'http://127.0.0.1:1', '--ws', 'ws://127.0.0.1:2', '--secret', 'secret'],
    ...['--admin-user', 'root', '--pids', '7'],
  ]);
  assert.ok(benchArguments({ ...options, pids: '1,2' }, server).includes('1,2'));
  const without = { ...server, target: { ...target, adminSecret: undefined } };
  assert.throws(() => benchArguments(options, without), { message: /^no admin secret: use --admin-secret/ });
});
