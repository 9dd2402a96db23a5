import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listBroadcasts } from '@im/admin-api';
import { make } from '@im/protocol';
import { startApi } from './harness.ts';

test('a list of broadcasts, which names no users, has every field of its schema', async () => {
  await using api = await startApi();
  const listed = { broadcastID: 'b', senderID: 'desk', text: 'hello', adminUserID: 'imAdmin', failed: 2 };
  api.stub('msg.searchBroadcasts', () =>
    make('msg.SearchBroadcastsResp', { broadcasts: [make('msg.Broadcast', listed)] }),
  );
  const answer = await api.app.inject({ url: '/admin/v1/broadcasts', headers: { token: 'admin-token' } });
  assert.equal(answer.statusCode, 200);
  const { broadcasts } = listBroadcasts.answer.parse(answer.json());
  assert.deepEqual(
    broadcasts.map(({ broadcastID, adminID, state, failed, failedUserIDs }) => [
      ...[broadcastID, adminID, state, failed],
      failedUserIDs,
    ]),
    [['b', 'imAdmin', 'running', 2, []]],
  );
});
