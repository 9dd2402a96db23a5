import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { reservePorts } from './ports.ts';

test('reserved ports are distinct, below the ephemeral range and node ports, and kept until released', async () => {
  await using first = await reservePorts(10);
  await using second = await reservePorts(10);
  const all = [...first.ports, ...second.ports];
  assert.equal(new Set(all).size, 20);
  const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
  for (const port of all)
    assert.ok(port >= 15_000 && port < Math.min(30_000, Number(range.split(/\s/)[0])), `${port}`);
  const [port = 0] = first.ports;
  await assert.rejects(reservePorts(1, [port]), /port \d+ is in use by process/);
  await first.release();
  await using again = await reservePorts(1, [port]);
  assert.deepEqual(again.ports, [port]);
});

test('a fixed port that is in use is refused by name', async () => {
  await using free = await reservePorts(1);
  const [port = 0] = free.ports;
  await free.release();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  try {
    await assert.rejects(reservePorts(1, [port]), new RegExp(`port ${port} of 127.0.0.1 is in use`));
  } finally {
    server.close();
  }
  await using again = await reservePorts(1, [port]);
  assert.deepEqual(again.ports, [port]);
});

test('a port outside 1-65535 is refused', async () => {
  for (const port of [0, -1, 65_536, 1.5]) await assert.rejects(reservePorts(1, [port]), /not a TCP port/);
});
