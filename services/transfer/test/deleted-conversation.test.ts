import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Bus } from '@im/bus';
import { encode, make } from '@im/protocol';
import { conversationSeqs, conversationSettings, conversationSettingsChanges, type Store } from '@im/store';
import {
  append,
  eventually,
  rowsOf,
  type Servers,
  startProcess,
  startServers,
  TENANT,
  textRecord,
} from './harness.ts';

let servers: Servers;
before(async () => {
  servers = await startServers();
});
after(() => servers?.stop());

/** Each test has users of its own: all read the same log, each into its own database. */
const between = (from: string, to: string) => ({ from, to });
const untilStored = (store: Store, id: string, count: number) =>
  eventually(async () => {
    const rows = await rowsOf(store, id, count);
    return rows.length >= count ? undefined : `${id} has ${rows.length} messages`;
  });
const owns = async (store: Store, owner: string, id: string) =>
  (await conversationSettings(store).ids(TENANT, owner)).includes(id);
const untilOwned = (store: Store, owner: string, id: string) =>
  eventually(async () => ((await owns(store, owner, id)) ? undefined : `${owner} has no record of ${id}`));

/** What the conversation domain writes before it deletes records. */
async function appendDeletion(bus: Bus, pair: string): Promise<void> {
  const record = make('log.Record', {
    dedupKey: randomBytes(16),
    version: 1,
    tenant: TENANT,
    deletedRecords: [`si_${pair}`],
  });
  await bus.log.append(TENANT, bus.partitionOf(pair), encode('log.Record', record));
}

test('a message that was checked before a deletion and appended behind it makes the record again', async () => {
  await using p = await startProcess(servers, 'deleted');
  const changes = conversationSettingsChanges(p.store);
  for (const to of ['b', 'c']) await append(p.bus, textRecord('first', between('a', to)));
  await untilOwned(p.store, 'b', 'si_a_b');
  await untilOwned(p.store, 'c', 'si_a_c');
  await appendDeletion(p.bus, 'a_b');
  await changes.remove(TENANT, 'b', ['si_a_b']);
  await changes.remove(TENANT, 'c', ['si_a_c']);
  for (const to of ['c', 'b']) await append(p.bus, textRecord('second', between('a', to)));
  await untilOwned(p.store, 'b', 'si_a_b');
  await untilStored(p.store, 'si_a_b', 2);
  await untilStored(p.store, 'si_a_c', 2);
  assert.equal(await owns(p.store, 'c', 'si_a_c'), false, 'the log said nothing of that one');
});

test('so it does when the worker that folded the deletion is gone', async () => {
  const first = await startProcess(servers, 'handed-on');
  await append(first.bus, textRecord('first', between('d', 'e')));
  await untilOwned(first.store, 'e', 'si_d_e');
  await appendDeletion(first.bus, 'd_e');
  await eventually(async () => {
    const state = (await conversationSeqs(first.store).get(TENANT, ['si_d_e'])).get('si_d_e');
    return state?.deleted ? undefined : 'the deletion is not noted';
  });
  await conversationSettingsChanges(first.store).remove(TENANT, 'e', ['si_d_e']);
  await first.stop();
  await using second = await startProcess(servers, 'handed-on');
  await append(second.bus, textRecord('second', between('d', 'e')));
  await untilOwned(second.store, 'e', 'si_d_e');
});

test('and when the worker dies before it has folded any of it', async () => {
  const first = await startProcess(servers, 'killed');
  await append(first.bus, textRecord('first', between('f', 'g')));
  await untilOwned(first.store, 'g', 'si_f_g');
  await first.abandon();
  await using second = await startProcess(servers, 'killed', { transfer: false });
  await appendDeletion(second.bus, 'f_g');
  await conversationSettingsChanges(second.store).remove(TENANT, 'g', ['si_f_g']);
  await append(second.bus, textRecord('second', between('f', 'g')));
  assert.equal(await owns(second.store, 'g', 'si_f_g'), false);
  await using third = await startProcess(servers, 'killed');
  await untilOwned(third.store, 'g', 'si_f_g');
});
