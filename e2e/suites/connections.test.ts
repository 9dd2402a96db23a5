import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  AdminApiError,
  type AdminClient,
  adminClient,
  type Connection,
  countConnections,
  kickConnection,
  kickUser,
  listAudit,
  listConnections,
} from '@im/admin-api';
import { connectWire, type WireConnection } from '@im/client';
import { type Cluster, startCluster } from '@im/dev-cluster';
import { type SdkHost, SdkUser, startJsHost } from '@im/dev-sdk';
import { ERR, PLATFORM } from '@im/protocol';
import { eventually } from './eventually.ts';

/** Users of the tenant with many connections; each has one per gateway. */
const MANY = 40;
const PAGE = 30;
/** Silence after which a gateway closes a connection: longer than the test. */
const IDLE_MS = 600_000;

/** How an operation was refused. */
async function refusalOf(operation: Promise<unknown>) {
  const error = await operation.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AdminApiError, String(error));
  const { code, field } = error.failure;
  return { status: error.status, code, ...(field !== undefined && { field }) };
}

describe('live connections, over two gateways', () => {
  let cluster: Cluster;
  let sdks: SdkHost;
  let admins: Record<'default' | 't2', AdminClient>;
  const wires: WireConnection[] = [];

  before(async () => {
    // The light clients send nothing.
    cluster = await startCluster({ topology: 'many', config: { gateway: { readTimeoutMs: IDLE_MS } } });
    sdks = startJsHost();
    const clientOf = async (tenant: string) =>
      adminClient({
        apiUrl: cluster.endpoint(tenant).api,
        token: await cluster.admin(tenant).token(),
      });
    admins = { default: await clientOf('default'), t2: await clientOf('t2') };
  });
  after(async () => {
    for (const wire of wires) wire.close();
    await sdks?.close();
    await cluster?.close();
  });

  /** A user of the JS SDK on one of the gateways. */
  async function login(tenant: 'default' | 't2', userID: string, gateway: number): Promise<SdkUser> {
    const admin = cluster.admin(tenant);
    await admin.ensureUsers([userID]);
    const user = new SdkUser(userID, await sdks.open(`${tenant}/${userID}-${gateway}`));
    const token = await admin.userToken(userID, user.platformID);
    await user.login(cluster.endpoint(tenant, gateway), token);
    return user;
  }

  async function dial(userID: string, gateway: number, platformID: number): Promise<void> {
    const token = await cluster.admin('default').userToken(userID, platformID);
    const { ws } = cluster.endpoint('default', gateway);
    wires.push(await connectWire({ ws, userID, token, platformID }));
  }

  async function listed(tenant: 'default' | 't2', query: object): Promise<Connection[]> {
    const found: Connection[] = [];
    for await (const page of admins[tenant].pages(listConnections, { query })) {
      assert.deepEqual(page.silentGatewayIDs, []);
      found.push(...page.connections);
    }
    return found;
  }

  test('a kicked SDK user stops, and the namesake in another tenant notices nothing', async () => {
    const [ann, namesake, bob] = [
      await login('default', 'ann', 0),
      await login('t2', 'ann', 0),
      await login('t2', 'bob', 1),
    ];
    let connections: Connection[] = [];
    await eventually(async () => {
      connections = await listed('default', { userID: 'ann' });
      assert.equal(connections.length, 1);
    });
    const [{ connectionID = '', platformID = 0 } = {}] = connections;
    assert.equal(platformID, ann.platformID);

    const asOther = admins.t2.call(kickConnection, { params: { userID: 'ann', connectionID } });
    assert.deepEqual(await refusalOf(asOther), { status: 404, code: ERR.RecordNotFoundError });
    assert.ok(!(await listed('t2', {})).some((one) => one.connectionID === connectionID));

    const since = ann.events.mark();
    const kicked = await admins.default.call(kickConnection, {
      params: { userID: 'ann', connectionID },
      query: { reason: 'lost device' },
    });
    assert.equal(kicked.kicked, 1);
    await ann.events.wait('OnKickedOffline', undefined, { since });
    await eventually(async () => assert.deepEqual(await listed('default', { userID: 'ann' }), []));
    await bob.sendText({ user: 'ann' }, 'still there?');
    await namesake.received('still there?');

    const { records } = await admins.default.call(listAudit, { query: { act: 'connection.kick' } });
    assert.deepEqual(
      records.map(({ targetID, outcome, reason }) => [targetID, outcome, reason]),
      [['ann', 'done', 'lost device']],
    );
  });

  test('many connections are listed page by page, counted by platform, and kicked by platform', async () => {
    const users = Array.from({ length: MANY }, (_, n) => `many${n}`);
    await cluster.admin('default').ensureUsers(users);
    for (const userID of users) {
      await Promise.all([dial(userID, 0, PLATFORM.Web), dial(userID, 1, PLATFORM.Android)]);
    }
    const all = await listed('default', { limit: PAGE });
    assert.equal(all.length, 2 * MANY);
    assert.equal(new Set(all.map(({ connectionID }) => connectionID)).size, 2 * MANY, 'each once');
    const gateways = [...new Set(all.map(({ gatewayID }) => gatewayID))];
    assert.equal(gateways.length, 2);
    assert.deepEqual(gateways, gateways.toSorted());
    const [gatewayID = ''] = gateways;
    assert.equal((await listed('default', { gatewayID, limit: PAGE })).length, MANY);
    assert.equal((await listed('default', { platformID: PLATFORM.Web, limit: PAGE })).length, MANY);
    assert.equal((await listed('default', { address: '127.0.0.0/8', limit: PAGE })).length, 2 * MANY);
    assert.equal((await listed('default', { address: '10.0.0.0/8' })).length, 0);
    const wrong = admins.default.call(listConnections, { query: { address: 'here' } });
    assert.deepEqual(await refusalOf(wrong), { status: 400, code: ERR.ArgsError, field: 'address' });
    const notCursor = admins.default.call(listConnections, { query: { cursor: 'eA' } });
    assert.deepEqual(await refusalOf(notCursor), { status: 400, code: ERR.ArgsError, field: 'cursor' });

    await eventually(async () => {
      const counts = await admins.default.call(countConnections, {});
      const { connections, users: online, platforms, gateways: byGateway } = counts;
      assert.deepEqual([connections, online, byGateway.length], [2 * MANY, 2 * MANY, 2]);
      assert.deepEqual(
        platforms.map(({ platformID, connections: n }) => [platformID, n]),
        [
          [PLATFORM.Android, MANY],
          [PLATFORM.Web, MANY],
        ],
      );
    });

    const kick = { params: { userID: 'many0' }, query: { platformID: PLATFORM.Web } };
    assert.equal((await admins.default.call(kickUser, kick)).kicked, 1);
    assert.equal((await admins.default.call(kickUser, { params: { userID: 'many1' } })).kicked, 2);
    await eventually(async () => {
      const left = (await listed('default', { limit: PAGE })).map(({ userID, platformID }) => [
        userID,
        platformID,
      ]);
      assert.equal(left.length, 2 * MANY - 3);
      assert.deepEqual(
        left.filter(([userID]) => userID === 'many0' || userID === 'many1'),
        [['many0', PLATFORM.Android]],
      );
    });
    assert.equal((await admins.default.call(kickUser, { params: { userID: 'nobody' } })).kicked, 0);
  });
});
