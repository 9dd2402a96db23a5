import assert from 'node:assert/strict';
import { test } from 'node:test';
import { make, REQ, type user } from '@im/protocol';
import { Client, JSON_GZIP, until } from './client.ts';
import { startGateway, type TestGateway } from './start-gateway.ts';

function list(gateway: TestGateway, fields: Partial<user.GatewayConnectionsReq>) {
  const asked = { tenant: 'default', limit: 100, ...fields };
  return gateway.answers.connections(make('user.GatewayConnectionsReq', asked));
}

/** Users and platforms of a list, such as `u1:5`. */
function names({ connections }: user.GatewayConnectionsResp): string[] {
  return connections.map(({ userID, platformID }) => `${userID}:${platformID}`);
}

test('connections are listed oldest first, page by page, with filters, and those of other tenants never', async () => {
  await using gateway = await startGateway();
  const begun = Date.now();
  using _1 = await Client.connect(gateway.port, { platformID: 5, framing: JSON_GZIP });
  using _2 = await Client.connect(gateway.port, { userID: 'u2', platformID: 2 });
  using _3 = await Client.connect(gateway.port, { platformID: 1 });
  using other = await Client.connect(gateway.port, { path: '/t/t2', platformID: 3 });
  assert.deepEqual(names(list(gateway, {})), ['u1:5', 'u2:2', 'u1:1']);
  assert.deepEqual(names(list(gateway, { tenant: 't2' })), ['u1:3']);
  assert.deepEqual(names(list(gateway, { tenant: 't3' })), []);
  assert.deepEqual(names(list(gateway, { userID: 'u1' })), ['u1:5', 'u1:1']);
  assert.deepEqual(names(list(gateway, { userID: 'u2', tenant: 't2' })), []);
  assert.deepEqual(names(list(gateway, { platformID: 2 })), ['u2:2']);
  assert.deepEqual(names(list(gateway, { address: '127.0.0.0/8' })), ['u1:5', 'u2:2', 'u1:1']);
  assert.deepEqual(names(list(gateway, { address: '10.0.0.1' })), []);

  const first = list(gateway, { limit: 2 });
  assert.deepEqual(names(first), ['u1:5', 'u2:2']);
  const second = list(gateway, { limit: 2, afterSerial: first.nextSerial });
  assert.deepEqual([names(second), second.nextSerial], [['u1:1'], 0]);

  const [one] = first.connections;
  assert.ok(one);
  const { connID, openTime, seenTime, ...rest } = one;
  assert.match(connID, /^[0-9a-f]{32}$/);
  for (const time of [openTime, seenTime]) assert.ok(time >= begun - 5 && time <= Date.now() + 5);
  assert.deepEqual(rest, {
    ...{ userID: 'u1', platformID: 5, gatewayID: 'gw-test', address: '127.0.0.1' },
    ...{ isBackground: false, encoding: 'json', compressed: true, queuedBytes: 0 },
  });
  other.socket.close();
  await until(() => names(list(gateway, { tenant: 't2' })).length === 0);
});

test('what one request looks at is bounded, and it says where to go on', async () => {
  await using gateway = await startGateway();
  using _1 = await Client.connect(gateway.port, { platformID: 1 });
  using _2 = await Client.connect(gateway.port, { platformID: 5 });
  const none = list(gateway, { limit: 0 });
  assert.ok(none.connections.length <= 1, 'a limit that makes no sense ends it');
  const all: string[] = [];
  for (let afterSerial = 0, first = true; first || afterSerial > 0; first = false) {
    const page = list(gateway, { limit: 1, afterSerial });
    all.push(...names(page));
    afterSerial = page.nextSerial;
  }
  assert.deepEqual(all, ['u1:1', 'u1:5']);
});

test('a kick closes one connection, those of a platform or all of a user, of the tenant that it names', async () => {
  await using gateway = await startGateway();
  const one = await Client.connect(gateway.port, { platformID: 5 });
  const same = await Client.connect(gateway.port, { platformID: 5 });
  const phone = await Client.connect(gateway.port, { platformID: 2 });
  using stranger = await Client.connect(gateway.port, { userID: 'u2', platformID: 2 });
  using namesake = await Client.connect(gateway.port, { path: '/t/t2', platformID: 2 });
  const kick = (fields: Partial<user.GatewayKickReq>) =>
    gateway.answers.kick(make('user.GatewayKickReq', { tenant: 'default', userID: 'u1', ...fields })).kicked;
  const assertKicked = async (client: Client) => {
    assert.equal(await client.closed, 1006);
    assert.deepEqual(
      client.left.map(({ reqIdentifier }) => reqIdentifier),
      [REQ.KickOnline],
    );
  };
  const connID = list(gateway, { limit: 1 }).connections[0]?.connID ?? '';
  assert.equal(kick({ connID, tenant: 't2' }), 0, 'an id of another tenant');
  assert.equal(kick({ connID, userID: 'u2' }), 0, 'an id of another user');
  assert.equal(kick({ connID: 'f'.repeat(32) }), 0);
  assert.equal(kick({ connID }), 1);
  await assertKicked(one);
  assert.equal(kick({ connID }), 0, 'already closing');
  assert.equal(kick({ platformID: 5 }), 1);
  await assertKicked(same);
  assert.equal(kick({}), 1);
  await assertKicked(phone);
  for (const { socket } of [stranger, namesake]) assert.equal(socket.readyState, 1);
  await until(async () => (await gateway.metric('openim_gateway_closed_total', { reason: 'admin' })) === 3);
});
