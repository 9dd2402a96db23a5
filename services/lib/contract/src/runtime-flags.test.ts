import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { runtimeFlags } from './runtime-flags.ts';

test('the runtime takes the flags of a gateway, also from its environment', () => {
  const flags = runtimeFlags(['gateway']);
  assert.ok(flags.length > 0);
  execFileSync(process.execPath, [...flags, '-e', '']);
  execFileSync(process.execPath, ['-e', ''], { env: { NODE_OPTIONS: flags.join(' ') } });
});

test('a process that also plays other roles gets more room for them, and one without connections none', () => {
  assert.deepEqual(runtimeFlags(['all']), ['--max-semi-space-size=8']);
  assert.deepEqual(runtimeFlags(['gateway', 'rpc']), ['--max-semi-space-size=8']);
  assert.deepEqual(runtimeFlags(['rpc']), []);
});
