import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sendPeriod } from './send-period.ts';

const iso = (text: string) => {
  const period = sendPeriod(text);
  return period && [period.start, period.end].map((ms) => new Date(ms).toISOString().slice(0, 19));
};

test('a day, a minute, a second, or all from one to another', () => {
  assert.equal(sendPeriod(''), undefined);
  assert.deepEqual(iso('2024-02-29'), ['2024-02-29T00:00:00', '2024-03-01T00:00:00']);
  assert.deepEqual(iso('2024-02-29 23:59'), ['2024-02-29T23:59:00', '2024-03-01T00:00:00']);
  assert.deepEqual(iso('2024-02-29T10:20:30Z'), ['2024-02-29T10:20:30', '2024-02-29T10:20:31']);
  assert.deepEqual(iso('2024-02-28/2024-02-29 12:00'), ['2024-02-28T00:00:00', '2024-02-29T12:01:00']);
});

test('what is no time is refused', () => {
  for (const text of [
    'yesterday',
    '2024-02-31',
    '2024-13-01',
    '2024-2-3',
    '2024-02-03 24:00',
    '2024-02-03 10:60',
    '2024-02-03 10',
    '2024-02-03/',
    '2024-02-03/2024-02-04/2024-02-05',
    '2024-02-04/2024-02-03',
  ])
    assert.throws(() => sendPeriod(text), { code: 1001, detail: /^sendTime / }, text);
});
