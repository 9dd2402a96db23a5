import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wantsMessage } from './filter.ts';

const ALL = { deniedTypes: [], attentionIds: [] };

test('notifications and "is typing" are never reported', () => {
  for (const contentType of [113, 1_000, 1_501, 5_000])
    assert.equal(wantsMessage(ALL, { contentType }), false, String(contentType));
  for (const contentType of [101, 110, 999, 5_001])
    assert.equal(wantsMessage(ALL, { contentType }), true, String(contentType));
});

test('denied types and ids select messages, of receivers and of groups', () => {
  assert.equal(wantsMessage({ ...ALL, deniedTypes: [101] }, { contentType: 101 }), false);
  const few = { ...ALL, attentionIds: ['u1', 'g1'] };
  assert.equal(wantsMessage(few, { contentType: 101, recvID: 'u1', groupID: '' }), true);
  assert.equal(wantsMessage(few, { contentType: 101, recvID: '', groupID: 'g1' }), true);
  assert.equal(wantsMessage(few, { contentType: 101, recvID: 'u2', groupID: '' }), false);
});
