import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from './connection.ts';
import { Sweep } from './sweep.ts';

interface Seen {
  readonly calls: string[];
  readonly connection: Connection;
}

function connection(fields: Partial<Record<keyof Connection, unknown>>): Seen {
  const calls: string[] = [];
  const fake = {
    platformID: 2,
    lastSeen: 0,
    lastPing: 0,
    busy: false,
    closingSince: undefined,
    destroy: (reason: string) => calls.push(`destroy ${reason}`),
    ping: () => calls.push('ping'),
    ...fields,
  };
  return { calls, connection: fake as unknown as Connection };
}

const TIMES = { readTimeoutMs: 30_000, pingIntervalMs: 27_000, closeTimeoutMs: 5_000 };

test('silent connections are cut after 30 s, unless a request is being worked on', () => {
  const silent = connection({});
  const busy = connection({ busy: true });
  const heard = connection({ lastSeen: 20_000 });
  const sweep = new Sweep(
    [silent, busy, heard].map((c) => c.connection),
    TIMES,
  );
  sweep.run(29_999);
  assert.deepEqual([silent.calls, busy.calls, heard.calls], [[], [], []]);
  sweep.run(30_000);
  assert.deepEqual([silent.calls, busy.calls, heard.calls], [['destroy timeout'], [], []]);
});

test('web clients are pinged every 27 s, others never', () => {
  const web = connection({ platformID: 5, lastSeen: 100_000 });
  const android = connection({ lastSeen: 100_000 });
  const sweep = new Sweep([web.connection, android.connection], TIMES);
  for (const now of [26_999, 27_000, 28_000, 53_999, 54_000]) sweep.run(now);
  assert.deepEqual(web.calls, ['ping', 'ping']);
  assert.deepEqual(android.calls, []);
});

test('a connection that does not end is cut 5 s after it was closed', () => {
  const closing = connection({ closingSince: 1_000, lastSeen: -100_000 });
  const sweep = new Sweep([closing.connection], TIMES);
  sweep.run(5_999);
  assert.deepEqual(closing.calls, []);
  sweep.run(6_000);
  assert.deepEqual(closing.calls, ['destroy timeout']);
});
