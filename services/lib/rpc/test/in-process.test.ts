import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { type CallContext, systemContext } from '@im/kit';
import { make, type user } from '@im/protocol';
import { loopbackConfig, startPeer } from './fixture.ts';

const ctx = systemContext(tenantId('acme'), 'op-1', { timeoutMs: 60_000 });

test('a direct call hands over the very request and context', async () => {
  const seen: unknown[] = [];
  const service = {
    getDesignateUsers: async (call: CallContext, request: user.GetDesignateUsersReq) => {
      seen.push(call, request);
      return make('user.GetDesignateUsersResp');
    },
  };
  await using peer = await startPeer(loopbackConfig({}), 'user', service);
  const request = make('user.GetDesignateUsersReq', { userIDs: ['a'] });
  await peer.rpc.client('user').getDesignateUsers(ctx, request);
  assert.equal(seen[0], ctx);
  assert.equal(seen[1], request);
});

test('a client may be asked for before its domain is bound', async () => {
  await using peer = await startPeer(loopbackConfig({}));
  const client = peer.rpc.client('user');
  assert.equal(peer.rpc.client('user'), client);
  const service = { getDesignateUsers: async () => make('user.GetDesignateUsersResp') };
  peer.rpc.bind('user', service as unknown as typeof client);
  assert.deepEqual((await client.getDesignateUsers(ctx, make('user.GetDesignateUsersReq'))).usersInfo, []);
  assert.throws(() => peer.rpc.bind('user', client), /user is bound already/);
});

test('encodeInProcess shows what the wire would drop', async () => {
  const config = loopbackConfig({}, { encodeInProcess: true });
  let got: user.GetDesignateUsersReq | undefined;
  const service = {
    getDesignateUsers: async (_call: CallContext, request: user.GetDesignateUsersReq) => {
      got = request;
      const answer = make('user.GetDesignateUsersResp', {
        usersInfo: [make('sdkws.UserInfo', { userID: 'a' })],
      });
      return Object.assign(answer, { notInTheContract: 1 });
    },
  };
  await using peer = await startPeer(config, 'user', service);
  const request = make('user.GetDesignateUsersReq', { userIDs: ['a'] });
  const answer = await peer.rpc.client('user').getDesignateUsers(ctx, request);
  assert.notEqual(got, request);
  assert.deepEqual(got?.userIDs, ['a']);
  assert.equal(answer.usersInfo[0]?.userID, 'a');
  assert.ok(!('notInTheContract' in answer));
});
