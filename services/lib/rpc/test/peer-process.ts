import { make, type user } from '@im/protocol';
import { loopbackConfig, portOf, startPeer } from './fixture.ts';

/**
 * A process that is the home of `user` on the port given as argument, and says `ready <port>` on stdout.
 * `getDesignateUsers` answers with this process's id after as many ms as the first asked user id says, and says
 * `slow <ms>` first when they are many;
 * `updateUserInfo` takes up to 20 ms; `userRegister` counts and does not answer before a second has passed.
 */
let registered = 0;
const peer = await startPeer(loopbackConfig({ port: Number(process.argv[2] ?? 0) }), 'user', {
  getDesignateUsers: async (_ctx, { userIDs }: user.GetDesignateUsersReq) => {
    const delayMs = Number(userIDs[0] ?? 0);
    if (delayMs >= 500) process.stdout.write(`slow ${delayMs}\n`);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    return make('user.GetDesignateUsersResp', {
      usersInfo: [make('sdkws.UserInfo', { userID: String(process.pid) })],
    });
  },
  updateUserInfo: async () => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    return make('user.UpdateUserInfoResp');
  },
  userRegister: async () => {
    registered++;
    process.stdout.write(`registered ${registered}\n`);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return make('user.UserRegisterResp');
  },
});
process.stdout.write(`ready ${portOf(peer, 'user')}\n`);
process.once('SIGTERM', () => {
  peer.rpc.stop(AbortSignal.timeout(5_000)).then(
    () => process.stdout.write('stopped\n'),
    () => process.exit(1),
  );
});
