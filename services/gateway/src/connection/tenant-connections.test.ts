import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { type Connection, LocalUser } from './connection.ts';
import { TenantConnections } from './tenant-connections.ts';

const T1 = tenantId('t1');
const T2 = tenantId('t2');

test('connections, users and platforms are counted by tenant, as they come and go', () => {
  const byTenant = new TenantConnections();
  const open = (user: LocalUser, platformID: number): Connection => {
    const connection = { user, platformID, serial: 0 } as Connection;
    user.connections.push(connection);
    byTenant.opened(connection);
    return connection;
  };
  const close = (connection: Connection) => {
    const { connections } = connection.user;
    connections.splice(connections.indexOf(connection), 1);
    byTenant.closed(connection);
  };
  const [alice, bob, other] = [new LocalUser(T1, 'a'), new LocalUser(T1, 'b'), new LocalUser(T2, 'a')];
  const first = open(alice, 1);
  const second = open(alice, 1);
  const third = open(bob, 5);
  const fourth = open(other, 3);
  assert.deepEqual(byTenant.counts(), [
    { tenant: T1, users: 2, platforms: { 1: 2, 5: 1 } },
    { tenant: T2, users: 1, platforms: { 3: 1 } },
  ]);
  assert.deepEqual([...byTenant.of(T1)], [first, second, third]);
  assert.ok(first.serial < second.serial && second.serial < third.serial);
  close(first);
  close(third);
  close(third);
  close(fourth);
  assert.deepEqual(byTenant.counts(), [{ tenant: T1, users: 1, platforms: { 1: 1 } }]);
  assert.deepEqual([...byTenant.of(T2)], []);
  close(second);
  assert.deepEqual(byTenant.counts(), []);
});
