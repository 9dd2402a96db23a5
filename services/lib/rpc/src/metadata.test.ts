import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import { background, tenantId, withCaller } from '@im/kit';
import { ERR } from '@im/protocol';
import { fromMetadata, toMetadata } from './metadata.ts';

test('a context survives the headers, whatever its ids hold', () => {
  for (const text of ['u1', 'a b', 'é群🙂', '%41', ' lead', 'a,b;c="d"', 'x'.repeat(500)]) {
    const ctx = withCaller(background(tenantId('t2'), text, { timeoutMs: 1_000 }), {
      opUserID: text,
      opPlatformID: 9,
      opAdmin: false,
      connID: text,
    });
    assert.deepEqual({ ...fromMetadata(toMetadata(ctx), ctx.deadline), signal: undefined }, ctx);
  }
});

test('a call without tenant or trace id is refused, not guessed', () => {
  const headers = (entries: Record<string, string>) => {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
    return metadata;
  };
  for (const [entries, detail] of [
    [{}, /im-tenant/],
    [{ 'im-tenant': 'Not A Tenant', 'im-operation-id': 'x' }, /im-tenant/],
    [{ 'im-tenant': 'default' }, /im-operation-id/],
    [{ 'im-tenant': 'default', 'im-operation-id': '%' }, /im-operation-id/],
  ] as const) {
    assert.throws(() => fromMetadata(headers(entries), 0), { name: 'ImError', code: ERR.ArgsError, detail });
  }
});
