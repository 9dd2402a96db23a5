import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep } from '@im/kit';
import { ERR, make, type sdkws } from '@im/protocol';
import { asksBefore, codeOf, describeReceiver } from '@im/testing';
import { by, describeUsers, LIMIT_MS, register, T1, T2, type UserProcess } from './harness.ts';

const [process, second] = describeUsers();
const receiver = describeReceiver(process, T1);
const ADMIN = by('imAdmin');

const registerOne = (userID: string, info: Partial<sdkws.UserInfo> = {}, ctx = ADMIN) => {
  const user = make('sdkws.UserInfo', { userID, nickname: `${userID} N`, ...info });
  return process.user.userRegister(ctx, make('user.UserRegisterReq', { users: [user] }));
};
const find = async (userID: string) => {
  const request = make('user.GetDesignateUsersReq', { userIDs: [userID] });
  return (await process.user.getDesignateUsers(ADMIN, request)).usersInfo[0];
};
const reported = async () => (await process.takeWebhooks()).map(({ event, body }) => ({ event, body }));

/** Times of registration differ from run to run. */
function timeless(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, part) => (key === 'createTime' ? 0 : part));
}

const PLAIN = { faceURL: '', ex: '', createTime: 0, appMangerLevel: 0, globalRecvMsgOpt: 0 };

test('beforeUserRegister: registration, with the users that the answer names', async () => {
  for (const [answer, code] of [
    [{ actionCode: 0, nextCode: 1, errCode: 5_005, errMsg: 'No', errDlt: 'why' }, 5_005],
    ['die', ERR.NetworkError],
    ['garbage', ERR.DataError],
    [{ users: [{ userID: 'not legal', nickname: 'n' }] }, ERR.ArgsError],
    [{ users: [{ userID: 'r9', nickname: 'n'.repeat(3_000) }] }, ERR.ArgsError],
  ] as const) {
    receiver.answer(answer);
    assert.equal(await codeOf(registerOne('r1')), code, JSON.stringify(answer));
    assert.equal(await find('r1'), undefined);
  }
  receiver.take();
  receiver.answer({ users: [{ userID: 'r2', nickname: 'Two' }] });
  await registerOne('r1');
  assert.equal(await find('r1'), undefined);
  assert.equal((await find('r2'))?.nickname, 'Two');
  const command = 'callbackBeforeUserRegisterCommand';
  assert.deepEqual(timeless(receiver.take()), [
    {
      command,
      body: { callbackCommand: command, users: [{ userID: 'r1', nickname: 'r1 N', ...PLAIN }] },
    },
  ]);
  assert.deepEqual(timeless(await reported()), [
    {
      event: 'afterUserRegister',
      body: {
        callbackCommand: 'callbackAfterUserRegisterCommand',
        users: [{ userID: 'r2', nickname: 'Two', ...PLAIN }],
      },
    },
  ]);
});

test('nothing is asked about a user who is registered already, or of a tenant without webhooks', async () => {
  receiver.answer({});
  await registerOne('r3');
  receiver.take();
  await process.takeWebhooks();
  assert.equal(await codeOf(registerOne('r3')), ERR.RegisteredAlreadyError);
  await registerOne('r3', {}, by('boss', T2));
  assert.deepEqual(receiver.take(), []);
  assert.deepEqual(await reported(), []);
});

/** The two routes, and what they ask and report of a request with these fields. */
const PROFILE_ROUTES = [
  {
    event: 'beforeUpdateUserInfo',
    after: 'afterUpdateUserInfo',
    command: 'UpdateUserInfo',
    userID: 'p1',
    update: (userID: string, nickname: string) =>
      process.user.updateUserInfo(
        by(userID),
        make('user.UpdateUserInfoReq', { userInfo: make('sdkws.UserInfo', { userID, nickname, ex: 'e' }) }),
      ),
    asked: { faceURL: '', ex: null },
    reported: { faceURL: 'new', ex: '' },
  },
  {
    event: 'beforeUpdateUserInfoEx',
    after: 'afterUpdateUserInfoEx',
    command: 'UpdateUserInfoEx',
    userID: 'p2',
    update: (userID: string, nickname: string) =>
      process.user.updateUserInfoEx(
        by(userID),
        make('user.UpdateUserInfoExReq', {
          userInfo: make('sdkws.UserInfoWithEx', { userID, nickname }),
        }),
      ),
    asked: { faceURL: null, ex: null },
    reported: { faceURL: 'new', ex: null },
  },
] as const;

for (const { event, after, command, userID, update, asked, reported: changes } of PROFILE_ROUTES) {
  test(`profiles, with what the answer replaces: ${event}`, async () => {
    await register(process, { userID });
    await process.takeWebhooks();
    await asksBefore(receiver, {
      event,
      command: `callbackBefore${command}Command`,
      body: { userID, nickName: 'Name', ...asked },
      call: () => update(userID, 'Name'),
      made: async () => (await find(userID))?.nickname === 'Name',
    });
    await process.takeWebhooks();
    receiver.answer({ nickName: 'Other', faceURL: 'new' });
    await update(userID, 'Again');
    const { nickname, faceURL } = (await find(userID)) ?? {};
    assert.deepEqual({ nickname, faceURL }, { nickname: 'Other', faceURL: 'new' });
    const body = { callbackCommand: `callbackAfter${command}Command`, userID, nickName: 'Other', ...changes };
    assert.deepEqual(await reported(), [{ event: after, body }]);
    receiver.answer({ nickName: 'n'.repeat(3_000) });
    assert.equal(await codeOf(update(userID, 'Again')), ERR.ArgsError);
  });
}

/** Time after which no further event of presence is due. */
const EVENTS_SETTLED_MS = 2 * LIMIT_MS + 1_500;
/** Ends a test that hangs. */
const LONG_MS = 60_000;
/** Runs on a machine that stands still for too long, before the test fails. */
const RUNS = 5;

type TakenWebhook = Awaited<ReturnType<UserProcess['takeWebhooks']>>[number];

/**
 * Lets users come and go, and takes what is reported of them. Undefined when the machine stood still for so long that
 * gateways or users count as gone.
 */
async function takePresenceEvents(run: number): Promise<TakenWebhook[] | undefined> {
  let last = Date.now();
  let stoodStill = false;
  const inTime = () => {
    stoodStill ||= Date.now() - last > LIMIT_MS / 2;
    last = Date.now();
  };
  const gateway = (name: string) => `${name}-${run}`;
  const report = (at: UserProcess, name: string, userID: string, platformIDs: number[], tenant = T1) =>
    at.user.reportPresence(
      ADMIN,
      make('user.ReportPresenceReq', {
        gatewayID: gateway(name),
        items: [
          make('user.PresenceItem', {
            tenant,
            userID: `${userID}-${run}`,
            connections: platformIDs.map((platformID) =>
              make('user.PlatformOnlineDetail', { platformID, connID: `${name}-${userID}` }),
            ),
          }),
        ],
      }),
    );
  const beat = (name: string) =>
    process.user.gatewayHeartbeat(ADMIN, make('user.GatewayHeartbeatReq', { gatewayID: gateway(name) }));
  // `stays` has a phone on two gateways, `moves` leaves one gateway for the other, `leaves` goes, `dies` has a gateway that dies.
  for (const userID of ['stays', 'moves', 'leaves']) await report(process, 'hw1', userID, [2]);
  await report(second, 'hw2', 'stays', [2]);
  await report(second, 'hw3', 'dies', [1]);
  await report(process, 'hw1', 'elsewhere', [2], T2);
  await report(process, 'hw1', 'moves', []);
  await report(process, 'hw1', 'leaves', []);
  await report(second, 'hw2', 'moves', [2]);
  inTime();
  const events: TakenWebhook[] = [];
  const isLast = ({ event, body }: TakenWebhook) =>
    event === 'afterUserOffline' && body.userID === `dies-${run}`;
  const [end, longest] = [Date.now() + EVENTS_SETTLED_MS, Date.now() + LONG_MS];
  while (Date.now() < end || (!events.some(isLast) && Date.now() < longest)) {
    await sleep(200);
    await Promise.all([beat('hw1'), beat('hw2')]);
    inTime();
    events.push(...(await process.takeWebhooks()), ...(await second.takeWebhooks()));
  }
  inTime();
  return stoodStill ? undefined : events;
}

test('users who come and go: once in the cluster, and not when they are back at once', async (t) => {
  const settings = process.tenants.get(T1);
  assert.ok(settings);
  second.tenants.put(settings);
  let events: TakenWebhook[] | undefined;
  let run = 0;
  while (!events && run < RUNS) {
    if (run > 0) t.diagnostic('the machine stood still: once more');
    events = await takePresenceEvents(++run);
  }
  assert.ok(events, `the machine stood still in ${RUNS} runs`);
  const short = events.map(({ event, body: { userID, platform, connID } }) =>
    [event, String(userID).replace(`-${run}`, ''), platform, connID].join(' '),
  );
  assert.deepEqual(short.sort(), [
    'afterUserOffline dies IOS hw3-dies',
    'afterUserOffline leaves Android hw1-leaves',
    'afterUserOnline dies IOS hw3-dies',
    'afterUserOnline leaves Android hw1-leaves',
    'afterUserOnline moves Android hw1-moves',
    'afterUserOnline stays Android hw1-stays',
  ]);
  assert.equal(new Set(events.map(({ id }) => id)).size, events.length);
  const { operationID, seq, ...rest } =
    events.find(({ body }) => body.connID === 'hw3-dies' && 'isAppBackground' in body)?.body ?? {};
  assert.ok(typeof operationID === 'string' && operationID !== '' && typeof seq === 'number');
  assert.deepEqual(rest, {
    callbackCommand: 'callbackAfterUserOnlineCommand',
    platformID: 1,
    platform: 'IOS',
    userID: `dies-${run}`,
    connID: 'hw3-dies',
    isAppBackground: false,
  });
});
