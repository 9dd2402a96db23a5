import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { tenantId } from '@im/contract';
import { type CallContext, QueueFullError, systemContext, withCaller } from '@im/kit';
import { decode, ERR, encode, ImError, type Messages, make, type msg } from '@im/protocol';
import { loopbackConfig, portOf, startPeer } from './fixture.ts';

const ctx = (timeoutMs = 20_000) => systemContext(tenantId('acme'), 'op-1', { timeoutMs });
const ask = (...userIDs: string[]) => make('user.GetDesignateUsersReq', { userIDs });

/** An implementation that answers with one user per asked id and keeps the context it saw. */
function echo() {
  const seen: CallContext[] = [];
  return {
    seen,
    service: {
      getDesignateUsers: async (call: CallContext, { userIDs }: { userIDs: string[] }) => {
        seen.push(call);
        return make('user.GetDesignateUsersResp', {
          usersInfo: userIDs.map((userID) => make('sdkws.UserInfo', { userID })),
        });
      },
    },
  };
}

test('a call between processes carries request, answer and the whole context', async () => {
  const { seen, service } = echo();
  await using server = await startPeer(loopbackConfig({}), 'user', service);
  await using client = await startPeer(
    loopbackConfig({ addresses: [`127.0.0.1:${portOf(server, 'user')}`] }),
  );

  const caller = { opUserID: 'ü/100 %,\n', opPlatformID: 5, opAdmin: false, connID: 'c1' };
  const call = withCaller(ctx(), caller);
  const startedAt = performance.now();
  const answer = await client.rpc.client('user').getDesignateUsers(call, ask('a', 'b'));

  assert.deepEqual(
    answer.usersInfo.map((user) => user.userID),
    ['a', 'b'],
  );
  const [got] = seen;
  assert.ok(got);
  assert.deepEqual({ ...got, deadline: 0 }, { ...caller, tenant: 'acme', operationID: 'op-1', deadline: 0 });
  const late = got.deadline - call.deadline;
  // Time left travels, so that the way of the call is added to it.
  assert.ok(late >= -5 && late <= performance.now() - startedAt + 5, `${late} ms behind the caller's`);
});

test('errors keep code, name and detail on their way back', async () => {
  await using server = await startPeer(loopbackConfig({}), 'user', {
    getDesignateUsers: async () => {
      throw new ImError(ERR.BlockedByPeer, 'détail, 100 %', 'custom name');
    },
    getUserStatus: async () => {
      throw new TypeError('oops');
    },
    accountCheck: async () => {
      throw new QueueFullError('full');
    },
  });
  await using client = await startPeer(
    loopbackConfig({ addresses: [`127.0.0.1:${portOf(server, 'user')}`] }),
  );
  for (const peer of [server, client]) {
    const user = peer.rpc.client('user');
    await assert.rejects(user.getDesignateUsers(ctx(), ask('a')), {
      name: 'ImError',
      code: ERR.BlockedByPeer,
      detail: 'détail, 100 %',
      errMsg: 'custom name',
    });
    await assert.rejects(user.getUserStatus(ctx(), make('user.GetUserStatusReq')), {
      code: 500,
      detail: 'oops',
    });
    await assert.rejects(user.accountCheck(ctx(), make('user.AccountCheckReq')), { code: 429 });
    await assert.rejects(user.getPaginationUsers(ctx(), make('user.GetPaginationUsersReq')), {
      code: 500,
      errMsg: 'NotImplemented',
    });
  }
});

test('the deadline is enforced, in the process and between processes', async () => {
  await using server = await startPeer(loopbackConfig({}), 'user', {
    getDesignateUsers: () => sleep(30_000, make('user.GetDesignateUsersResp'), { ref: false }),
  });
  await using client = await startPeer(
    loopbackConfig({ addresses: [`127.0.0.1:${portOf(server, 'user')}`] }),
  );
  for (const peer of [server, client]) {
    const startedAt = performance.now();
    await assert.rejects(peer.rpc.client('user').getDesignateUsers(ctx(150), ask('a')), {
      code: ERR.NetworkError,
    });
    const took = performance.now() - startedAt;
    assert.ok(took >= 100 && took < 15_000, `${took} ms`);
    await assert.rejects(peer.rpc.client('user').getDesignateUsers(ctx(-1), ask('a')), {
      code: ERR.NetworkError,
    });
  }
});

test('a caller that went away ends its call', async () => {
  await using server = await startPeer(loopbackConfig({}), 'user', {
    getDesignateUsers: () => sleep(30_000, make('user.GetDesignateUsersResp'), { ref: false }),
  });
  await using client = await startPeer(
    loopbackConfig({ addresses: [`127.0.0.1:${portOf(server, 'user')}`] }),
  );
  const signal = AbortSignal.timeout(100);
  const startedAt = performance.now();
  await assert.rejects(client.rpc.client('user').getDesignateUsers({ ...ctx(), signal }, ask('a')), {
    code: ERR.NetworkError,
  });
  assert.ok(performance.now() - startedAt < 15_000);
});

test('calls go in turn to every process of a domain', async () => {
  const one = echo();
  const two = echo();
  await using first = await startPeer(loopbackConfig({}), 'user', one.service);
  await using second = await startPeer(loopbackConfig({}), 'user', two.service);
  const addresses = [first, second].map((peer) => `127.0.0.1:${portOf(peer, 'user')}`);
  await using client = await startPeer(loopbackConfig({ addresses }));
  const user = client.rpc.client('user');
  const counts = () => [one.seen.length, two.seen.length] as const;
  for (const end = performance.now() + 60_000; counts().includes(0) && performance.now() < end; )
    await user.getDesignateUsers(ctx(), ask('until both are connected'));
  const before = counts();
  for (let i = 0; i < 40; i++) await user.getDesignateUsers(ctx(), ask('a'));
  const turns = counts().map((count, i) => count - (before[i] ?? 0));
  assert.ok(
    turns.every((count) => count >= 15),
    turns.join(' and '),
  );
});

test('requests and answers over the limit are refused, and other calls go on', async () => {
  const { service } = echo();
  const rpc = { maxMessageBytes: 10_000 };
  await using server = await startPeer(loopbackConfig({}, rpc), 'user', service);
  const addresses = [`127.0.0.1:${portOf(server, 'user')}`];
  await using client = await startPeer(loopbackConfig({ addresses }, rpc));
  const user = client.rpc.client('user');
  const other = user.getDesignateUsers(ctx(), ask('fits'));
  await assert.rejects(user.getDesignateUsers(ctx(), ask('x'.repeat(20_000))), {
    code: ERR.ArgsError,
    detail: /getDesignateUsers: a request of 20\d+ bytes exceeds rpc.maxMessageBytes/,
  });
  // An echoed user is larger than the id that asks for it.
  await assert.rejects(user.getDesignateUsers(ctx(), ask('x'.repeat(9_995))), {
    code: ERR.ArgsError,
    detail: /getDesignateUsers: the answer exceeds rpc.maxMessageBytes \(10000 bytes\); ask for fewer/,
  });
  assert.equal((await other).usersInfo[0]?.userID, 'fits');
});

/** A process whose users are as large as requested: `<id>/<characters>`. */
const profiles = {
  getDesignateUsers: async (_call: CallContext, { userIDs }: { userIDs: string[] }) =>
    make('user.GetDesignateUsersResp', {
      usersInfo: userIDs.map((userID) =>
        make('sdkws.UserInfo', { userID, ex: '\u4e2d'.repeat(Number(userID.split('/')[1])) }),
      ),
    }),
  getUserClientConfig: async () =>
    make('user.GetUserClientConfigResp', {
      configs: Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`k${i}`, 'v'.repeat(1_000)])),
    }),
};

test('an answer above maxMessageBytes comes in pieces, and others have their turn meanwhile', async () => {
  await using server = await startPeer(loopbackConfig({}, { maxMessageBytes: 1_000_000 }), 'user', profiles);
  await using client = await startPeer(
    loopbackConfig({ addresses: [`127.0.0.1:${portOf(server, 'user')}`] }, { maxMessageBytes: 1_000_000 }),
  );
  const user = client.rpc.client('user');
  const ids = Array.from({ length: 500 }, (_, i) => `u${i}/${i % 7 === 0 ? 10 : 16_384}`);
  let largeCame = false;
  const large = user.getDesignateUsers(ctx(), ask(...ids)).finally(() => {
    largeCame = true;
  });
  let between = 0;
  for (; !largeCame; between++) await user.getDesignateUsers(ctx(), ask('small/1'));
  const { usersInfo } = await large;
  assert.deepEqual(
    usersInfo.map(({ userID, ex }) => `${userID.split('/')[0]}/${ex.length}`),
    ids,
  );
  assert.ok(between > 3, `${between} small answers came before the large one`);
  // A few large entries, and a map.
  const few = Array.from({ length: 60 }, (_, i) => `u${i}/16384`);
  assert.equal((await user.getDesignateUsers(ctx(), ask(...few))).usersInfo.length, 60);
  const { configs } = await user.getUserClientConfig(ctx(), make('user.GetUserClientConfigReq'));
  assert.equal(Object.keys(configs).length, 3_000);
  assert.equal(configs.k2999?.length, 1_000);
  for (const [peer, name] of [
    [server, 'openim_rpc_server_piece_bytes'],
    [client, 'openim_rpc_piece_bytes'],
  ] as const) {
    assert.deepEqual(
      (await peer.metrics.values(name)).map(({ value }) => value),
      [0],
      name,
    );
  }
});

test('an answer above maxAnswerBytes is refused with what to do, and what waits is bounded', async () => {
  const rpc = { maxMessageBytes: 400_000, maxAnswerBytes: 1_000_000 };
  await using server = await startPeer(loopbackConfig({}, rpc), 'user', profiles);
  const address = `127.0.0.1:${portOf(server, 'user')}`;
  await using client = await startPeer(loopbackConfig({ addresses: [address] }, rpc));
  const user = client.rpc.client('user');
  const many = (count: number) => ask(...Array.from({ length: count }, (_, i) => `u${i}/10000`));
  await assert.rejects(user.getDesignateUsers(ctx(), many(200)), {
    code: ERR.ArgsError,
    detail: /exceeds rpc.maxAnswerBytes \(1000000 bytes\); ask for fewer entries at once/,
  });
  assert.equal((await user.getDesignateUsers(ctx(), many(30))).usersInfo.length, 30);
  // One that never reads holds no more than its share, and ends with its stream.
  const rude = new Client(address, credentials.createInsecure());
  const asIs = (bytes: Buffer): Buffer => bytes;
  const stream = rude.makeBidiStreamRequest('/openim.rpc.Pipe/Exchange', asIs, asIs);
  stream.on('error', () => {});
  stream.pause();
  const call = make('rpc.Call', {
    ...{ method: 'user.getDesignateUsers', tenant: 'acme', operationID: 'op', timeoutMs: 10_000 },
    request: encode('user.GetDesignateUsersReq', many(30)),
    pieces: true,
  });
  const calls = Array.from({ length: 200 }, (_, i) => make('rpc.Call', { ...call, id: i + 1 }));
  stream.write(Buffer.from(encode('rpc.Frame', make('rpc.Frame', { calls }))));
  const waiting = async () => (await server.metrics.values('openim_rpc_server_piece_bytes'))[0]?.value ?? 0;
  let most = 0;
  for (let i = 0; i < 3_000 && most < 1_000_000; i++, await sleep(20)) most = Math.max(most, await waiting());
  assert.ok(most >= 1_000_000 && most <= 2_000_000, String(most));
  stream.cancel();
  rude.close();
  for (let i = 0; i < 3_000 && (await waiting()) > 0; i++) await sleep(20);
  assert.equal(await waiting(), 0);
  assert.equal((await user.getDesignateUsers(ctx(), many(30))).usersInfo.length, 30);
});

test('a caller of the version before gets a large answer refused, and one that fits whole', async () => {
  await using server = await startPeer(loopbackConfig({}, { maxMessageBytes: 1_000_000 }), 'user', profiles);
  const grpc = new Client(`127.0.0.1:${portOf(server, 'user')}`, credentials.createInsecure());
  const stream = grpc.makeBidiStreamRequest(
    '/openim.rpc.Pipe/Exchange',
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes,
  );
  const replies: Messages['rpc.Reply'][] = [];
  stream.on('data', (bytes: Buffer) => replies.push(...decode('rpc.Frame', bytes).replies));
  const call = (id: number, size: number) =>
    make('rpc.Call', {
      ...{ id, method: 'user.getDesignateUsers', tenant: 'acme', operationID: 'op', timeoutMs: 10_000 },
      request: encode(
        'user.GetDesignateUsersReq',
        ask(...Array.from({ length: 200 }, (_, i) => `u${i}/${size}`)),
      ),
    });
  stream.write(
    Buffer.from(encode('rpc.Frame', make('rpc.Frame', { calls: [call(1, 1_000), call(2, 5_000)] }))),
  );
  for (let i = 0; i < 3_000 && replies.length < 2; i++) await sleep(20);
  stream.on('error', () => {});
  stream.cancel();
  grpc.close();
  const [first, second] = replies.toSorted((a, b) => a.id - b.id);
  assert.deepEqual([first?.code, first?.more], [0, false]);
  const { usersInfo } = decode('user.GetDesignateUsersResp', first?.response ?? Buffer.alloc(0));
  assert.deepEqual([usersInfo.length, usersInfo[199]?.ex.length], [200, 1_000]);
  assert.deepEqual([second?.code, replies.length], [ERR.ArgsError, 2]);
});

test('large answers and many calls at once pass side by side', async () => {
  const { service } = echo();
  await using server = await startPeer(loopbackConfig({}), 'user', service);
  await using client = await startPeer(
    loopbackConfig({ addresses: [`127.0.0.1:${portOf(server, 'user')}`] }),
  );
  const user = client.rpc.client('user');
  const large = user.getDesignateUsers(ctx(), ask('x'.repeat(7_000_000)));
  const small = await Promise.all(
    Array.from({ length: 2_000 }, (_, i) => user.getDesignateUsers(ctx(), ask(String(i)))),
  );
  assert.deepEqual(
    small.map((answer) => answer.usersInfo[0]?.userID),
    Array.from({ length: 2_000 }, (_, i) => String(i)),
  );
  assert.equal((await large).usersInfo[0]?.userID.length, 7_000_000);
});

test('processes are found by name too', async () => {
  const { service } = echo();
  await using server = await startPeer(loopbackConfig({}), 'user', service);
  const addresses = [`dns:///localhost:${portOf(server, 'user')}`];
  await using client = await startPeer(loopbackConfig({ addresses }));
  await client.rpc.client('user').getDesignateUsers(ctx(), ask('a'));
});

test('an unreadable frame ends its own stream and nothing else', async () => {
  const { service } = echo();
  await using server = await startPeer(loopbackConfig({}), 'user', service);
  const port = portOf(server, 'user');
  const grpc = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const asIs = (bytes: Buffer) => bytes;
  const stream = grpc.makeBidiStreamRequest('/openim.rpc.Pipe/Exchange', asIs, asIs, new Metadata());
  stream.on('data', () => undefined);
  const failed = once(stream, 'error');
  stream.write(Buffer.from('ffffffffff', 'hex'));
  await failed;
  grpc.close();
  await using client = await startPeer(loopbackConfig({ addresses: [`127.0.0.1:${port}`] }));
  await client.rpc.client('user').getDesignateUsers(ctx(), ask('a'));
});

test('metrics count calls by method, side and code', async () => {
  const { service } = echo();
  await using server = await startPeer(loopbackConfig({}), 'user', service);
  await using client = await startPeer(
    loopbackConfig({ addresses: [`127.0.0.1:${portOf(server, 'user')}`] }),
  );
  await client.rpc.client('user').getDesignateUsers(ctx(), ask('a'));
  await server.rpc.client('user').getDesignateUsers(ctx(), ask('a'));
  const labels = (side: string) => [{ method: 'user.getDesignateUsers', side, code: '0' }];
  const counted = async (peer: typeof server) =>
    (await peer.metrics.values('openim_rpc_calls_total')).filter((v) => v.value === 1).map((v) => v.labels);
  assert.deepEqual(await counted(client), labels('client'));
  assert.deepEqual(new Set(await counted(server)), new Set([...labels('server'), ...labels('direct')]));
  const byOtherName = { name: 'user', path: 'user.getDesignateUsers', code: '0' };
  assert.deepEqual(await server.metrics.values('rpc_count'), [
    { name: 'rpc_count', labels: byOtherName, value: 2 },
  ]);
  assert.deepEqual(await client.metrics.values('rpc_count'), [], 'the caller does not count it again');
});

test('parts of an answer come before the rest, where the call takes them', async () => {
  const gate = Promise.withResolvers<void>();
  const seen: boolean[] = [];
  const result = (code: number) => make('msg.SendResult', { code });
  const service = {
    sendMsgs: async (call: CallContext, { items }: msg.SendMsgsReq) => {
      seen.push(call.onPartial !== undefined);
      call.onPartial?.(make('msg.SendMsgsResp', { results: [result(1)], indexes: [1] }));
      await gate.promise;
      const answer = make('msg.SendMsgsResp', { results: items.map((_, i) => result(i)) });
      setTimeout(() => call.onPartial?.(answer), 5);
      return answer;
    },
  };
  const request = make('msg.SendMsgsReq', { items: [make('msg.SendItem'), make('msg.SendItem')] });
  await using server = await startPeer(loopbackConfig({}), 'msg', service);
  const config = loopbackConfig({});
  config.rpc.domains.msg.addresses = [`127.0.0.1:${portOf(server, 'msg')}`];
  await using client = await startPeer(config);
  await using encoding = await startPeer(loopbackConfig({}, { encodeInProcess: true }), 'msg', service);
  for (const peer of [server, encoding, client]) {
    const parts: number[][] = [];
    const first = Promise.withResolvers<void>();
    const onPartial = (part: object) => {
      parts.push((part as msg.SendMsgsResp).indexes);
      first.resolve();
    };
    const answer = peer.rpc.client('msg').sendMsgs({ ...ctx(), onPartial }, request);
    await first.promise;
    assert.deepEqual(parts, [[1]]);
    gate.resolve();
    assert.equal((await answer).results.length, 2);
    await sleep(20);
    if (peer === client) assert.deepEqual(parts, [[1]], 'nothing behind the answer');
  }
  // A caller that takes no parts, such as one of the version before, gets one answer.
  assert.equal((await client.rpc.client('msg').sendMsgs(ctx(), request)).results.length, 2);
  assert.deepEqual(seen, [true, true, true, false]);
});

test('a caller that does not read its answers holds up none of the others', async () => {
  const large = 'x'.repeat(1_000_000);
  let running = 0;
  await using server = await startPeer(loopbackConfig({}), 'user', {
    getDesignateUsers: async (_call, { userIDs }: { userIDs: string[] }) => {
      running++;
      return make('user.GetDesignateUsersResp', {
        usersInfo: [make('sdkws.UserInfo', { userID: userIDs[0], ex: large })],
      });
    },
  });
  const address = `127.0.0.1:${portOf(server, 'user')}`;
  // A separate stream that asks and never reads.
  const rude = new Client(address, credentials.createInsecure());
  const asIs = (bytes: Buffer): Buffer => bytes;
  const stream = rude.makeBidiStreamRequest('/openim.rpc.Pipe/Exchange', asIs, asIs);
  stream.on('error', () => {});
  stream.pause();
  const asked = 3_000;
  const { request } = { request: encode('user.GetDesignateUsersReq', ask('rude')) };
  for (let i = 0; i < asked; i++) {
    const call = make('rpc.Call', {
      id: i + 1,
      method: 'user.getDesignateUsers',
      tenant: 'acme',
      operationID: 'op',
      timeoutMs: 10_000,
      request,
    });
    stream.write(Buffer.from(encode('rpc.Frame', make('rpc.Frame', { calls: [call] }))));
  }
  await using client = await startPeer(loopbackConfig({ addresses: [address] }));
  for (let i = 0; i < 20; i++) {
    const { usersInfo } = await client.rpc.client('user').getDesignateUsers(ctx(), ask('a'));
    assert.equal(usersInfo[0]?.ex.length, large.length);
  }
  assert.ok(running < 500, `${running} answers of 1 MB were made for a caller that reads none`);
  stream.cancel();
  rude.close();
});
