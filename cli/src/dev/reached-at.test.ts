import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reachedAt } from './reached-at.ts';

test('URLs lead to what listens, by IPv6 as well', () => {
  for (const [host, url] of [
    ['127.0.0.1', 'http://127.0.0.1:1/'],
    ['0.0.0.0', 'http://127.0.0.1:1/'],
    ['localhost', 'http://localhost:1/'],
    ['::1', 'http://[::1]:1/'],
    ['::', 'http://[::1]:1/'],
  ] as const)
    assert.equal(new URL(`http://${reachedAt(host)}:1`).href, url);
});
