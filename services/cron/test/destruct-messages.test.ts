import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type TenantId, tenantSettings } from '@im/contract';
import { silentLogger } from '@im/process';
import { make } from '@im/protocol';
import {
  type ConversationChanges,
  conversationSeqs,
  conversationSettings,
  conversationSettingsChanges,
  destructRepo,
  msgRows,
  type Store,
  seqUsers,
} from '@im/store';
import { destructMessages } from '../src/jobs/destruct-messages.ts';
import { useStore } from './harness.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW = Date.UTC(2026, 0, 31);
const CHAT = 'si_a_b';

describe('lifetime of messages', () => {
  let store: Store;
  const one = tenantSettings({ id: 'one', tokenSecret: 's', adminSecret: 's' });
  const two = tenantSettings({ id: 'two', tokenSecret: 's', adminSecret: 's', placement: 'Dedicated' });
  const log = silentLogger();
  /** Owner and conversation of each 1300. */
  let notified: string[] = [];
  let failing = false;

  useStore([one, two], async (fixture) => {
    ({ store } = fixture);
    for (const { id } of [one, two]) {
      await fill(id, CHAT, 20);
      for (const owner of ['a', 'b']) await setting(id, owner, CHAT, {});
    }
  });
  /** Messages of one a day, the last of them now. */
  async function fill(tenant: TenantId, conversationID: string, count: number): Promise<void> {
    await msgRows(store).insert(
      Array.from({ length: count }, (_, i) => ({
        tenant,
        conversationID,
        seq: i + 1,
        dedupKey: Buffer.alloc(16, i),
        position: i + 1,
        msgData: Buffer.from('m'),
        sendID: 'a',
        recvID: 'b',
        contentType: 101,
        sendTime: 0,
        logTime: NOW - (count - 1 - i) * DAY_MS,
      })),
    );
    await conversationSeqs(store).apply([{ tenant, conversationID, max: count, src: count, maxTime: NOW }]);
  }

  /** What `/conversation/set_conversations` stores. */
  async function setting(
    tenant: TenantId,
    ownerUserID: string,
    conversationID: string,
    changes: ConversationChanges,
  ): Promise<void> {
    const key = { ownerUserID, conversationID, conversationType: 1, userID: 'x', groupID: '' };
    await conversationSettingsChanges(store).apply(tenant, [key], changes);
  }

  const job = (now: number, maxCleared?: number) =>
    destructMessages('* * * * *', {
      destruct: destructRepo(store),
      rows: msgRows(store),
      conversationSeqs: conversationSeqs(store),
      seqUsers: seqUsers(store),
      conversation: {
        async setMinSeqs({ tenant }, { ownerUserID, minSeqs }) {
          if (failing) throw new Error('unreachable');
          const changes = minSeqs.map(({ conversationID, minSeq, latestMsgDestructTime }) => ({
            conversationID,
            minSeq,
            ...(latestMsgDestructTime !== null && { latestMsgDestructTime }),
          }));
          const changed = await conversationSettingsChanges(store).setMinSeqs(tenant, ownerUserID, changes);
          notified.push(...changed.map((id) => `${tenant} ${ownerUserID} ${id}`));
          return make('conversation.SetMinSeqsResp');
        },
      },
      log,
      now: () => now,
      ...(maxCleared !== undefined && { maxCleared }),
    });
  const run = (tenant: typeof one, now = NOW, maxCleared?: number) =>
    job(now, maxCleared).run(tenant, new AbortController().signal);
  const seen = async (tenant: TenantId, owner: string, id = CHAT) => {
    const [record] = await conversationSettings(store).find(tenant, owner, [id]);
    const bound = (await seqUsers(store).get(tenant, owner, [id])).get(id);
    return [bound?.min ?? 0, record?.minSeq, record?.latestMsgDestructTime];
  };

  test('nothing happens to conversations without a lifetime, or with one that is switched off', async () => {
    await setting(one.id, 'a', CHAT, { msgDestructTime: 86_400 });
    await setting(one.id, 'b', CHAT, { isMsgDestruct: true });
    assert.equal(await run(one), 0);
    assert.deepEqual(await seen(one.id, 'a'), [0, 0, 0]);
    assert.deepEqual(await seen(one.id, 'b'), [0, 0, 0]);
  });

  test('the owner no longer sees what is older, and is notified; the peer and other tenants still do', async () => {
    for (const { id } of [one, two]) {
      await setting(id, 'a', CHAT, { isMsgDestruct: true, msgDestructTime: (5 * DAY_MS) / 1_000 + 1 });
    }
    notified = [];
    assert.equal(await run(one), 1);
    assert.deepEqual(await seen(one.id, 'a'), [15, 15, NOW], 'those of the last five days');
    assert.deepEqual(notified, [`one a ${CHAT}`]);
    assert.deepEqual(await seen(one.id, 'b'), [0, 0, 0]);
    assert.deepEqual(await seen(two.id, 'a'), [0, 0, 0]);
    assert.equal(await run(one), 0, 'nothing is left to do');
    assert.deepEqual(notified.length, 1);
    assert.equal(await run(two), 1, 'in a dedicated database, too');

    assert.equal(await run(one, NOW + 2 * DAY_MS), 1);
    assert.deepEqual(await seen(one.id, 'a'), [17, 17, NOW + 2 * DAY_MS], 'as time goes by');
    assert.equal(await run(one, NOW + 99 * DAY_MS), 1);
    assert.deepEqual((await seen(one.id, 'a'))[0], 21, 'all of them');
    assert.equal(await run(one, NOW + 999 * DAY_MS), 0);
  });

  test('a run that cannot notify the devices is made up for by the next one', async () => {
    await fill(one.id, 'si_c_d', 3);
    await setting(one.id, 'c', 'si_c_d', { isMsgDestruct: true, msgDestructTime: 3_600 });
    failing = true;
    assert.equal(await run(one), 0);
    assert.deepEqual(await seen(one.id, 'c', 'si_c_d'), [3, 0, 0], 'pulls obey already');
    failing = false;
    notified = [];
    assert.equal(await run(one), 1);
    assert.deepEqual(notified, ['one c si_c_d']);
    assert.deepEqual(await seen(one.id, 'c', 'si_c_d'), [3, 3, NOW]);
  });

  test('one run clears a bounded number, and the next goes on with those that were not cleared yet', async () => {
    const owners = Array.from({ length: 450 }, (_, i) => `owner${i}`);
    await fill(one.id, 'sg_many', 2);
    for (const owner of owners) {
      await setting(one.id, owner, 'sg_many', { isMsgDestruct: true, msgDestructTime: 3_600 });
    }
    const first = await run(one, NOW, 200);
    assert.ok(first >= 200 && first < 450, `${first} cleared`);
    assert.equal(await run(one, NOW, 1_000), 450 - first);
    for (const owner of owners) assert.equal((await seen(one.id, owner, 'sg_many'))[0], 2);
    const aborted = AbortSignal.abort();
    assert.equal(await job(NOW + DAY_MS).run(one, aborted), 0);
  });
});
