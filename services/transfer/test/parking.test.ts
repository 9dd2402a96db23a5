import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type TenantId, tenantId, tenantSettings } from '@im/contract';
import type { MutableTenantDirectory } from '@im/kit';
import { encode, type log, make } from '@im/protocol';
import { msgRows, parkedRecordRepo, type TenantDocument } from '@im/store';
import type { Filter } from 'mongodb';
import {
  eventually,
  listen,
  rowsOf,
  type Servers,
  startProcess,
  startServers,
  TENANT,
  type TestProcess,
  textRecord,
} from './harness.ts';
import { Load } from './load.ts';
import { override, watchWrites } from './override.ts';

const SHOP = tenantId('shop');
const PLACED = tenantId('placed');
/** Position of a row that the log does not know. */
const FOREIGN_POSITION = 999_999_999;
const settings = (id: TenantId, placement: 'Shared' | 'Dedicated' = 'Shared') =>
  tenantSettings({ id, placement, tokenSecret: 's', adminSecret: 's' });

/** A record as msg of this or of an earlier version writes it for a tenant. */
async function appendFor(p: TestProcess, tenant: TenantId, record: log.Record): Promise<void> {
  const key = [record.sendID, record.recvID].sort().join('_');
  const bytes = encode('log.Record', make('log.Record', { ...record, tenant }));
  await p.bus.log.append(tenant, p.bus.partitionOf(key), bytes);
}

const texts = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `t${from + i}`);
const numbered = (names: readonly string[]) => names.map((name, i) => [i + 1, name]);

describe('what fails for one tenant', () => {
  let servers: Servers;
  before(async () => {
    servers = await startServers();
  });
  after(async () => servers.stop());

  /** Sends to `tenant` amid the traffic of another, and has both checked. */
  async function besideOthers(
    p: TestProcess,
    name: string,
    during: () => Promise<void>,
    heal: () => Promise<void>,
  ): Promise<void> {
    const load = new Load(p, { name });
    await load.start();
    await during();
    const before = load.delivered;
    await eventually(() => (load.delivered > before + 50 ? undefined : 'the others get nothing'));
    await heal();
    await load.end();
    await load.verify(p.store);
  }

  const parkedOf = async (p: TestProcess) =>
    (await parkedRecordRepo(p.store).markers()).map(
      ({ tenant, conversation }) => `${tenant}/${conversation}`,
    );

  test('records of a tenant that is not known wait, in order, until it is', async () => {
    let tenants: MutableTenantDirectory | undefined;
    await using p = await startProcess(servers, 'unknown', { transfer: true, tenants: (t) => (tenants = t) });
    const { got, feed } = listen(p.bus, ['s2'], [], SHOP);
    await feed.barrier();
    await besideOthers(
      p,
      'unk',
      async () => {
        for (const text of texts(5)) await appendFor(p, SHOP, textRecord(text, { from: 's1', to: 's2' }));
        await eventually(async () =>
          (await parkedOf(p)).includes('shop/') ? undefined : 'nothing is parked',
        );
        // A retry of a client, and what comes behind it.
        for (const text of ['t3', ...texts(3, 5)]) {
          await appendFor(p, SHOP, textRecord(text, { from: 's1', to: 's2' }));
        }
      },
      async () => {
        tenants?.put(settings(SHOP));
        await eventually(async () => ((await parkedOf(p)).length === 0 ? undefined : 'still parked'));
      },
    );
    await eventually(() => (got.length >= 8 ? undefined : `${got.length} deliveries`));
    assert.deepEqual(await rowsOf(p.store, 'si_s1_s2', 8, SHOP), numbered(texts(8)));
    assert.deepEqual(
      got.map((delivery) => [delivery.seq, delivery.operationID]),
      texts(8).map((text, i) => [i + 1, `op-${text}`]),
    );
    await appendFor(p, SHOP, textRecord('later', { from: 's1', to: 's2' }));
    await eventually(() => (got.length === 9 ? undefined : `${got.length} deliveries`));
    await feed.stop();
  });

  test('a record that says where its tenant is placed is folded without the tenant', async () => {
    await using p = await startProcess(servers, 'placed');
    const { got, feed } = listen(p.bus, ['p2'], [], PLACED);
    await feed.barrier();
    const record = make('log.Record', { ...textRecord('x', { from: 'p1', to: 'p2' }), placement: 2 });
    await appendFor(p, PLACED, record);
    await eventually(() => (got.length === 1 ? undefined : `${got.length} deliveries`));
    assert.deepEqual(await rowsOf(p.store, 'si_p1_p2', 1, PLACED), [[1, 'x']]);
    assert.equal(p.store.collection(PLACED, { name: 'msg', indexes: [] }).col.dbName, 'placed_placed');
    assert.ok(!(await parkedOf(p)).includes('placed/'));
    await feed.stop();
  });

  test('a tenant that is removed with records behind the cursor holds up no other tenant', async () => {
    let tenants: MutableTenantDirectory | undefined;
    await using p = await startProcess(servers, 'removed', { transfer: true, tenants: (t) => (tenants = t) });
    tenants?.put(settings(SHOP));
    await besideOthers(
      p,
      'rem',
      async () => {
        for (const text of texts(3)) await appendFor(p, SHOP, textRecord(text, { from: 'r1', to: 'r2' }));
        tenants?.remove(SHOP);
        for (const text of texts(3, 3)) await appendFor(p, SHOP, textRecord(text, { from: 'r1', to: 'r2' }));
      },
      async () => undefined,
    );
    await eventually(async () => {
      const rows = await rowsOf(p.store, 'si_r1_r2', 6, SHOP);
      return rows.length === 6 ? undefined : `${rows.length} rows`;
    });
    assert.deepEqual(await rowsOf(p.store, 'si_r1_r2', 6, SHOP), numbered(texts(6)));
    // A worker that starts now has never known the tenant: its old records hold up no other tenant either.
    await p.stop();
    await using next = await startProcess(servers, 'removed');
    const load = new Load(next, { name: 'rem2' });
    await load.start();
    await eventually(() => (load.delivered > 20 ? undefined : 'the others get nothing'));
    await load.end();
    await load.verify(next.store);
  });

  test('a database of a tenant that refuses parks that tenant; all is stored and delivered when it takes writes again', async () => {
    let refuses = false;
    await using p = await startProcess(servers, 'refusing', {
      transfer: true,
      tenants: (t) => t.put(settings(SHOP, 'Dedicated')),
      plant: {
        store: (store) =>
          override(store, {
            collection: (tenant, spec) => {
              const view = store.collection(tenant, spec);
              if (tenant !== SHOP) return view;
              const col = watchWrites(view.col, async (_call, work) => {
                if (refuses) throw new Error('you are over your space quota');
                return work();
              });
              return { ...view, col };
            },
            // Its rows are written one by one, as on servers that can do no more.
            groupCommit: {
              ...store.groupCommit,
              open: () => ({
                sessionId: new Uint8Array(16),
                write: async () => false,
                writeAllOrNone: async () => false,
                close: async () => undefined,
              }),
            },
          }),
      },
    });
    const { got, feed } = listen(p.bus, ['d2'], [], SHOP);
    await feed.barrier();
    const send = (text: string) => appendFor(p, SHOP, textRecord(text, { from: 'd1', to: 'd2' }));
    for (const text of texts(3)) await send(text);
    await eventually(() => (got.length === 3 ? undefined : `${got.length} deliveries`));
    await besideOthers(
      p,
      'ref',
      async () => {
        refuses = true;
        for (const text of texts(5, 3)) await send(text);
        await eventually(async () =>
          (await parkedOf(p)).includes('shop/') ? undefined : 'nothing is parked',
        );
      },
      async () => {
        refuses = false;
        await eventually(async () => ((await parkedOf(p)).length === 0 ? undefined : 'still parked'));
      },
    );
    await eventually(() => (got.length >= 8 ? undefined : `${got.length} deliveries`));
    assert.deepEqual(await rowsOf(p.store, 'si_d1_d2', 8, SHOP), numbered(texts(8)));
    assert.deepEqual(
      got.map((delivery) => delivery.seq),
      [1, 2, 3, 4, 5, 6, 7, 8],
    );
    await feed.stop();
  });

  test('what is parked is taken over with its partition', async () => {
    const first = await startProcess(servers, 'successors');
    for (const text of texts(4)) await appendFor(first, SHOP, textRecord(text, { from: 'h1', to: 'h2' }));
    await eventually(async () => ((await parkedOf(first)).length > 0 ? undefined : 'nothing is parked'));
    await first.abandon();
    await using successor = await startProcess(servers, 'successors', {
      transfer: true,
      tenants: (t) => t.put(settings(SHOP)),
    });
    await eventually(async () => ((await parkedOf(successor)).length === 0 ? undefined : 'still parked'));
    assert.deepEqual(await rowsOf(successor.store, 'si_h1_h2', 4, SHOP), numbered(texts(4)));
  });

  test('another message at the place of one stops that conversation alone', async () => {
    await using p = await startProcess(servers, 'contradiction');
    const users = { from: 'c1', to: 'c2' };
    await appendFor(p, TENANT, textRecord('t0', users));
    await eventually(async () =>
      (await rowsOf(p.store, 'si_c1_c2', 1)).length === 1 ? undefined : 'no row',
    );
    const foreign = {
      tenant: TENANT,
      conversationID: 'si_c1_c2',
      seq: 2,
      dedupKey: new Uint8Array(16).fill(7),
      position: FOREIGN_POSITION,
      msgData: undefined,
      sendID: 'x',
      recvID: 'y',
      contentType: 101,
      sendTime: 1,
      logTime: 1,
    };
    await msgRows(p.store).insert([foreign]);
    await besideOthers(
      p,
      'con',
      async () => {
        for (const text of texts(4, 1)) await appendFor(p, TENANT, textRecord(text, users));
        await eventually(async () =>
          (await parkedOf(p)).includes('default/c1_c2') ? undefined : 'nothing is parked',
        );
      },
      async () => {
        assert.equal(p.service.ready().ready, true);
        await removeForeignRow(p);
        await eventually(async () =>
          (await parkedOf(p)).includes('default/c1_c2') ? 'still parked' : undefined,
        );
      },
    );
    assert.deepEqual(await rowsOf(p.store, 'si_c1_c2', 5), numbered(texts(5)));
  });
});

/** What a person does about a contradiction: removes the row that does not belong there. */
async function removeForeignRow(p: TestProcess): Promise<void> {
  const { col } = p.store.collection(TENANT, { name: 'msg', indexes: [] });
  const { deletedCount } = await col.deleteMany({ p: FOREIGN_POSITION } as Filter<TenantDocument>);
  assert.equal(deletedCount, 1);
}
