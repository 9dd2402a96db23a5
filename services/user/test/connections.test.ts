import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TenantId } from '@im/contract';
import { ERR, make, type user } from '@im/protocol';
import { as, codeOf, eventually, startDomain, TENANTS, type TestDomain } from '@im/testing';
import { userService } from '../src/index.ts';

const [T1, T2] = TENANTS;
/** Connections that each of the two gateways has of T1. */
const EACH = 5;
let domain: TestDomain<'user'>;
const asked: string[] = [];
const admin = (tenant: TenantId) => as(tenant, 'imAdmin', true, { timeoutMs: 30_000 });

/** A gateway with {@link EACH} connections of T1, by their serials. */
function serve(gatewayID: string): void {
  domain.bus.gateways.serve(gatewayID, {
    connections({ tenant, userID, afterSerial, limit }) {
      asked.push(`${gatewayID} ${tenant} ${afterSerial} ${limit}`);
      const serials = Array.from({ length: tenant === T1 ? EACH : 0 }, (_, i) => i + 1);
      const found = serials.filter((serial) => serial > afterSerial).slice(0, limit);
      const last = found.at(-1) ?? 0;
      return make('user.GatewayConnectionsResp', {
        connections: found.map((serial) =>
          make('user.LiveConnection', { gatewayID, connID: `${gatewayID}-${serial}`, userID }),
        ),
        nextSerial: last > 0 && last < EACH ? last : 0,
      });
    },
    kick: ({ tenant, userID, connID }) =>
      make('user.GatewayKickResp', {
        kicked: tenant === T1 && userID === 'u1' && (connID === '' || connID === `${gatewayID}-1`) ? 1 : 0,
      }),
  });
}

async function beat(...gateways: string[]): Promise<void> {
  for (const gatewayID of gateways)
    await domain.user.gatewayHeartbeat(admin(T1), make('user.GatewayHeartbeatReq', { gatewayID }));
}

async function search(tenant: TenantId, fields: Partial<user.SearchConnectionsReq>) {
  const request = make('user.SearchConnectionsReq', { limit: 100, ...fields });
  const { connections, silentGatewayIDs, cursor } = await domain.user.searchConnections(
    admin(tenant),
    request,
  );
  return { ids: connections.map(({ connID }) => connID), silent: silentGatewayIDs, cursor };
}

const kick = (tenant: TenantId, fields: Partial<user.KickConnectionsReq>) =>
  domain.user.kickConnections(admin(tenant), make('user.KickConnectionsReq', { userID: 'u1', ...fields }));

before(async () => {
  domain = await startDomain(userService, { servers: ['mongo', 'redis', 'nats'] });
  for (const id of ['g1', 'g2']) serve(id);
  await eventually(async () => {
    await beat('g1', 'g2');
    assert.deepEqual((await search(T1, {})).silent, []);
  });
});
after(() => domain?.[Symbol.asyncDispose]());

test('pages go from gateway to gateway, and have each connection once', async () => {
  const all = await search(T1, {});
  assert.equal(all.ids.length, 2 * EACH);
  assert.deepEqual([all.ids, all.cursor], [all.ids.toSorted(), '']);
  for (const limit of [1, 2, 3, EACH, EACH + 2, 2 * EACH]) {
    const found: string[] = [];
    let pages = 0;
    let cursor = '';
    do {
      const page = await search(T1, { limit, cursor });
      assert.ok(page.ids.length <= limit);
      found.push(...page.ids);
      ({ cursor } = page);
      assert.ok(++pages <= 2 * EACH + 2, 'it ends');
    } while (cursor !== '');
    assert.deepEqual(found, all.ids, `pages of ${limit}`);
  }
  asked.length = 0;
  assert.deepEqual((await search(T1, { gatewayID: 'g2' })).ids.length, EACH);
  assert.deepEqual(asked, [`g2 ${T1} 0 100`], 'the others are not asked');
  assert.deepEqual((await search(T2, {})).ids, []);
});

test('kicks of several gateways add up, whichever answers last', async () => {
  assert.equal((await kick(T1, {})).kicked, 2);
  for (const connID of ['g1-1', 'g2-1']) assert.equal((await kick(T1, { connID })).kicked, 1, connID);
  assert.equal((await kick(T2, {})).kicked, 0, 'of another tenant');
  assert.equal(await codeOf(kick(T2, { connID: 'g1-1' })), ERR.RecordNotFoundError);
});

test('a page over a gateway that is gone goes on with the next; one that is silent is named', async () => {
  const gone = await search(T1, { cursor: '3 g1z' });
  assert.deepEqual(gone.ids.length, EACH, 'those of g2');
  await beat('g1', 'g1b', 'g2');
  const silent = await search(T1, {});
  assert.deepEqual([silent.ids.length, silent.silent, silent.cursor], [2 * EACH, ['g1b'], '']);
  assert.equal(await codeOf(kick(T1, {})), ERR.NetworkError, 'it may hold one');
  assert.equal((await kick(T1, { connID: 'g2-1' })).kicked, 1, 'it was found elsewhere');
  assert.equal(await codeOf(kick(T1, { connID: 'nowhere' })), ERR.NetworkError, 'or it is there');
});

test('only administrators ask, and only for what makes sense', async () => {
  const user = as(T1, 'u1');
  for (const call of [
    domain.user.searchConnections(user, make('user.SearchConnectionsReq', { userID: 'u1' })),
    domain.user.kickConnections(user, make('user.KickConnectionsReq', { userID: 'u1' })),
  ])
    assert.equal(await codeOf(call), ERR.NoPermissionError);
  for (const wrong of [{ cursor: 'g1' }, { cursor: 'x g1' }, { cursor: '1 ' }, { address: '10.0.0.0/40' }])
    assert.equal(await codeOf(search(T1, wrong)), ERR.ArgsError, JSON.stringify(wrong));
});
