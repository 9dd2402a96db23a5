import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_PORTS } from '@im/contract';
import { EXAMPLES } from '../find-server.ts';
import { dev } from './dev.ts';

test('the help and the examples of addresses have the ports that a server listens on by default', () => {
  // Commands are described without loading the contract, which would delay every one of them.
  const help = new Map(dev().options.map(({ long, description }) => [long, description]));
  for (const [option, port] of [
    ['--api-port', DEFAULT_PORTS.api],
    ['--ws-port', DEFAULT_PORTS.gateway],
    ['--ops-port', DEFAULT_PORTS.ops],
  ] as const)
    assert.match(help.get(option) ?? '', new RegExp(`; ${port} when absent$`));
  assert.deepEqual(
    [new URL(EXAMPLES.api).port, new URL(EXAMPLES.ws).port],
    [String(DEFAULT_PORTS.api), String(DEFAULT_PORTS.gateway)],
  );
});
