import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DOMAINS } from '@im/protocol';
import { methodsOf } from './contract.ts';

const methods = DOMAINS.flatMap((domain) => methodsOf(domain));

test('calls are sent again as their schema allows', () => {
  const idempotent = new Set(methods.filter((method) => method.idempotent).map(({ label }) => label));
  for (const label of ['auth.parseToken', 'msg.sendMsgs', 'group.groupCreateCount'])
    assert.ok(idempotent.has(label), label);
  for (const label of ['auth.getUserToken', 'msg.sendNotification', 'msg.revokeMsg'])
    assert.ok(!idempotent.has(label), label);
});
