import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { connectUrl, connectWire, sendMessage, type WireConnection } from '@im/client';
import { DEFAULT_ADMIN_USER } from '@im/contract';
import { encode, make, REQ, SESSION } from '@im/protocol';
import { WebSocket } from 'ws';
import { createGroup } from '../../verify/verify.ts';
import { type Attack, answerOf, loops } from './attack.ts';
import { attackers, PLATFORM } from './attackers.ts';
import { flood } from './flood.ts';
import { TENANT_ATTACKS } from './tenant-attacks.ts';

const MIB = 1024 * 1024;

const hugeIDs: Attack = {
  name: 'huge-ids',
  summary: 'nine gzipped sends at once, each with an operationID of 1 MB',
  tenant: 'default',
  async prepare(context) {
    const { user, say } = await attackers(context, 'huge', 9, { gzip: true });
    const operationID = 'o'.repeat(1_000_000);
    return (signal) =>
      loops(9, signal, context.tally, (i) => say(i, { user: user(i + 1).userID }, 'x', operationID));
  },
};

/** A body of 8 MiB without a token, a little at a time. */
async function slowBody(base: string, signal: AbortSignal): Promise<string> {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  const ended = Promise.withResolvers<string>();
  socket.on('data', (data) => ended.resolve(`HTTP ${data.toString('latin1', 9, 12)}`));
  socket.on('error', (error) => ended.resolve(answerOf(error)));
  socket.on('close', () => ended.resolve('closed'));
  signal.addEventListener('abort', () => ended.resolve('still reading'), { once: true });
  socket.write(
    `POST /user/get_users_info HTTP/1.1\r\nHost: im\r\noperationID: slow\r\nContent-Type: application/json\r\nContent-Length: ${8 * MIB}\r\n\r\n`,
  );
  const timer = setInterval(() => socket.write(Buffer.alloc(16 * 1024, 0x20)), 100);
  try {
    return await ended.promise;
  } finally {
    clearInterval(timer);
    socket.destroy();
  }
}

const HASHED_ROUTES = [
  '/friend/get_full_friend_user_ids',
  '/group/get_full_join_group_ids',
  '/group/get_full_group_member_user_ids',
  '/conversation/get_full_conversation_ids',
];

const largeBodies: Attack = {
  name: 'large-bodies',
  summary: '100 slow bodies without a token; long and deep arrays, and the largest profile, with one',
  tenant: 'default',
  async prepare(context) {
    const { user, api } = await attackers(context, 'body', 1, { sockets: 16 });
    const { userID, token } = user(0);
    const headers = { 'content-type': 'application/json', operationID: 'large', token };
    const long = gzipSync(`{"userID":"${userID}","idHash":1,"list":[${'1,'.repeat(4_000_000)}1]}`);
    const deep = `{"userID":"${userID}","x":${'['.repeat(500_000)}${']'.repeat(500_000)}}`;
    const profile = JSON.stringify({ userInfo: { userID, nickname: 'n'.repeat(4 * MIB) } });
    const post = async (route: string, body: string | Uint8Array, more = {}): Promise<string> => {
      const answer = await api.raw(route, body, { ...headers, ...more });
      const errCode = /"errCode":(\d+)/.exec(answer.body.slice(0, 200))?.[1] ?? '';
      return answer.status === 200 ? errCode : `HTTP ${answer.status} ${errCode}`.trim();
    };
    return async (signal) => {
      const slow = loops(100, signal, context.tally, () => slowBody(api.base, signal));
      const fast = loops(4, signal, context.tally, async (i, turn) => {
        const route = HASHED_ROUTES[(i + turn) % HASHED_ROUTES.length] ?? '';
        if (i < 2) return await post(route, long, { 'content-encoding': 'gzip' });
        if (i === 2) return await post(route, deep);
        return await post('/user/update_user_info_ex', profile);
      });
      await Promise.all([slow, fast]);
      api.close();
    };
  },
};

const searches: Attack = {
  name: 'searches',
  summary: '50 searches for users and groups at once',
  tenant: 'default',
  async prepare(context) {
    const { user, api } = await attackers(context, 'search', 1);
    await context.admin.ensureUsers(Array.from({ length: 5_000 }, (_, i) => `searched${i}`));
    const as = { token: user(0).token };
    const pagination = { pageNumber: 1, showNumber: 100 };
    return (signal) =>
      loops(50, signal, context.tally, async (i) => {
        if (i % 2) await api.call('/user/get_users', { pagination, userID: 'zz', nickName: 'q.q' }, as);
        else await api.call('/group/get_groups', { pagination, groupName: 'q.q' }, as);
        return '0';
      });
  },
};

const signRequests: Attack = {
  name: 'sign-requests',
  summary: 'signatures for 1,000 and for 10,000 parts a request, and uploads that ask for all signatures',
  tenant: 'default',
  async prepare(context) {
    const { user, api } = await attackers(context, 'sign', 1, { sockets: 16 });
    const { userID, token } = user(0);
    const begin = (maxParts: number, size: number) =>
      api.call<{ upload: { uploadID: string } }>(
        '/object/initiate_multipart_upload',
        {
          hash: randomBytes(16).toString('hex'),
          size,
          partSize: 0,
          maxParts,
          cause: '',
          name: `${userID}/${randomBytes(8).toString('hex')}`,
          contentType: 'application/octet-stream',
        },
        { token },
      );
    const { upload } = await begin(1, 1024 * MIB);
    // 1 GiB has 205 parts; each may be asked for again.
    const numbers = (count: number) => Array.from({ length: count }, (_, i) => 1 + (i % 200));
    const [most, tooMany] = [numbers(1_000), numbers(10_000)];
    return (signal) =>
      loops(4, signal, context.tally, async (i) => {
        // Nearly as large as an object may be.
        if (i === 0) await begin(-1, 48 * 1024 * 1024 * MIB);
        else {
          const partNumbers = i === 1 ? tooMany : most;
          await api.call('/object/auth_sign', { uploadID: upload.uploadID, partNumbers }, { token });
        }
        return '0';
      });
  },
};

const watchFlapping: Attack = {
  name: 'watch-flapping',
  summary: 'connections that watch 5,000 users and close before the answer',
  tenant: 'default',
  async prepare(context) {
    const { options } = await attackers(context, 'watch', 10, { gzip: true });
    const subscribeUserID = Array.from({ length: 5_000 }, (_, i) => `watched${i}`);
    const request = encode(
      'sdkws.SubUserOnlineStatus',
      make('sdkws.SubUserOnlineStatus', { subscribeUserID }),
    );
    return (signal) =>
      loops(10, signal, context.tally, async (i) => {
        const connection = await connectWire(options(i));
        const answer = connection.request(REQ.SubUserOnlineStatus, request);
        answer.catch(() => {});
        await sleep(2);
        connection.terminate();
        return 'connected';
      });
  },
};

const reconnects: Attack = {
  name: 'reconnects',
  summary: '5,000 connections (--connections) that are cut and come back at once, again and again',
  tenant: 'default',
  async prepare(context) {
    const { users, dial } = await attackers(context, 'back', context.connections);
    const open: (WireConnection | undefined)[] = users.map(() => undefined);
    let next = 0;
    return async (signal) => {
      await loops(64, signal, context.tally, async () => {
        const i = next++ % users.length;
        open[i]?.terminate();
        open[i] = await dial(i);
        return 'connected';
      });
      for (const connection of open) connection?.terminate();
    };
  },
};

const slowReaders: Attack = {
  name: 'slow-readers',
  summary: '30 members of a group stop reading while texts of 64 KiB are pushed to them',
  tenant: 'default',
  async prepare(context) {
    const { users, options, say } = await attackers(context, 'deaf', 31, { gzip: true });
    const group = await createGroup(
      context.admin,
      'attack',
      users.map(({ userID }) => userID),
    );
    const text = 'b'.repeat(64 * 1024);
    return async (signal) => {
      const readers = loops(30, signal, context.tally, async (i) => {
        const url = connectUrl({ ...options(i + 1), gzip: false });
        const socket = new WebSocket(url, { perMessageDeflate: false });
        const closed = Promise.withResolvers<string>();
        socket.on('error', (error) => closed.resolve(answerOf(error)));
        socket.on('close', (code) => closed.resolve(`closed with ${code}`));
        socket.on('open', () => socket.pause());
        signal.addEventListener('abort', () => closed.resolve('still open'), { once: true });
        // A paused socket learns of its end only when it reads.
        const look = setTimeout(() => socket.resume(), 4_000);
        try {
          return await closed.promise;
        } finally {
          clearTimeout(look);
          socket.terminate();
        }
      });
      const writer = loops(2, signal, context.tally, () => say(0, { group }, text));
      await Promise.all([readers, writer]);
    };
  },
};

const atAll: Attack = {
  name: 'at-all',
  summary: 'messages that name all 300 members of a group, from five of them at once',
  tenant: 'default',
  async prepare(context) {
    const { users, user, connection } = await attackers(context, 'all', 300);
    const group = await createGroup(
      context.admin,
      'attack',
      users.map(({ userID }) => userID),
    );
    let n = 0;
    return (signal) =>
      loops(5, signal, context.tally, async (i) => {
        const message = make('sdkws.MsgData', {
          sendID: user(i).userID,
          groupID: group,
          clientMsgID: `${process.pid}-all-${n++}`,
          senderPlatformID: PLATFORM,
          sessionType: SESSION.Group,
          msgFrom: 100,
          contentType: 106,
          content: Buffer.from('{"text":"x","atUserList":["AtAllTag"],"isAtSelf":false}'),
          atUserIDList: ['AtAllTag'],
          createTime: Date.now(),
          status: 1,
        });
        await sendMessage(await connection(i), encode('sdkws.MsgData', message));
        return 'accepted';
      });
  },
};

const presenceChurn: Attack = {
  name: 'presence-churn',
  summary: '500 users come and go while 50 connections watch all of them',
  tenant: 'default',
  async prepare(context) {
    const { users, dial } = await attackers(context, 'churn', 50 + 500);
    const subscribeUserID = users.slice(50).map(({ userID }) => userID);
    const request = encode(
      'sdkws.SubUserOnlineStatus',
      make('sdkws.SubUserOnlineStatus', { subscribeUserID }),
    );
    const watchers: WireConnection[] = [];
    for (let i = 0; i < 50; i++) {
      const watcher = await dial(i);
      await watcher.request(REQ.SubUserOnlineStatus, request);
      watchers.push(watcher);
    }
    let next = 0;
    return async (signal) => {
      await loops(20, signal, context.tally, async () => {
        (await dial(50 + (next++ % 500))).terminate();
        return 'connected';
      });
      for (const watcher of watchers) watcher.terminate();
    };
  },
};

const tokenGuessing: Attack = {
  name: 'token-guessing',
  summary: 'wrong secrets at the admin login, made-up tokens at parse_token and at the handshake',
  tenant: 'default',
  async prepare(context) {
    const { api, options } = await attackers(context, 'guess', 1, { sockets: 32 });
    const made = () =>
      `${Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')}.e30.${randomBytes(32).toString('base64url')}`;
    return (signal) =>
      loops(24, signal, context.tally, async (i) => {
        if (i < 8) {
          await api.call('/auth/get_admin_token', {
            secret: randomBytes(9).toString('hex'),
            userID: DEFAULT_ADMIN_USER,
          });
        } else if (i < 16) {
          await api.call('/auth/parse_token', { token: made() });
        } else {
          (await connectWire({ ...options(i), userID: DEFAULT_ADMIN_USER, token: made() })).terminate();
        }
        return 'let in';
      });
  },
};

/** Every attack, in the order in which they run. */
export const ATTACKS: readonly Attack[] = [
  flood('log-flood', 'twenty users send 256 KiB texts, gzipped, as fast as they are answered', 'default'),
  hugeIDs,
  largeBodies,
  searches,
  signRequests,
  watchFlapping,
  reconnects,
  slowReaders,
  atAll,
  presenceChurn,
  tokenGuessing,
  ...TENANT_ATTACKS,
];
