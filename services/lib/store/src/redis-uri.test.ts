import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRedisUri } from './redis-uri.ts';

test('the URI names one server, sentinels or a cluster', () => {
  assert.deepEqual(parseRedisUri('redis://127.0.0.1:6379'), {
    kind: 'single',
    nodes: [{ host: '127.0.0.1', port: 6379 }],
    username: undefined,
    password: undefined,
    db: 0,
    tls: false,
    master: undefined,
    sentinelPassword: undefined,
  });
  const sentinel = parseRedisUri('redis://u:p%40w@s1,s2:26380/3?sentinel=main&sentinelPassword=x');
  assert.equal(sentinel.kind, 'sentinel');
  assert.deepEqual(sentinel.nodes, [
    { host: 's1', port: 26379 },
    { host: 's2', port: 26380 },
  ]);
  assert.deepEqual([sentinel.username, sentinel.password, sentinel.db], ['u', 'p@w', 3]);
  assert.deepEqual([sentinel.master, sentinel.sentinelPassword], ['main', 'x']);
  const cluster = parseRedisUri('rediss://:secret@[::1]:7000,b?cluster=true');
  assert.deepEqual([cluster.kind, cluster.tls, cluster.password], ['cluster', true, 'secret']);
  assert.deepEqual(cluster.nodes[0], { host: '::1', port: 7000 });
});

test('a URI that cannot be right is refused without telling its password', () => {
  for (const uri of [
    'http://h',
    'redis://',
    'redis://:secret@h1,h2',
    'redis://:secret@h?cluster=true&sentinel=m',
    'redis://:secret@h?foo=1',
    'redis://:secret@h:port',
  ]) {
    assert.throws(
      () => parseRedisUri(uri),
      (error: unknown) => error instanceof RangeError && !error.message.includes('secret'),
      uri,
    );
  }
});
