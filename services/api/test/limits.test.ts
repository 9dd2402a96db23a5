import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FieldLimit, type MessageName, messageLimits } from '@im/protocol';
import { ROUTES, RPC_ROUTES } from '../src/routes/index.ts';
import { ADMIN, startApi } from './harness.ts';

/** A value of a field that exceeds its limit by one; undefined for a field without a limit. */
function tooLarge(limit: FieldLimit): unknown {
  if (limit.kind === 'bool' || limit.kind === 'message') {
    return limit.entries && limit.keyChars === undefined
      ? new Array(limit.entries + 1).fill(limit.kind === 'bool' ? true : {})
      : undefined;
  }
  if (limit.kind === 'bytes' || (limit.kind === 'number' && limit.most + 1 === limit.most)) return undefined;
  const one = limit.kind === 'number' ? limit.most + 1 : 'x'.repeat(limit.chars + 1);
  if (limit.entries === undefined) return one;
  return limit.keyChars === undefined ? [one] : { key: one };
}

function tooMany(limit: FieldLimit): unknown {
  if (limit.entries === undefined || limit.kind === 'message') return undefined;
  const entry = limit.kind === 'number' ? 1 : 'x';
  if (limit.keyChars === undefined) return new Array(limit.entries + 1).fill(entry);
  return Object.fromEntries(Array.from({ length: limit.entries + 1 }, (_, i) => [`k${i}`, entry]));
}

/** Bodies with one value above its limit, however deep, with the field that must be named. */
function excesses(name: MessageName): { body: object; field: string }[] {
  return [...messageLimits(name)].flatMap(([field, limit]) => {
    // The digits of a hash are no text in JSON.
    if (/[hH]ash$/.test(field) && limit.kind === 'text' && limit.chars === 20) return [];
    const own = [tooLarge(limit), tooMany(limit)]
      .filter((value) => value !== undefined)
      .map((value) => ({ body: { [field]: value }, field }));
    if (limit.kind !== 'message') return own;
    const inside = excesses(limit.message).map(({ body, field: inner }) => ({
      body: { [field]: limit.entries === undefined ? body : [body] },
      field: `${field}.${inner}`,
    }));
    return [...own, ...inside];
  });
}

test('every field of every route has a limit', () => {
  function walk(name: MessageName, seen: Set<MessageName>): void {
    if (seen.has(name)) return;
    seen.add(name);
    for (const limit of messageLimits(name).values()) if (limit.kind === 'message') walk(limit.message, seen);
  }
  const seen = new Set<MessageName>();
  for (const { requests } of ROUTES) for (const name of requests) walk(name, seen);
  assert.ok(seen.size > 130, String(seen.size));
  assert.throws(() => messageLimits('third.SignPart'), /third.SignPart.url has no limit/);
});

test('one more than its limit is refused by name, in every field of every route', async () => {
  await using api = await startApi();
  const refused: Record<string, number> = {};
  for (const { path, request, bodyLimit } of RPC_ROUTES) {
    for (const { body, field } of excesses(request)) {
      const text = JSON.stringify(body);
      if (text.length > bodyLimit) continue;
      const { json } = await api.post(path, text, ADMIN);
      assert.equal(json.errCode, 1001, `${path} ${field}`);
      const named = json.errDlt.replace(/^field |\[0\]/g, '').startsWith(field);
      assert.ok(named, `${path} ${field}: ${json.errDlt}`);
      refused[path] = (refused[path] ?? 0) + 1;
    }
  }
  assert.ok(Object.keys(refused).length > 120);
  assert.equal(api.calls.length, 0);
});
