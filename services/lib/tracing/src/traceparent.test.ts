import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTraceparent, traceparentOf } from './traceparent.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

test('reads and writes the example of the specification', () => {
  const text = `00-${TRACE}-${SPAN}-01`;
  assert.deepEqual(parseTraceparent(text), { traceID: TRACE, spanID: SPAN, sampled: true });
  assert.equal(traceparentOf({ traceID: TRACE, spanID: SPAN, sampled: true }), text);
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-00`)?.sampled, false);
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-03`)?.sampled, true);
});

test('takes later versions with more fields, as the specification wants it', () => {
  assert.equal(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-comes`)?.traceID, TRACE);
  assert.equal(parseTraceparent(`cc-${TRACE}-${SPAN}-01.what-comes`), undefined);
});

test('refuses what is none', () => {
  const wrong = [
    '',
    'x',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-1`,
    ` 00-${TRACE}-${SPAN}-01`,
    `cc-${TRACE}-${SPAN}-01-${'x'.repeat(200)}`,
  ];
  for (const text of wrong) assert.equal(parseTraceparent(text), undefined, text);
});
