import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode, make, type sdkws } from '@im/protocol';
import { startApi } from './harness.ts';

type Api = Awaited<ReturnType<typeof startApi>>;
interface Line {
  readonly kind: string;
  readonly cursor: string;
  readonly data: Record<string, unknown>;
}

const LAST = 2_130;

/** A user with 250 friends and a conversation, of which they sent every hundredth message. */
function stub(api: Api): void {
  api.stub('user.getDesignateUsers', (_ctx, { userIDs }: { userIDs: string[] }) =>
    make('user.GetDesignateUsersResp', {
      usersInfo: userIDs.includes('u1') ? [make('sdkws.UserInfo', { userID: 'u1', nickname: 'N' })] : [],
    }),
  );
  api.stub(
    'relation.getPaginationFriends',
    (_ctx, { pagination }: { pagination: sdkws.RequestPagination }) => {
      const begin = (pagination.pageNumber - 1) * pagination.showNumber;
      const length = Math.max(0, Math.min(pagination.showNumber, 250 - begin));
      return make('relation.GetPaginationFriendsResp', {
        total: 250,
        friendsInfo: Array.from({ length }, (_, i) => make('sdkws.FriendInfo', { remark: `f${begin + i}` })),
      });
    },
  );
  api.stub('msg.getMaxSeq', () =>
    make('sdkws.GetMaxSeqResp', { maxSeqs: { si_u1_u2: LAST, n_si_u1_u2: 5 } }),
  );
  api.stub('msg.pullMessageBySeqs', (_ctx, { seqRanges }: sdkws.PullMessageBySeqsReq) => {
    const [{ conversationID, begin, end } = make('sdkws.SeqRange')] = seqRanges;
    const Msgs = Array.from({ length: end - begin + 1 }, (_, i) =>
      encode(
        'sdkws.MsgData',
        make('sdkws.MsgData', {
          seq: end - i,
          sendID: (end - i) % 100 === 0 ? 'u1' : 'u2',
          content: Buffer.from(`{"content":"text ${end - i}"}`),
        }),
      ),
    );
    return make('msg.EncodedPull', { msgs: { [conversationID]: make('msg.EncodedMsgs', { Msgs }) } });
  });
}

async function lines(api: Api, query = '', userID = 'u1'): Promise<Line[]> {
  const url = `/admin/v1/users/${userID}/export?reason=moving&${query}`;
  const { body } = await api.app.inject({ method: 'GET', url, headers: { token: 'admin-token' } });
  return body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('an export has all of a user and no messages of others, and ends with a line that says so', async () => {
  await using api = await startApi();
  stub(api);
  const all = await lines(api);
  const counts = Object.entries(Object.groupBy(all, ({ kind }) => kind)).map(([kind, list]) => [
    kind,
    list?.length,
  ]);
  assert.deepEqual(counts, [
    ['profile', 1],
    ['friend', 250],
    ['message', 21],
    ['progress', 2],
    ['end', 1],
  ]);
  assert.equal(all.at(-1)?.kind, 'end');
  const messages = all.filter(({ kind }) => kind === 'message');
  assert.deepEqual(
    messages.map(({ data }) => data.seq),
    Array.from({ length: 21 }, (_, i) => (i + 1) * 100),
  );
  assert.deepEqual(
    [messages[0]?.data.content, messages[0]?.data.conversationID],
    ['{"content":"text 100"}', 'si_u1_u2'],
  );
  // On behalf of the user, with a time of its own for each call.
  assert.deepEqual(
    new Set(api.calls.filter(({ target }) => target.startsWith('msg.')).map(({ ctx }) => ctx.opUserID)),
    new Set(['u1']),
  );
  const acts = api.calls.filter(({ target }) => target.startsWith('auth.'));
  assert.deepEqual(
    acts.map(({ target, request }) => [target, request.outcome]),
    [
      ['auth.addAuditRecord', undefined],
      ['auth.setAuditOutcome', 'done'],
    ],
  );
});

test('an export goes on after any line, in parts as long as wanted', async () => {
  await using api = await startApi();
  stub(api);
  const all = await lines(api);
  const parts: Line[] = [];
  for (
    let query = 'limit=60';
    parts.at(-1)?.kind !== 'end';
    query = `limit=60&cursor=${parts.at(-1)?.cursor}`
  ) {
    const part = await lines(api, query);
    assert.ok(part.length <= 60 || part.at(-1)?.kind === 'end');
    parts.push(...part);
  }
  assert.deepEqual(parts, all);
});

test('an unknown user, and a cursor that is none, are refused before anything is answered', async () => {
  await using api = await startApi();
  stub(api);
  const status = async (path: string) => {
    const url = `/admin/v1/users/${path}`;
    const response = await api.app.inject({ method: 'GET', url, headers: { token: 'admin-token' } });
    return [response.statusCode, response.json().error?.code];
  };
  assert.deepEqual(await status('nobody/export?reason=moving'), [404, 1101]);
  assert.deepEqual(await status('u1/export?reason=moving&cursor=bm9uc2Vuc2U'), [400, 1001]);
  assert.deepEqual(await status('u1/export'), [400, 1001], 'without a reason');
  assert.deepEqual(await status('u1/export?reason=moving&limit=100001'), [400, 1001]);
});
