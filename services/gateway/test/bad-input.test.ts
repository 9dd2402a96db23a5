import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import {
  decodeRequest,
  encode,
  encodeRequest,
  type Framing,
  make,
  type RequestEnvelope,
  type ResponseEnvelope,
} from '@im/protocol';
import { mutate, printedSeed, type Random, seeded } from '@im/testing';
import { Client, dialUrl, until } from './client.ts';
import { startGateway, type TestGateway } from './start-gateway.ts';

/** Frames of the main test; the full number in the end-to-end run. */
const FRAMES = Number(process.env.BAD_INPUT_FRAMES ?? 1_000);
const INFLATED_LIMIT = 1_048_576;
const FRAMINGS: [Framing, ...Framing[]] = [
  { encoding: 'gob', gzip: false },
  { encoding: 'gob', gzip: true },
  { encoding: 'json', gzip: false },
  { encoding: 'json', gzip: true },
];
const KNOWN = new Set([1001, 1002, 1003, 1004, 1005, 1006, 1007, 2003, 2004, 2005]);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function originals(random: Random): RequestEnvelope {
  const ids: [number, Uint8Array][] = [
    [1001, encode('sdkws.GetMaxSeqReq', make('sdkws.GetMaxSeqReq', { userID: 'u1' }))],
    [
      1003,
      encode(
        'sdkws.MsgData',
        make('sdkws.MsgData', { sendID: 'u1', recvID: 'u2', clientMsgID: 'c', content: random.bytes(200) }),
      ),
    ],
    [
      2005,
      encode('sdkws.SubUserOnlineStatus', make('sdkws.SubUserOnlineStatus', { subscribeUserID: ['a', 'b'] })),
    ],
  ];
  const [reqIdentifier, data] = random.pick(ids as [(typeof ids)[0], ...typeof ids]);
  return {
    reqIdentifier,
    token: '',
    sendID: 'u1',
    operationID: 'op',
    msgIncr: `u1_${random.int(1e6)}`,
    data,
  };
}

/** What the specification says of a frame: the ids that the answer echoes, or nothing for a silent close. */
function specified(framing: Framing, frame: Buffer): RequestEnvelope | undefined {
  if (frame.length > 51_200) return undefined;
  try {
    const request = decodeRequest(framing, frame, INFLATED_LIMIT);
    return request.sendID === 'u1' && KNOWN.has(request.reqIdentifier) ? request : undefined;
  } catch {
    return undefined;
  }
}

/** Sends one frame. @returns the answer, or undefined when the connection was closed for it. */
async function outcome(client: Client, frame: Buffer): Promise<ResponseEnvelope | undefined> {
  client.socket.send(frame);
  try {
    return await client.next(() => true, 10_000);
  } catch (error) {
    if (client.socket.readyState === client.socket.CLOSED) return undefined;
    throw error;
  }
}

/** The gateway still serves; an unhandled rejection on the way would have failed the test by itself. */
async function alive(gateway: TestGateway): Promise<void> {
  using client = await Client.connect(gateway.port);
  const request = make('sdkws.GetMaxSeqReq', { userID: 'u1' });
  assert.equal((await client.request(1001, 'sdkws.GetMaxSeqReq', request)).errCode, 0);
}

test(`${FRAMES} mutated frames each get the specified answer or close`, async (t) => {
  // What is answered is looked at, not what has to wait for its turn.
  await using gateway = await startGateway({ requests: { bytesPerSecond: 0 } });
  const seed = printedSeed('gateway frames');
  const random = seeded(seed);
  const clients = new Map<Framing, Client>();
  const counts = { answered: 0, failed: 0, closed: 0 };
  let settled = 0;
  for (let i = 0; i < FRAMES; i++) {
    const framing = random.pick(FRAMINGS);
    let client = clients.get(framing);
    if (!client || client.socket.readyState !== client.socket.OPEN) {
      client = await Client.connect(gateway.port, { framing });
      clients.set(framing, client);
    }
    const plain = { ...framing, gzip: false };
    // Half of the compressed ones are damaged inside, where gzip's checksum does not see it.
    const inside = framing.gzip && random.int(2) === 0;
    const mutated = mutate(random, encodeRequest(inside ? plain : framing, originals(random)));
    const frame = inside ? gzipSync(mutated) : mutated;
    const wanted = specified(framing, frame);
    const got = await outcome(client, frame);
    const about = `frame ${i} of seed ${seed}, ${JSON.stringify(framing)}: ${frame.toString('hex')}`;
    if (wanted) {
      assert.ok(got, `no answer: ${about}`);
      assert.deepEqual(
        [got.reqIdentifier, got.msgIncr, got.operationID],
        [wanted.reqIdentifier, wanted.msgIncr, wanted.operationID],
        about,
      );
      counts[got.errCode === 0 ? 'answered' : 'failed']++;
    } else {
      assert.equal(got, undefined, `answered instead of closed: ${about}`);
      counts.closed++;
    }
    // The fake services remember every call.
    gateway.rpc.calls.length = 0;
    if (i === Math.floor(FRAMES / 4)) {
      collect();
      settled = process.memoryUsage().heapUsed;
    }
  }
  for (const client of clients.values()) client[Symbol.dispose]();
  await until(async () => (await gateway.metric('openim_gateway_connections')) === 0);
  collect();
  const grown = process.memoryUsage().heapUsed - settled;
  t.diagnostic(`${JSON.stringify(counts)}, heap grown by ${(grown / 1_048_576).toFixed(1)} MB`);
  assert.ok(grown < 10 * 1_048_576, `${grown} bytes kept`);
  await alive(gateway);
});

test('bombs of gzip and gob are closed without being unpacked', async () => {
  await using gateway = await startGateway();
  const bomb = gzipSync(Buffer.alloc(45 << 20));
  const before = process.memoryUsage().rss;
  for (const encoding of ['gob', 'json'] as const) {
    const client = await Client.connect(gateway.port, { framing: { encoding, gzip: true } });
    assert.equal(await outcome(client, bomb), undefined);
  }
  const gob = await Client.connect(gateway.port);
  assert.equal(await outcome(gob, Buffer.from('f87fffffffffffffff7f03', 'hex')), undefined);
  assert.ok(process.memoryUsage().rss - before < 64 << 20);
  await alive(gateway);
});

test('mutated text frames are pongs or closes', async () => {
  await using gateway = await startGateway();
  const random = seeded(printedSeed('gateway texts'));
  let client = await Client.connect(gateway.port);
  for (let i = 0; i < FRAMES / 4; i++) {
    if (client.socket.readyState !== client.socket.OPEN) client = await Client.connect(gateway.port);
    const text = mutate(random, Buffer.from('{"type":"ping","body":"op-1"}'));
    client.texts.length = 0;
    client.socket.send(text, { binary: false });
    client.socket.send('{"type":"ping","body":"end"}');
    await Promise.race([client.closed, until(() => client.texts.includes('{"type":"pong","body":"end"}'))]);
  }
  client[Symbol.dispose]();
  await alive(gateway);
});

test('mutated bytes below the envelopes do no harm either', async () => {
  await using gateway = await startGateway();
  const random = seeded(printedSeed('gateway bytes'));
  const { pathname, search } = new URL(dialUrl(gateway.port));
  const hello = `GET ${pathname}${search} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
  const mask = randomBytes(4);
  const payload = encodeRequest(FRAMINGS[0], originals(random));
  const frame = Buffer.concat([
    Buffer.from([0x82, 0x80 | 126, payload.length >> 8, payload.length & 255]),
    mask,
    payload.map((byte, i) => byte ^ (mask[i & 3] ?? 0)),
  ]);
  for (let i = 0; i < FRAMES / 10; i++) {
    const socket = connect(gateway.port, '127.0.0.1');
    socket.on('error', () => {});
    const damagedHello = random.int(4) === 0;
    socket.write(damagedHello ? mutate(random, Buffer.from(hello)) : hello);
    if (!damagedHello) await once(socket, 'data');
    socket.write(mutate(random, frame));
    socket.resume();
    if (random.int(10) === 0) socket.resetAndDestroy();
    else socket.end(mutate(random, frame));
    if (i % 50 === 0) await sleep(10);
  }
  await alive(gateway);
});
