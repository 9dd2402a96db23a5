import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DOMAINS } from '@im/protocol';
import { methodsOf } from './contract.ts';

const methods = DOMAINS.flatMap((domain) => methodsOf(domain));

test('only reads and deduplicated sends may be sent twice', () => {
  const changing =
    /^(create|set|add|del|remove|import|apply|respond|update|kick|invite|join|quit|dismiss|mute|cancel|transfer|revoke|mark|clear|force|register|upload|initiate|complete|process.*(Add|Delete|Update)$|fcm|subscribe)/;
  for (const { label, name, idempotent } of methods) {
    if (changing.test(name)) assert.equal(idempotent, false, label);
  }
  const idempotent = new Set(methods.filter((method) => method.idempotent).map(({ label }) => label));
  for (const label of [
    'auth.parseToken',
    'user.getDesignateUsers',
    'msg.sendMsgs',
    'group.getMembership',
    'relation.isFriend',
  ]) {
    assert.ok(idempotent.has(label), label);
  }
  for (const label of ['auth.getUserToken', 'auth.getAdminToken', 'msg.sendNotification', 'msg.revokeMsg']) {
    assert.ok(!idempotent.has(label), label);
  }
});

test('every method has a path of its own', () => {
  assert.equal(new Set(methods.map(({ path }) => path)).size, methods.length);
  assert.equal(
    methodsOf('user').find(({ name }) => name === 'accountCheck')?.path,
    '/openim.user.UserService/accountCheck',
  );
});
