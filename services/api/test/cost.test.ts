import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FieldLimit, type MessageName, messageLimits } from '@im/protocol';
import { RPC_ROUTES } from '../src/routes/index.ts';
import { ADMIN, startApi } from './harness.ts';

/** CPU that a request may take at the edge: what decodes, checks and passes it on. */
const MS_PER_100_KB = 50;
/** Small requests, and a pause of the garbage collector. */
const FLOOR_MS = 40;
const TRIES = 8;
/** Shorter ids make longer lists, of which more can go wrong. */
const ID_CHARS = 8;

function one(field: string, limit: FieldLimit, budget: number): unknown {
  switch (limit.kind) {
    case 'bool':
      return true;
    case 'number':
      return limit.most;
    case 'bytes':
      return '';
    case 'message':
      return largest(limit.message, budget);
    case 'id':
      return 'u'.repeat(Math.min(limit.chars, budget, ID_CHARS));
    case 'text':
      // The digits of a hash are a number in JSON.
      return /[hH]ash$/.test(field) && limit.chars === 20 ? 1 : 'x'.repeat(Math.min(limit.chars, budget));
  }
}

/** A message whose lists and texts are as long as their limits and the bytes left allow. */
function largest(name: MessageName, budget: number): Record<string, unknown> {
  const fields = [...messageLimits(name)];
  const share = Math.floor(budget / Math.max(1, fields.length));
  const out: Record<string, unknown> = {};
  let left = budget;
  for (const [i, [field, limit]] of fields.entries()) {
    const most = i === fields.length - 1 ? left : Math.max(share, left - share * (fields.length - 1 - i));
    if (most < 32) break;
    const entry = one(field, limit, limit.entries === undefined ? most - 32 : 64);
    let value: unknown = entry;
    if (limit.entries !== undefined) {
      const count = Math.max(
        0,
        Math.min(limit.entries, Math.floor((most - 32) / (JSON.stringify(entry).length + 1))),
      );
      value =
        limit.keyChars === undefined
          ? new Array(count).fill(entry)
          : Object.fromEntries(Array.from({ length: Math.min(count, 1_000) }, (_, n) => [`k${n}`, entry]));
    }
    out[field] = value;
    left -= JSON.stringify(value).length + field.length + 4;
  }
  return out;
}

test('the largest request of every route costs the edge CPU in proportion to its size', async () => {
  await using api = await startApi();
  const dear: string[] = [];
  let bytes = 0;
  for (const { path, request, bodyLimit } of RPC_ROUTES) {
    const body = JSON.stringify(largest(request, Math.min(bodyLimit, 2_097_152) - 256));
    assert.ok(body.length <= bodyLimit, `${path}: ${body.length}`);
    bytes += body.length;
    const allowed = Math.max(FLOOR_MS, (MS_PER_100_KB * body.length) / 100_000);
    let least = Number.POSITIVE_INFINITY;
    for (let n = 0; n < TRIES && least > allowed; n++) {
      const before = process.cpuUsage();
      const { json } = await api.post(path, body, ADMIN);
      const { user, system } = process.cpuUsage(before);
      assert.equal(typeof json.errCode, 'number', path);
      least = Math.min(least, (user + system) / 1_000);
    }
    if (least > allowed) dear.push(`${path}: ${Math.round(least)} ms for ${body.length} bytes`);
  }
  assert.deepEqual(dear, []);
  assert.ok(bytes > 2_000_000, String(bytes));
});
