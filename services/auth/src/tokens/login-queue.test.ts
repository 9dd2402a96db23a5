import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { LoginQueue } from './login-queue.ts';

function login(tenant: string, userID: string) {
  return { tenant: { id: tenantId(tenant) }, userID };
}

test('no batch has two logins of a user, and the second follows once the first is done', () => {
  const queue = new LoginQueue<ReturnType<typeof login>>();
  const [first, second, other] = [login('t', 'u'), login('t', 'u'), login('t', 'v')];
  for (const each of [first, second, other]) queue.push(each);
  assert.deepEqual(queue.take(10), [first, other]);
  assert.deepEqual([queue.ready, queue.behindOf(first)], [0, 1]);
  queue.done(other);
  assert.equal(queue.ready, 0);
  queue.done(first);
  assert.deepEqual(queue.take(10), [second]);
  assert.equal(queue.isEmpty, false);
  queue.done(second);
  assert.equal(queue.isEmpty, true);
});

test('users of the same name in two tenants are two users', () => {
  const queue = new LoginQueue<ReturnType<typeof login>>();
  queue.push(login('t', 'u'));
  queue.push(login('s', 'u'));
  assert.equal(queue.take(10).length, 2);
});

test('a tenant with many logins leaves room in each batch for the others', () => {
  const queue = new LoginQueue<ReturnType<typeof login>>();
  for (let i = 0; i < 1_000; i++) queue.push(login('flood', `f${i}`));
  const calm = [login('calm', 'a'), login('calm', 'b')];
  for (const each of calm) queue.push(each);
  assert.equal(queue.openOf(tenantId('flood')), 1_000);
  const batch = queue.take(64);
  assert.equal(batch.length, 64);
  assert.deepEqual(
    batch.filter(({ tenant }) => tenant.id === 'calm'),
    calm,
  );
});
