import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createQuietHours } from './quiet-hours.ts';

const at = (time: string) => Date.parse(`2026-01-15T${time}Z`);
const isQuiet = createQuietHours();

test('quiet hours are those of the user’s time zone, also over midnight', () => {
  const night = { start: 22 * 60, end: 7 * 60, timeZone: 'Asia/Shanghai' };
  assert.deepEqual(
    ['13:59', '14:00', '15:59', '16:00', '22:59', '23:00'].map((time) => isQuiet(night, at(time))),
    [false, true, true, true, true, false],
  );
  const noon = { start: 720, end: 780, timeZone: 'UTC' };
  assert.deepEqual(
    ['11:59', '12:00', '12:59', '13:00'].map((time) => isQuiet(noon, at(time))),
    [false, true, true, false],
  );
});

test('they follow summer time', () => {
  const night = { start: 0, end: 60, timeZone: 'Europe/Berlin' };
  assert.equal(isQuiet(night, Date.parse('2026-07-15T22:30Z')), true);
  assert.equal(isQuiet(night, at('22:30')), false);
});

test('an unknown time zone silences nothing', () => {
  assert.equal(isQuiet({ start: 0, end: 1_439, timeZone: 'Mars/Olympus' }, at('12:00')), false);
});
