import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sleep } from '@im/kit';
import { decode, encode, type log, make } from '@im/protocol';
import { conversationSeqs, conversationSettings, deadLetterRepo, seqUsers } from '@im/store';
import {
  append,
  eventually,
  listen,
  rowsOf,
  type Servers,
  startProcess,
  startServers,
  TENANT,
  textRecord,
} from './harness.ts';

describe('transfer on real servers', () => {
  let servers: Servers;
  before(async () => {
    servers = await startServers();
  });
  after(async () => servers.stop());

  test('messages get seqs without gaps, rows, records, read positions and deliveries in order', async () => {
    await using p = await startProcess(servers, 'basic');
    const { got, feed } = listen(p.bus, ['a', 'b']);
    await feed.barrier();
    const texts = Array.from({ length: 50 }, (_, i) => `m${i}`);
    await Promise.all(texts.map((text) => append(p.bus, textRecord(text))));
    await append(p.bus, textRecord('typing', { stored: false }));
    await eventually(() => (got.length >= 102 ? undefined : `${got.length} deliveries`));
    assert.deepEqual(
      await rowsOf(p.store, 'si_a_b', texts.length),
      texts.map((text, i) => [i + 1, text]),
    );
    for (const user of ['a', 'b']) {
      const own = got.filter((delivery) => delivery.targetUserID === user);
      assert.deepEqual(
        own.map((delivery) => delivery.seq),
        [...texts.map((_, i) => i + 1), 0],
      );
      assert.deepEqual(
        own.slice(0, 50).map((delivery) => decode('sdkws.MsgData', delivery.msgData).seq),
        texts.map((_, i) => i + 1),
      );
    }
    const state = (await conversationSeqs(p.store).get(TENANT, ['si_a_b'])).get('si_a_b');
    assert.equal(state?.max, 50);
    await eventually(async () => {
      const read = (await seqUsers(p.store).get(TENANT, 'a', ['si_a_b'])).get('si_a_b')?.read;
      return read === 50 ? undefined : `read ${read}`;
    });
    const records = conversationSettings(p.store);
    assert.deepEqual(await records.ids(TENANT, 'a'), ['si_a_b']);
    assert.deepEqual(await records.ids(TENANT, 'b'), ['si_a_b']);
    await feed.stop();
  });

  test('a retry of a client uses no seq and is not delivered again', async () => {
    await using p = await startProcess(servers, 'retry');
    const { got, feed } = listen(p.bus, ['r2']);
    await feed.barrier();
    for (const text of ['x', 'y', 'x', 'z', 'y'])
      await append(p.bus, textRecord(text, { from: 'r1', to: 'r2' }));
    await eventually(() => (got.length >= 3 ? undefined : `${got.length} deliveries`));
    await sleep(200);
    assert.deepEqual(
      got.map((delivery) => delivery.operationID),
      ['op-x', 'op-y', 'op-z'],
    );
    assert.deepEqual(await rowsOf(p.store, 'si_r1_r2', 3), [
      [1, 'x'],
      [2, 'y'],
      [3, 'z'],
    ]);
    await feed.stop();
  });

  test('those who enter a group get records, those who leave keep what they had', async () => {
    await using p = await startProcess(servers, 'members');
    const group = (text: string, change: Partial<log.Record> = {}) =>
      make('log.Record', {
        ...textRecord(text),
        recvID: 'g',
        groupID: 'g',
        sessionType: 3,
        entries: [
          make('log.Entry', {
            conversationID: 'sg_g',
            stored: true,
            toGroup: true,
            msgData: encode('sdkws.MsgData', make('sdkws.MsgData', { clientMsgID: text })),
          }),
        ],
        ...change,
      });
    const { got, feed } = listen(p.bus, ['u2'], ['g']);
    await feed.barrier();
    await append(p.bus, group('created', { addedUserIDs: ['u1', 'u2'] }));
    await append(p.bus, group('one'));
    await append(p.bus, group('kicked', { removedUserIDs: ['u2'] }));
    await append(p.bus, group('two'));
    await append(p.bus, group('back', { addedUserIDs: ['u2'], hideHistory: true }));
    await eventually(() => (got.length >= 8 ? undefined : `${got.length} deliveries`));
    const names = (list: readonly log.Delivery[]) =>
      list.map((delivery) => decode('sdkws.MsgData', delivery.msgData).clientMsgID);
    assert.deepEqual(names(got.filter((delivery) => delivery.targetGroupID === 'g')), [
      'created',
      'one',
      'kicked',
      'two',
      'back',
    ]);
    assert.deepEqual(names(got.filter((delivery) => delivery.targetUserID === 'u2')), [
      'created',
      'kicked',
      'back',
    ]);
    const bounds = async (user: string) => (await seqUsers(p.store).get(TENANT, user, ['sg_g'])).get('sg_g');
    await eventually(async () =>
      (await bounds('u2'))?.min === 5 ? undefined : JSON.stringify(await bounds('u2')),
    );
    assert.equal((await bounds('u2'))?.max, 0);
    const [record] = await conversationSettings(p.store).find(TENANT, 'u2', ['sg_g']);
    assert.equal(record?.conversationType, 3);
    assert.equal(record?.maxSeq, 0);
    await feed.stop();
  });

  test('a leaver sees nothing of what came later', async () => {
    await using p = await startProcess(servers, 'leaver');
    const record = (text: string, change: Partial<log.Record>) =>
      make('log.Record', {
        ...textRecord(text),
        groupID: 'h',
        sessionType: 3,
        entries: [
          make('log.Entry', {
            conversationID: 'sg_h',
            stored: true,
            toGroup: true,
            msgData: new Uint8Array(0),
          }),
        ],
        ...change,
      });
    await append(p.bus, record('c', { addedUserIDs: ['v'] }));
    await append(p.bus, record('k', { removedUserIDs: ['v'] }));
    await append(p.bus, record('later', {}));
    await eventually(async () => {
      const state = (await conversationSeqs(p.store).get(TENANT, ['sg_h'])).get('sg_h');
      return state?.max === 3 ? undefined : `max ${state?.max}`;
    });
    await eventually(async () => {
      const max = (await seqUsers(p.store).get(TENANT, 'v', ['sg_h'])).get('sg_h')?.max;
      return max === 2 ? undefined : `bound ${max}`;
    });
    await eventually(async () => {
      const [kept] = await conversationSettings(p.store).find(TENANT, 'v', ['sg_h']);
      return kept?.maxSeq === 2 ? undefined : `kept ${kept?.maxSeq}`;
    });
  });

  test('a damaged record becomes a dead letter and does not hold up the others', async () => {
    await using p = await startProcess(servers, 'damaged');
    const partition = p.bus.partitionOf('d1_d2');
    await append(p.bus, textRecord('before', { from: 'd1', to: 'd2' }));
    await p.bus.log.append(TENANT, partition, Buffer.from('not a record'));
    await append(p.bus, textRecord('after', { from: 'd1', to: 'd2' }));
    await eventually(async () =>
      (await rowsOf(p.store, 'si_d1_d2', 2)).length === 2 ? undefined : 'rows missing',
    );
    const [letter, ...more] = await deadLetterRepo(p.store).list(TENANT, 9);
    assert.deepEqual([letter?.entry, letter?.partition, more], [-1, partition, []]);
  });
});
