import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { allAddresses, close, listen } from './listen.ts';

const address = (family: 'IPv4' | 'IPv6') =>
  ({ family, address: '', netmask: '', mac: '', internal: true, cidr: null, scopeid: 0 }) as const;

test('all addresses include those of IPv6 where the host has any', () => {
  assert.equal(allAddresses({ lo: [address('IPv4'), address('IPv6')] }), '::');
  assert.equal(allAddresses({ lo: [address('IPv4')], eth0: undefined }), '0.0.0.0');
});

test('a server on all addresses is reached over IPv4', async () => {
  const server = createServer((_request, response) => response.end('here'));
  const port = await listen(server, allAddresses(), 0);
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'here');
  await close(server);
});
