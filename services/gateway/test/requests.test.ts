import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  answerBytes,
  decode,
  encode,
  encodeRequest,
  ImError,
  make,
  type msg,
  REQ,
  type sdkws,
} from '@im/protocol';
import { Client, GOB, JSON_GZIP, until } from './client.ts';
import { startGateway } from './start-gateway.ts';

const maxSeqReq = (userID: string) => make('sdkws.GetMaxSeqReq', { userID });
const message = (fields: Partial<sdkws.MsgData> = {}) =>
  make('sdkws.MsgData', {
    sendID: 'u1',
    recvID: 'u2',
    sessionType: 1,
    contentType: 101,
    clientMsgID: 'c1',
    content: Buffer.from('{"content":"hi"}'),
    ...fields,
  });

test('every request reaches its service, in every framing, and its ids are echoed', async () => {
  await using gateway = await startGateway();
  const cases = [
    [REQ.GetNewestSeq, 'sdkws.GetMaxSeqReq', 'msg.getMaxSeq'],
    [REQ.PullMsgByRange, 'sdkws.PullMessageBySeqsReq', 'msg.pullMessageBySeqs'],
    [REQ.PullMsgBySeqList, 'msg.GetSeqMessageReq', 'msg.getSeqMessage'],
    [
      REQ.GetConvMaxReadSeq,
      'msg.GetConversationsHasReadAndMaxSeqReq',
      'msg.getConversationsHasReadAndMaxSeq',
    ],
    [REQ.PullConvLastMessage, 'msg.GetLastMessageReq', 'msg.getLastMessage'],
  ] as const;
  for (const encoding of ['gob', 'json'] as const) {
    for (const gzip of [false, true]) {
      using client = await Client.connect(gateway.port, { framing: { encoding, gzip } });
      for (const [id, name, method] of cases) {
        const msgIncr = client.send(id, encode(name, make(name, { userID: 'u1' })), {
          operationID: `op ${id} <&>"`,
        });
        const answer = await client.next((frame) => frame.msgIncr === msgIncr);
        assert.equal(answer.reqIdentifier, id);
        assert.equal(answer.operationID, `op ${id} <&>"`);
        assert.equal(answer.errCode, 0);
        const { ctx, request } = gateway.rpc.of(method).at(-1) ?? {};
        const { maxAnswerBytes } = (request ?? {}) as { maxAnswerBytes?: number };
        assert.equal(maxAnswerBytes, answerBytes({ encoding }), 'what fits into a frame of this connection');
        assert.equal(ctx?.opUserID, 'u1');
        assert.equal(ctx?.opPlatformID, 2);
        assert.equal(ctx?.operationID, `op ${id} <&>"`);
        assert.ok((ctx?.deadline ?? 0) <= Date.now() + 9_500);
      }
      const answer = await client.request(REQ.GetNewestSeq, 'sdkws.GetMaxSeqReq', maxSeqReq('u1'));
      assert.deepEqual(
        { ...decode('sdkws.GetMaxSeqResp', answer.data ?? Buffer.alloc(0)).maxSeqs },
        { si_a_b: 7 },
      );
    }
  }
});

test('a send passes msgData through, fills an empty clientMsgID, and batches over connections', async () => {
  await using gateway = await startGateway();
  using a = await Client.connect(gateway.port);
  using b = await Client.connect(gateway.port, { userID: 'u2', framing: JSON_GZIP, path: '/t/t2' });
  const raw = encode('sdkws.MsgData', message());
  const answers = await Promise.all([
    a.request(REQ.SendMsg, 'sdkws.MsgData', message()),
    b.request(REQ.SendMsg, 'sdkws.MsgData', message({ clientMsgID: '' })),
  ]);
  for (const answer of answers) assert.equal(answer.errCode, 0);
  const items = gateway.rpc.of('msg.sendMsgs').flatMap(({ request }) => (request as msg.SendMsgsReq).items);
  const first = items.find((item) => item.tenant === 'default');
  assert.deepEqual(Buffer.from(first?.msgData ?? []), Buffer.from(raw));
  assert.equal(first?.opUserID, 'u1');
  assert.equal(first?.operationID, 'op-1');
  assert.match(first?.connID ?? '', /^[0-9a-f]{32}$/);
  const second = items.find((item) => item.tenant === 't2');
  assert.match(decode('sdkws.MsgData', second?.msgData ?? Buffer.alloc(0)).clientMsgID, /^[0-9a-f]{32}$/);
  assert.equal(await gateway.metric('openim_gateway_sends_accepted_total'), 2);
});

test('what many connections send in one tick is one call', async () => {
  await using gateway = await startGateway();
  const clients = await Promise.all(
    Array.from({ length: 20 }, (_, i) => Client.connect(gateway.port, { userID: `u${i}` })),
  );
  const answers = await Promise.all(clients.map((c) => c.request(REQ.SendMsg, 'sdkws.MsgData', message())));
  assert.ok(answers.every((answer) => answer.errCode === 0));
  assert.ok(gateway.rpc.of('msg.sendMsgs').length < 20);
  for (const client of clients) client[Symbol.dispose]();
});

test('an operationID that is too long is refused by an error, and harms no batch', async () => {
  await using gateway = await startGateway({ readLimitBytes: 2_000_000 });
  using rude = await Client.connect(gateway.port, { userID: 'rude', framing: GOB });
  using innocent = await Client.connect(gateway.port, { userID: 'u1', path: '/t/t2' });
  const raw = encode('sdkws.MsgData', message());
  const incrs = Array.from({ length: 9 }, () =>
    rude.send(REQ.SendMsg, raw, { operationID: 'x'.repeat(1_000_000) }),
  );
  assert.equal((await innocent.request(REQ.SendMsg, 'sdkws.MsgData', message())).errCode, 0);
  for (const msgIncr of incrs) {
    const answer = await rude.next((frame) => frame.msgIncr === msgIncr);
    assert.equal(answer.errCode, 1001);
    assert.ok(answer.operationID.length <= 512);
  }
  assert.ok(
    gateway.rpc
      .of('msg.sendMsgs')
      .flatMap(({ request }) => (request as msg.SendMsgsReq).items)
      .every(({ tenant }) => tenant === 't2'),
  );
  // 512 bytes are fine, counted as bytes.
  const fits = rude.send(REQ.SendMsg, raw, { operationID: 'é'.repeat(256) });
  assert.equal((await rude.next((frame) => frame.msgIncr === fits)).errCode, 0);
  const exceeds = rude.send(REQ.SendMsg, raw, { operationID: 'é'.repeat(257) });
  assert.equal((await rude.next((frame) => frame.msgIncr === exceeds)).errCode, 1001);
  rude.send(REQ.SendMsg, raw, { msgIncr: 'x'.repeat(513) });
  await rude.closed;
});

test('a slow send delays no other, neither in its batch nor behind it', async () => {
  await using gateway = await startGateway();
  const gate = Promise.withResolvers<void>();
  const result = () => make('msg.SendResult', { resp: make('msg.SendMsgResp', { serverMsgID: 's' }) });
  gateway.rpc.answers.set('msg.sendMsgs', async (ctx, { items }: msg.SendMsgsReq) => {
    const indexes = [...items.keys()];
    const slow = indexes.filter((i) => items[i]?.opUserID.startsWith('slow'));
    const quick = indexes.filter((i) => !slow.includes(i));
    const part = (which: number[]) =>
      make('msg.SendMsgsResp', { results: which.map(result), indexes: which });
    if (slow.length === 0) return make('msg.SendMsgsResp', { results: quick.map(result) });
    if (quick.length > 0) ctx.onPartial?.(part(quick));
    await gate.promise;
    return part(slow);
  });
  // Far more than there are batches in flight, each a separate batch.
  const slow = await Promise.all(
    Array.from({ length: 30 }, (_, i) => Client.connect(gateway.port, { userID: `slow${i}` })),
  );
  const waiting: Promise<unknown>[] = [];
  for (const client of slow) {
    waiting.push(client.request(REQ.SendMsg, 'sdkws.MsgData', message()));
    await sleep(2);
  }
  using quick = await Client.connect(gateway.port, { userID: 'quick', path: '/t/t2' });
  for (let i = 0; i < 20; i++) {
    const both = slow[0]?.send(REQ.SendMsg, encode('sdkws.MsgData', message()));
    assert.ok(both);
    assert.equal((await quick.request(REQ.SendMsg, 'sdkws.MsgData', message())).errCode, 0);
  }
  gate.resolve();
  await Promise.all(waiting);
  for (const client of slow) client[Symbol.dispose]();
});

test('a send carries how long its client still waits', async () => {
  await using gateway = await startGateway({ requestTimeoutMs: 60_000 });
  using client = await Client.connect(gateway.port);
  await client.request(REQ.SendMsg, 'sdkws.MsgData', message());
  const request = gateway.rpc.of('msg.sendMsgs').at(-1)?.request as msg.SendMsgsReq | undefined;
  const left = request?.items[0]?.timeoutMs ?? 0;
  assert.ok(left > 10_000 && left <= 60_000, `${left} ms left`);
});

test('a connection that asks too much is read more slowly, and not closed', async () => {
  await using gateway = await startGateway({ requests: { ratePerSecond: 20, burst: 50 } });
  using busy = await Client.connect(gateway.port, { userID: 'busy' });
  using other = await Client.connect(gateway.port, { userID: 'other' });
  const startedAt = performance.now();
  const own = encode('sdkws.GetMaxSeqReq', maxSeqReq('busy'));
  const sent = Array.from({ length: 60 }, () => busy.send(REQ.GetNewestSeq, own));
  assert.equal((await other.request(REQ.GetNewestSeq, 'sdkws.GetMaxSeqReq', maxSeqReq('other'))).errCode, 0);
  for (const msgIncr of sent)
    assert.equal((await busy.next((frame) => frame.msgIncr === msgIncr)).errCode, 0);
  // What was read at once is answered at once; the next one waits until it is paid for.
  assert.equal((await busy.request(REQ.GetNewestSeq, 'sdkws.GetMaxSeqReq', maxSeqReq('busy'))).errCode, 0);
  assert.ok(performance.now() - startedAt >= 400, '50 at once, the others at 20 a second');
  assert.ok((await gateway.metric('openim_gateway_bounds_total', { bound: 'input-rate' })) > 0);
  // Pings and texts count as well.
  for (let i = 0; i < 60; i++) busy.socket.ping();
  await until(async () => (await gateway.metric('openim_gateway_throttled')) === 1);
  assert.equal((await busy.request(REQ.GetNewestSeq, 'sdkws.GetMaxSeqReq', maxSeqReq('busy'))).errCode, 0);
  await until(async () => (await gateway.metric('openim_gateway_throttled')) === 0);
  // The limit may be lifted while it runs.
  gateway.live.apply({
    ...gateway.live.current,
    gateway: {
      ...gateway.live.current.gateway,
      requests: { ...gateway.live.current.gateway.requests, ratePerSecond: 0, burst: 1 },
    },
  });
  for (let i = 0; i < 500; i++) busy.socket.ping();
  assert.equal((await busy.request(REQ.GetNewestSeq, 'sdkws.GetMaxSeqReq', maxSeqReq('busy'))).errCode, 0);
  assert.equal(await gateway.metric('openim_gateway_throttled'), 0);
});

test('frames that inflate to more wait for bytes of their user before they are inflated', async () => {
  const MIB = 1_048_576;
  await using gateway = await startGateway({ requests: { bytesPerSecond: MIB / 2, byteBurst: 2 * MIB } });
  using bomb = await Client.connect(gateway.port, { userID: 'bomb', framing: JSON_GZIP });
  using again = await Client.connect(gateway.port, { userID: 'bomb', framing: JSON_GZIP });
  using other = await Client.connect(gateway.port, { userID: 'other', framing: JSON_GZIP });
  const envelope = { reqIdentifier: REQ.GetNewestSeq, token: '', sendID: 'bomb', data: Buffer.alloc(0) };
  const large = (msgIncr: string) =>
    encodeRequest(JSON_GZIP, { ...envelope, msgIncr, operationID: 'o'.repeat(1_000_000) });
  const startedAt = performance.now();
  // Over two connections of one user, 4 MB: two at once, the others at one in two seconds.
  for (const n of [1, 2]) for (const client of [bomb, again]) client.socket.send(large(`i${n}`));
  const answers = [bomb, again].map((client) => client.next((frame) => frame.msgIncr === 'i2'));
  assert.equal(
    (await other.request(REQ.GetNewestSeq, 'sdkws.GetMaxSeqReq', maxSeqReq('other'))).errCode,
    0,
    'another user is answered meanwhile',
  );
  for (const answer of await Promise.all(answers)) assert.equal(answer.errCode, 1001);
  assert.ok(performance.now() - startedAt >= 3_200, 'the last two waited for their bytes');
  assert.ok((await gateway.metric('openim_gateway_bounds_total', { bound: 'request-bytes' })) >= 2);
});

test('an error of a send is its code and name; one item does not fail the others', async () => {
  await using gateway = await startGateway();
  using client = await Client.connect(gateway.port);
  gateway.rpc.answers.set('msg.sendMsgs', (_ctx, { items }: msg.SendMsgsReq) =>
    make('msg.SendMsgsResp', {
      results: items.map(() => make('msg.SendResult', { code: 1302, message: 'BlockedByPeer', detail: 'd' })),
    }),
  );
  const answer = await client.request(REQ.SendMsg, 'sdkws.MsgData', message());
  assert.deepEqual([answer.errCode, answer.errMsg, answer.data], [1302, 'BlockedByPeer', null]);
  gateway.rpc.answers.set('msg.sendMsgs', () => {
    throw new ImError(90004, 'no answer');
  });
  assert.equal((await client.request(REQ.SendMsg, 'sdkws.MsgData', message())).errCode, 90004);
  const msgIncr = client.send(REQ.SendMsg, Buffer.from([0xff, 0xff]));
  const broken = await client.next((frame) => frame.msgIncr === msgIncr);
  assert.deepEqual([broken.errCode, broken.errMsg], [500, 'ServerInternalError']);
});

test("a tenant's message quota answers with a retryable code", async () => {
  await using gateway = await startGateway();
  const settings = gateway.tenants.list().find(({ id }) => id === 't2');
  assert.ok(settings);
  gateway.tenants.put({ ...settings, quotas: { ...settings.quotas, messagesPerSecond: 1 } });
  using client = await Client.connect(gateway.port, { path: '/t/t2' });
  const startedAt = performance.now();
  const sent = Array.from({ length: 20 }, () => client.send(REQ.SendMsg, encode('sdkws.MsgData', message())));
  const codes: number[] = [];
  for (const msgIncr of sent) codes.push((await client.next((frame) => frame.msgIncr === msgIncr)).errCode);
  assert.deepEqual([...new Set(codes)], [0, 429], 'the first is taken, and some are not');
  const taken = codes.filter((code) => code === 0).length;
  const due = 1 + (performance.now() - startedAt) / 1_000;
  assert.ok(taken <= due, `${taken} were taken where ${due} are due`);
});

test('errors of services keep their code; foreign ones become 500; protobuf that is none is 500', async () => {
  await using gateway = await startGateway();
  using client = await Client.connect(gateway.port);
  gateway.rpc.answers.set('msg.getMaxSeq', () => {
    throw new ImError(90002, 'secret detail');
  });
  const database = await client.request(REQ.GetNewestSeq, 'sdkws.GetMaxSeqReq', maxSeqReq('u1'));
  assert.deepEqual([database.errCode, database.errMsg, database.data], [90002, 'DatabaseError', null]);
  gateway.rpc.answers.set('msg.getMaxSeq', () => {
    throw new Error('boom');
  });
  const foreign = await client.request(REQ.GetNewestSeq, 'sdkws.GetMaxSeqReq', maxSeqReq('u1'));
  assert.deepEqual([foreign.errCode, foreign.errMsg], [500, 'ServerInternalError']);
  const msgIncr = client.send(REQ.GetNewestSeq, Buffer.from('0a05', 'hex'));
  assert.equal((await client.next((frame) => frame.msgIncr === msgIncr)).errCode, 500);
});

test('requests on behalf of another user are refused, but not for an administrator', async () => {
  await using gateway = await startGateway();
  using client = await Client.connect(gateway.port);
  const names = [
    [REQ.GetNewestSeq, 'sdkws.GetMaxSeqReq'],
    [REQ.PullMsgByRange, 'sdkws.PullMessageBySeqsReq'],
    [REQ.PullMsgBySeqList, 'msg.GetSeqMessageReq'],
    [REQ.GetConvMaxReadSeq, 'msg.GetConversationsHasReadAndMaxSeqReq'],
    [REQ.PullConvLastMessage, 'msg.GetLastMessageReq'],
  ] as const;
  for (const [id, name] of names) {
    const answer = await client.request(id, name, make(name, { userID: 'u2' }));
    assert.deepEqual([answer.errCode, answer.errMsg], [1002, 'NoPermissionError']);
  }
  using admin = await Client.connect(gateway.port, { userID: 'imAdmin', platformID: 10 });
  for (const [id, name] of names) {
    assert.equal((await admin.request(id, name, make(name, { userID: 'u2' }))).errCode, 0);
  }
});

test('1002, 1005, 1006 and 2004 want their ids, the others do not; 1004 is always an error', async () => {
  await using gateway = await startGateway();
  using client = await Client.connect(gateway.port);
  const ask = async (id: number, fields: { operationID?: string; msgIncr?: string }, data: Uint8Array) => {
    client.send(id, data, fields);
    return (await client.next((frame) => frame.reqIdentifier === id)).errCode;
  };
  const own = encode('sdkws.GetMaxSeqReq', maxSeqReq('u1'));
  for (const id of [1002, 1005, 1006, 2004]) {
    assert.equal(await ask(id, { operationID: '' }, own), 500, String(id));
    assert.equal(await ask(id, { msgIncr: '' }, own), 500, String(id));
  }
  for (const id of [1001, 1007]) {
    assert.equal(await ask(id, { operationID: '', msgIncr: '' }, own), 0, String(id));
  }
  assert.notEqual(gateway.rpc.of('msg.getMaxSeq').at(-1)?.ctx.operationID, '');
  assert.equal(await ask(1003, { operationID: '', msgIncr: '' }, encode('sdkws.MsgData', message())), 0);
  assert.equal(await ask(2005, { operationID: '', msgIncr: '' }, Buffer.alloc(0)), 0);
  assert.equal(await ask(1004, {}, Buffer.from('whatever')), 1001);
});

test('background and logout: one is answered without data, the other ends the connection', async () => {
  await using gateway = await startGateway();
  using client = await Client.connect(gateway.port, { framing: JSON_GZIP });
  const background = await client.request(
    REQ.SetBackground,
    'sdkws.SetAppBackgroundStatusReq',
    make('sdkws.SetAppBackgroundStatusReq', { userID: 'u1', isBackground: true }),
  );
  assert.deepEqual([background.errCode, background.data], [0, null]);
  const logout = await client.request(
    REQ.Logout,
    'third.DelUserPushTokenReq',
    make('third.DelUserPushTokenReq', { userID: 'someone else', platformID: 1 }),
  );
  assert.equal(logout.errCode, 0);
  assert.equal(await client.closed, 1006);
  const [call] = gateway.rpc.of('third.delUserPushToken');
  assert.deepEqual({ ...(call?.request as object | undefined) }, { userID: 'u1', platformID: 2 });
  await until(async () => (await gateway.metric('openim_gateway_closed_total', { reason: 'logout' })) === 1);
});

test('requests of one connection are worked on one after the other; others do not wait', async () => {
  await using gateway = await startGateway();
  let running = 0;
  let most = 0;
  gateway.rpc.answers.set('msg.getMaxSeq', async () => {
    most = Math.max(most, ++running);
    await sleep(10);
    running--;
    return make('sdkws.GetMaxSeqResp');
  });
  using client = await Client.connect(gateway.port);
  const own = encode('sdkws.GetMaxSeqReq', maxSeqReq('u1'));
  const sent = Array.from({ length: 12 }, () => client.send(REQ.GetNewestSeq, own));
  for (const msgIncr of sent) assert.equal((await client.next(() => true)).msgIncr, msgIncr);
  assert.equal(most, 1);
  // Those of two are, since each is only answered once both are there.
  const both = Promise.withResolvers<void>();
  gateway.rpc.answers.set('msg.getMaxSeq', async () => {
    if (++running === 2) both.resolve();
    await both.promise;
    return make('sdkws.GetMaxSeqResp');
  });
  using other = await Client.connect(gateway.port, { userID: 'u2' });
  const answers = await Promise.all([
    client.request(REQ.GetNewestSeq, 'sdkws.GetMaxSeqReq', maxSeqReq('u1')),
    other.request(REQ.GetNewestSeq, 'sdkws.GetMaxSeqReq', maxSeqReq('u2')),
  ]);
  assert.deepEqual(
    answers.map(({ errCode }) => errCode),
    [0, 0],
  );
});

test('a client that asks for more and more is not read any further', async () => {
  await using gateway = await startGateway();
  const gate = Promise.withResolvers<void>();
  gateway.rpc.answers.set('msg.getMaxSeq', async () => {
    await gate.promise;
    return make('sdkws.GetMaxSeqResp');
  });
  using client = await Client.connect(gateway.port);
  const own = encode('sdkws.GetMaxSeqReq', maxSeqReq('u1'));
  const large = Buffer.concat([own, Buffer.alloc(20_000, Buffer.from([0x7a, 0x00]))]);
  for (let i = 0; i < 500; i++) client.send(REQ.GetNewestSeq, large);
  await sleep(200);
  assert.ok((await gateway.metric('openim_gateway_frames_total', { direction: 'in', kind: 'request' })) < 50);
  gate.resolve();
  for (let i = 0; i < 500; i++) await client.next((frame) => frame.errCode === 0, 10_000);
});

test('what was read already when reading stops is bounded, or ends the connection', async () => {
  await using gateway = await startGateway();
  gateway.rpc.answers.set('msg.getMaxSeq', () => new Promise(() => {}));
  const framing = { encoding: 'json', gzip: false } as const;
  using client = await Client.connect(gateway.port, { framing });
  client.send(REQ.GetNewestSeq, encode('sdkws.GetMaxSeqReq', maxSeqReq('u1')));
  for (let i = 0; i < 60_000; i++) client.socket.send(Buffer.from('{}'));
  await sleep(300);
  assert.ok(
    (await gateway.metric('openim_gateway_frames_total', { direction: 'in', kind: 'request' })) < 5_000,
  );
});

test('what closes silently', async () => {
  await using gateway = await startGateway();
  const own = encode('sdkws.GetMaxSeqReq', maxSeqReq('u1'));
  const cases: [string, string, (client: Client) => void][] = [
    ['malformed', 'no envelope', (client) => client.socket.send(Buffer.from('hello'))],
    ['malformed', 'an empty frame', (client) => client.socket.send(Buffer.alloc(0))],
    ['unknown-request', 'an unknown id', (client) => client.send(9999, own)],
    ['unknown-request', 'a server id', (client) => client.send(2001, own)],
    ['unknown-request', 'id zero', (client) => client.send(0, own)],
    [
      'sender',
      'another sender',
      (client) =>
        client.socket.send(
          encodeRequest(GOB, {
            reqIdentifier: 1001,
            token: '',
            sendID: 'u2',
            operationID: 'o',
            msgIncr: 'm',
            data: own,
          }),
        ),
    ],
    ['text', 'a text that is no JSON', (client) => client.socket.send('hello')],
    ['text', 'a text of another type', (client) => client.socket.send('{"type":"hello"}')],
    ['text', 'a text without a type', (client) => client.socket.send('{}')],
  ];
  for (const [reason, name, act] of cases) {
    const before = await gateway.metric('openim_gateway_closed_total', { reason });
    const client = await Client.connect(gateway.port);
    act(client);
    assert.equal(await client.closed, 1006, name);
    assert.equal(client.left.length, 0, name);
    await until(async () => (await gateway.metric('openim_gateway_closed_total', { reason })) === before + 1);
  }
  const gzip = await Client.connect(gateway.port, { framing: { encoding: 'gob', gzip: true } });
  gzip.socket.send(Buffer.from('not gzip'));
  assert.equal(await gzip.closed, 1006);
});

test('a message above the read limit closes with 1009', async () => {
  await using gateway = await startGateway();
  const client = await Client.connect(gateway.port);
  client.socket.send(Buffer.alloc(51_201));
  assert.equal(await client.closed, 1009);
  using other = await Client.connect(gateway.port);
  const large = Buffer.concat([
    encode('sdkws.GetMaxSeqReq', maxSeqReq('u1')),
    Buffer.alloc(50_000, Buffer.from([0x7a, 0x00])),
  ]);
  const msgIncr = other.send(REQ.GetNewestSeq, large);
  assert.equal((await other.next((frame) => frame.msgIncr === msgIncr)).errCode, 0);
});

test('an answer that no client would take becomes an error', async () => {
  await using gateway = await startGateway();
  gateway.rpc.answers.set('msg.pullMessageBySeqs', () =>
    make('msg.EncodedPull', {
      msgs: {
        si_a_b: make('msg.EncodedMsgs', {
          Msgs: [encode('sdkws.MsgData', message({ content: Buffer.alloc(1_100_000, 0x41) }))],
        }),
      },
    }),
  );
  using client = await Client.connect(gateway.port);
  const request = make('sdkws.PullMessageBySeqsReq', { userID: 'u1' });
  assert.equal(
    (await client.request(REQ.PullMsgByRange, 'sdkws.PullMessageBySeqsReq', request)).errCode,
    500,
  );
});
