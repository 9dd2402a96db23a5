import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXIT } from '../src/exit-codes.ts';
import { run } from './openimctl.ts';

test('code test asks for a number or a mail address, not both', async () => {
  for (const args of [[], ['--phone', '+8613800000000', '--mail', 'a@example.org']]) {
    const { code, stderr } = await run(['code', 'test', ...args]);
    assert.equal(code, EXIT.usage);
    assert.equal(stderr, 'openimctl: give either --phone or --mail\n');
  }
});

test('push test asks for a user or a token, not both', async () => {
  for (const args of [[], ['--user', 'u1', '--token', 'apns:00']]) {
    const { code, stderr } = await run(['push', 'test', ...args]);
    assert.equal(code, EXIT.usage);
    assert.equal(stderr, 'openimctl: give either --user or --token\n');
  }
});
