import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import { ERR } from '@im/protocol';
import { fromMetadata } from './metadata.ts';

function headers(entries: Record<string, string>): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
  return metadata;
}

test('a plain gRPC call gives its context in headers', () => {
  const given = headers({
    'im-tenant': 't2',
    'im-operation-id': '%C3%A9 x',
    'im-user': 'u1',
    'im-platform': '9',
    'im-admin': '1',
  });
  assert.deepEqual(fromMetadata(given, 7), {
    tenant: 't2',
    operationID: 'é x',
    deadline: 7,
    opUserID: 'u1',
    opPlatformID: 9,
    opAdmin: true,
    connID: '',
  });
});

test('a call without tenant or trace id is refused, not guessed', () => {
  for (const [entries, detail] of [
    [{}, /im-tenant/],
    [{ 'im-tenant': 'Not A Tenant', 'im-operation-id': 'x' }, /im-tenant/],
    [{ 'im-tenant': 'default' }, /im-operation-id/],
    [{ 'im-tenant': 'default', 'im-operation-id': '%' }, /im-operation-id/],
  ] as const) {
    assert.throws(() => fromMetadata(headers(entries), 0), { name: 'ImError', code: ERR.ArgsError, detail });
  }
});
