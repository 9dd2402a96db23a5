import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep } from '@im/kit';
import { type event, make } from '@im/protocol';
import { eventually, newCluster, startStores } from '@im/testing';
import { by, startUser, T1 } from './harness.ts';

test('processes that share only NATS and the stores agree on profiles and on who is online', async () => {
  await using stores = await startStores('mongo', 'redis', 'nats');
  const { database } = newCluster();
  await using a = await startUser(stores, { ...newCluster(), database });
  await using b = await startUser(stores, { ...newCluster(), database });
  const ctx = by('imAdmin');
  const users = [make('sdkws.UserInfo', { userID: 'u1', nickname: 'One' })];
  await a.user.userRegister(ctx, make('user.UserRegisterReq', { users }));
  const nickname = async (process: typeof a) => {
    const request = make('user.GetDesignateUsersReq', { userIDs: ['u1'] });
    return (await process.user.getDesignateUsers(ctx, request)).usersInfo[0]?.nickname;
  };
  assert.equal(await nickname(b), 'One');
  const userInfo = make('sdkws.UserInfoWithEx', { userID: 'u1', nickname: 'Uno' });
  await a.user.updateUserInfoEx(ctx, make('user.UpdateUserInfoExReq', { userInfo }));
  await eventually(async () => assert.equal(await nickname(b), 'Uno'));

  const received: event.Presence[] = [];
  b.bus.events.subscribePresence(T1, 'u1', (presence) => received.push(presence));
  await sleep(200);
  await a.user.gatewayHeartbeat(ctx, make('user.GatewayHeartbeatReq', { gatewayID: 'g1' }));
  const items = [make('user.PresenceItem', { tenant: T1, userID: 'u1', platformIDs: [5] })];
  await a.user.reportPresence(ctx, make('user.ReportPresenceReq', { gatewayID: 'g1', items }));
  await eventually(() => assert.equal(received.length, 1, 'u1 is online'));
  // The gateway sends no further heartbeat.
  await eventually(() => assert.equal(received.length, 2, 'u1 is offline'));
  assert.deepEqual(
    received.map(({ platformIDs }) => platformIDs),
    [[5], []],
  );
  assert.ok((received[1]?.version ?? 0) > (received[0]?.version ?? 0));
});
