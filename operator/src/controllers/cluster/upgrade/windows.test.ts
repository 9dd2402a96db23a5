import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOpen, nextOpening } from './windows.ts';

const at = (text: string) => Date.parse(text);

test('without windows an upgrade may start at any time', () => {
  assert.ok(isOpen(undefined, 0));
  assert.ok(isOpen([], 0));
});

test('a window is of its time zone, and may end on the next day', () => {
  // 30 November 2026 is a Monday.
  const night = [{ days: ['Mon' as const], from: '22:00', to: '04:00', timeZone: 'Europe/Berlin' }];
  assert.equal(isOpen(night, at('2026-11-30T20:59:00Z')), false);
  assert.equal(isOpen(night, at('2026-11-30T21:00:00Z')), true);
  assert.equal(isOpen(night, at('2026-12-01T02:59:00Z')), true);
  assert.equal(isOpen(night, at('2026-12-01T03:00:00Z')), false);
  assert.equal(isOpen(night, at('2026-12-01T21:30:00Z')), false, 'Tuesday is not one of its days');
  const whole = [{ from: '00:00', to: '00:00' }];
  assert.ok(isOpen(whole, at('2026-11-30T00:00:00Z')) && isOpen(whole, at('2026-11-30T23:59:00Z')));
});

test('the next opening is found to the minute', () => {
  const windows = [
    { days: ['Sat' as const], from: '10:07', to: '11:00' },
    { days: ['Sun' as const], from: '01:00', to: '02:00' },
  ];
  assert.equal(nextOpening(windows, at('2026-11-30T12:00:30Z')), at('2026-12-05T10:07:00Z'));
  assert.equal(nextOpening(windows, at('2026-12-05T10:30:00Z')), undefined, 'it is open');
  assert.equal(nextOpening(windows, at('2026-12-05T11:00:00Z')), at('2026-12-06T01:00:00Z'));
  const short = [{ from: '12:01', to: '12:02' }];
  assert.equal(nextOpening(short, at('2026-11-30T12:02:00Z')), at('2026-12-01T12:01:00Z'));
});

test('a time zone that does not exist is named', () => {
  assert.throws(() => isOpen([{ from: '01:00', to: '02:00', timeZone: 'Mars/Base' }], 0), /Mars\/Base/);
});
