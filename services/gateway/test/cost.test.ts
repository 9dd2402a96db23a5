import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode, type FieldLimit, type MessageName, type Messages, make, messageLimits } from '@im/protocol';
import { describeRequests } from '../src/requests/handlers.ts';
import { Client, JSON_GZIP } from './client.ts';
import { startGateway } from './start-gateway.ts';

/** CPU that a frame may take: what inflates, decodes, checks, passes it on and answers it; the test's client too. */
const MS_PER_100_KB = 50;
/** Small requests, and a pause of the garbage collector. */
const FLOOR_MS = 60;
const TRIES = 3;
/** Bytes of protobuf in a frame: the limit after gunzip is 1 MiB, of which base64 takes a quarter. */
const DATA_BYTES = 700_000;
const ID_CHARS = 8;

function one(limit: FieldLimit, budget: number, n: number): unknown {
  switch (limit.kind) {
    case 'bool':
      return true;
    case 'number':
      return Math.min(limit.most, 1_000_000 + n);
    case 'bytes':
      return Buffer.alloc(Math.min(limit.bytes, budget), 0x61);
    case 'message':
      return largest(limit.message, budget);
    case 'id':
      return String(n).padStart(ID_CHARS, 'u');
    case 'text':
      return 'x'.repeat(Math.min(limit.chars, budget));
  }
}

/** A message whose lists and texts are as long as their limits and the bytes allow. */
function largest<N extends MessageName>(name: N, budget: number): Messages[N] {
  const fields = [...messageLimits(name)];
  const share = Math.floor(budget / Math.max(1, fields.length));
  const out: Record<string, unknown> = {};
  for (const [field, limit] of fields) {
    const { entries, keyChars } = limit;
    // Whom a request is for is the connection's own user.
    if (field === 'userID') out[field] = 'u1';
    else if (entries === undefined) out[field] = one(limit, share - 8, 0);
    else {
      const count = Math.min(entries, Math.max(1, Math.floor(share / (limit.kind === 'message' ? 24 : 12))));
      const list = Array.from({ length: count }, (_, n) => one(limit, 24, n));
      out[field] =
        keyChars === undefined ? list : Object.fromEntries(list.map((value, n) => [`k${n}`, value]));
    }
  }
  return make(name, out as Partial<Messages[N]>);
}

test('the largest frame of every request costs CPU in proportion to its size', async () => {
  // As received a frame is smaller; what costs is what it inflates to.
  await using gateway = await startGateway({
    readLimitBytes: 1_048_576,
    requests: { ratePerSecond: 0, bytesPerSecond: 0 },
  });
  const dear: string[] = [];
  let bytes = 0;
  let platformID = 0;
  for (const { identifier, request } of describeRequests()) {
    if (request === undefined) continue;
    const data = encode(request, largest(request, DATA_BYTES));
    assert.ok(data.length < DATA_BYTES * 1.1, `${request}: ${data.length}`);
    bytes += data.length;
    const allowed = Math.max(FLOOR_MS, (MS_PER_100_KB * data.length) / 100_000);
    let least = Number.POSITIVE_INFINITY;
    for (let n = 0; n < TRIES && least > allowed; n++) {
      platformID = (platformID % 9) + 1;
      // Each try on its own: one request ends its connection, another may be asked for only so often.
      using client = await Client.connect(gateway.port, {
        ...{ framing: JSON_GZIP, platformID },
        userID: 'u1',
      });
      const before = process.cpuUsage();
      const msgIncr = client.send(identifier, data);
      const answer = await client
        .next((frame) => frame.msgIncr === msgIncr)
        .catch((error) => assert.fail(`${identifier}: ${error}`));
      const { user, system } = process.cpuUsage(before);
      assert.equal(typeof answer.errCode, 'number');
      least = Math.min(least, (user + system) / 1_000);
    }
    if (least > allowed) dear.push(`${identifier}: ${Math.round(least)} ms for ${data.length} bytes`);
  }
  assert.deepEqual(dear, []);
  assert.ok(bytes > 700_000, String(bytes));
});
