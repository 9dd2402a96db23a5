import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type conversation, ERR, ImError, make } from '@im/protocol';
import { recordKey, requireSameID } from './record-key.ts';

const wanted = (fields: Partial<conversation.ConversationReq>) =>
  make('conversation.ConversationReq', fields);
const refused = (error: unknown) => error instanceof ImError && error.code === ERR.ArgsError;

describe('the record that a request means', () => {
  const cases: readonly [string, Partial<conversation.ConversationReq>, string | undefined][] = [
    ['single chat', { conversationType: 1, userID: 'b' }, 'si_a_b'],
    ['single chat, the other way round', { conversationType: 1, userID: 'A' }, 'si_A_a'],
    ['single chat without peer', { conversationType: 1 }, undefined],
    ['group', { conversationType: 3, groupID: 'g' }, 'sg_g'],
    ['group without id', { conversationType: 3, userID: 'b' }, undefined],
    ['notification account', { conversationType: 4, userID: 'n' }, 'sn_a_n'],
    ['legacy group', { conversationType: 2, groupID: 'g', userID: 'b' }, undefined],
  ];
  for (const [name, fields, expected] of cases) {
    test(name, () => {
      if (expected === undefined) assert.throws(() => recordKey('a', wanted(fields)), refused);
      else assert.equal(recordKey('a', wanted(fields)).conversationID, expected);
    });
  }
});

test('an id of another chat is refused', () => {
  const key = recordKey('a', wanted({ conversationType: 1, userID: 'b' }));
  requireSameID([key], '');
  requireSameID([key], 'si_a_b');
  assert.throws(() => requireSameID([key], 'sg_secret'), refused);
});
