import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { encode, type log, make } from '@im/protocol';
import { conversationSeqs, conversationSettings, seqUsers } from '@im/store';
import { Freeze } from './freeze.ts';
import {
  append,
  eventually,
  type Servers,
  startProcess,
  startServers,
  TENANT,
  textRecord,
} from './harness.ts';
import { override } from './override.ts';

/** A stored record of a group; each test has its own group, since all read the same log. */
function toGroup(group: string, text: string, change: Partial<log.Record> = {}): log.Record {
  return make('log.Record', {
    ...textRecord(`${group} ${text}`),
    recvID: group,
    groupID: group,
    sessionType: 3,
    entries: [
      make('log.Entry', {
        conversationID: `sg_${group}`,
        stored: true,
        toGroup: true,
        msgData: encode('sdkws.MsgData', make('sdkws.MsgData', { clientMsgID: text })),
      }),
    ],
    ...change,
  });
}

describe('changes of membership in the fold', { timeout: 240_000 }, () => {
  let servers: Servers;
  before(async () => {
    servers = await startServers();
  });
  after(() => servers?.stop());

  type Store = Awaited<ReturnType<typeof startProcess>>['store'];
  const boundOf = async (store: Store, group: string, userID: string) => {
    const id = `sg_${group}`;
    const [record] = await conversationSettings(store).find(TENANT, userID, [id]);
    const user = (await seqUsers(store).get(TENANT, userID, [id])).get(id);
    return [record?.maxSeq, user?.max];
  };
  const untilMax = (store: Store, group: string, max: number) =>
    eventually(async () => {
      const state = (await conversationSeqs(store).get(TENANT, [`sg_${group}`])).get(`sg_${group}`);
      return state?.max === max ? undefined : `max ${state?.max}`;
    });

  test('the highest version of the member log wins, whatever the order in the log', async () => {
    await using p = await startProcess(servers, 'versions');
    await append(p.bus, toGroup('versions', 'created', { addedUserIDs: ['u', 'v'], memberVersion: 1 }));
    await append(p.bus, toGroup('versions', 'kick', { removedUserIDs: ['u'], memberVersion: 6 }));
    await append(
      p.bus,
      toGroup('versions', 'late invite', { addedUserIDs: ['u'], memberVersion: 5, hideHistory: true }),
    );
    await append(p.bus, toGroup('versions', 'back', { addedUserIDs: ['v'], memberVersion: 8 }));
    await append(p.bus, toGroup('versions', 'late kick', { removedUserIDs: ['v'], memberVersion: 7 }));
    await untilMax(p.store, 'versions', 5);
    assert.deepEqual(await boundOf(p.store, 'versions', 'u'), [2, 2]);
    assert.deepEqual(await boundOf(p.store, 'versions', 'v'), [0, 0]);
    assert.equal((await seqUsers(p.store).get(TENANT, 'u', ['sg_versions'])).get('sg_versions')?.min, 0);
  });

  test('bounds are set before the rows that come after them can be read', async () => {
    const seen: unknown[] = [];
    await using p = await startProcess(servers, 'order', {
      transfer: true,
      plant: {
        store: (store) =>
          override(store, {
            groupCommit: override(store.groupCommit, {
              open: () => {
                const inner = store.groupCommit.open();
                return override(inner, {
                  write: async (writes) => {
                    seen.push(await boundOf(store, 'order', 'u'));
                    return inner.write(writes);
                  },
                });
              },
            }),
          }),
      },
    });
    await append(p.bus, toGroup('order', 'created', { addedUserIDs: ['u'], memberVersion: 1 }));
    await untilMax(p.store, 'order', 1);
    seen.length = 0;
    await append(p.bus, toGroup('order', 'kick', { removedUserIDs: ['u'], memberVersion: 2 }));
    await untilMax(p.store, 'order', 2);
    assert.deepEqual(seen[0], [2, 2], 'ended before the row of the kick was written');
  });

  test('a worker that sleeps through a leave and a return does not end the membership again', async () => {
    const freeze = new Freeze();
    await using sleeper = await startProcess(servers, 'sleeper', { transfer: true, plant: freeze.plant });
    await append(sleeper.bus, toGroup('sleeper', 'created', { addedUserIDs: ['u'], memberVersion: 1 }));
    await untilMax(sleeper.store, 'sleeper', 1);
    freeze.freeze();
    await append(sleeper.bus, toGroup('sleeper', 'quit', { removedUserIDs: ['u'], memberVersion: 2 }));
    await using successor = await startProcess(servers, 'sleeper', { transfer: true });
    await untilMax(successor.store, 'sleeper', 2);
    await append(successor.bus, toGroup('sleeper', 'back', { addedUserIDs: ['u'], memberVersion: 3 }));
    await append(successor.bus, toGroup('sleeper', 'more'));
    await untilMax(successor.store, 'sleeper', 4);
    freeze.thaw();
    await append(successor.bus, toGroup('sleeper', 'last'));
    await untilMax(successor.store, 'sleeper', 5);
    await eventually(() => (sleeper.service.ready().ready ? undefined : 'the sleeper has not looked up yet'));
    assert.deepEqual(await boundOf(successor.store, 'sleeper', 'u'), [0, 0]);
  });
});
