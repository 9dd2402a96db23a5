import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { make } from '@im/protocol';
import { Effects } from './effects.ts';
import type { Conversation } from './fold.ts';
import type { Repos } from './repos.ts';

const TENANT = tenantId('t');
const DELETION = { position: 100, timeMs: 1_000_000 };

/** Owners whose records a later message of a conversation makes, when it stands here in the log. */
async function madeFor(place: { position: number; timeMs: number }, deleted = true): Promise<string[]> {
  const entry = make('log.Entry', {
    conversationID: 'si_a_b',
    stored: true,
    conversationOwners: ['a', 'b'],
  });
  const record = make('log.Record', { sendID: 'a', recvID: 'b', sessionType: 1, entries: [entry] });
  const conversation: Conversation = { max: 7, src: place.position, maxTime: 0, counted: undefined };
  const effects = new Effects();
  if (deleted) effects.deletion(TENANT, ['si_a_b'], DELETION, () => conversation);
  effects.entry(TENANT, { record, ...place }, { entry, index: 0, seq: 7, fresh: true }, conversation);
  const owners: string[] = [];
  const repos = {
    conversationSeqs: { noteDeletion: async () => {} },
    conversationSettings: {
      async createForOwners(_tenant: string, keys: readonly { ownerUserID: string }[]) {
        owners.push(...keys.map(({ ownerUserID }) => ownerUserID));
      },
    },
  };
  await effects.write(repos as unknown as Repos);
  return owners;
}

test('a message behind a deletion makes missing records, whatever its sender knew', async () => {
  const { position, timeMs } = DELETION;
  assert.deepEqual(await madeFor({ position: 101, timeMs: timeMs + 1 }), ['a', 'b']);
  assert.deepEqual(await madeFor({ position: 500, timeMs: timeMs + 100_000 }), ['a', 'b']);
  assert.deepEqual(await madeFor({ position: 101, timeMs: timeMs - 5_000 }), ['a', 'b'], 'a clock behind');
  assert.deepEqual(await madeFor({ position: 101, timeMs: timeMs + 1 }, false), []);
  assert.deepEqual(await madeFor({ position: position - 1, timeMs: timeMs - 1 }), [], 'deleted with it');
  assert.deepEqual(
    await madeFor({ position: 900, timeMs: timeMs + 120_000 }),
    [],
    'every sender knows by then',
  );
});

test('of several deletions the last one counts, in whatever order they are noted', () => {
  const conversation: Conversation = { max: 7, src: 1, maxTime: 0, counted: undefined, deleted: DELETION };
  const conversationOf = () => conversation;
  new Effects().deletion(TENANT, ['si_a_b'], { position: 50, timeMs: 9 }, conversationOf);
  assert.deepEqual(conversation.deleted, DELETION);
  const later = { position: 150, timeMs: 1_000_001 };
  new Effects().deletion(TENANT, ['si_a_b'], later, conversationOf);
  assert.deepEqual(conversation.deleted, later);
});
