import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calendarOf, dayName, offsetSpans, UTC } from './calendar.ts';

const HOUR = 3_600_000;
const at = (text: string) => Date.parse(text);
const nameOf = (zone: string, time: string) => dayName(calendarOf(zone).dayOf(at(time)));
const startOf = (zone: string, date: string) =>
  new Date(calendarOf(zone).startOf(UTC.dayOf(at(`${date}T00:00Z`)))).toISOString();

test('a moment is on different days in different zones', () => {
  assert.equal(nameOf('UTC', '2026-03-01T16:30Z'), '2026-03-01');
  assert.equal(nameOf('Asia/Shanghai', '2026-03-01T15:59:59.999Z'), '2026-03-01');
  assert.equal(nameOf('Asia/Shanghai', '2026-03-01T16:00Z'), '2026-03-02');
  assert.equal(nameOf('Asia/Kathmandu', '2026-03-01T18:15Z'), '2026-03-02');
  assert.equal(nameOf('America/New_York', '2026-03-01T04:59Z'), '2026-02-28');
  assert.equal(nameOf('Pacific/Kiritimati', '1995-06-01T10:00Z'), '1995-06-02');
  assert.equal(nameOf('Europe/London', '1969-07-20T23:30Z'), '1969-07-21');
});

test('days begin where clocks change them, also on days of 23 and 25 hours', () => {
  assert.equal(startOf('Asia/Shanghai', '2026-03-02'), '2026-03-01T16:00:00.000Z');
  const length = (zone: string, date: string) => {
    const day = UTC.dayOf(at(`${date}T00:00Z`));
    return (calendarOf(zone).startOf(day + 1) - calendarOf(zone).startOf(day)) / HOUR;
  };
  assert.equal(length('Europe/Berlin', '2026-03-29'), 23);
  assert.equal(length('Europe/Berlin', '2026-10-25'), 25);
  assert.equal(length('Europe/Berlin', '2026-10-26'), 24);
  // Midnight itself was skipped, and a whole day.
  assert.equal(startOf('America/Sao_Paulo', '2018-11-04'), '2018-11-04T03:00:00.000Z');
  assert.equal(length('Pacific/Apia', '2011-12-30'), 0);
});

test('every moment is in the day that begins before it and ends after it', () => {
  for (const zone of ['Asia/Beirut', 'America/Havana', 'Australia/Lord_Howe', 'Pacific/Apia', 'UTC']) {
    const calendar = calendarOf(zone);
    for (let time = at('2011-09-01T00:17Z'); time < at('2012-05-01T00:00Z'); time += 7 * HOUR) {
      const day = calendar.dayOf(time);
      assert.ok(calendar.startOf(day) <= time && time < calendar.startOf(day + 1), `${zone} ${time}`);
    }
  }
});

test('a period is cut where the offset changes, and nowhere else', () => {
  const period = { start: at('2026-01-10T05:00Z'), end: at('2026-12-20T00:00Z') };
  assert.deepEqual(offsetSpans(UTC, period), [{ ...period, offset: 0 }]);
  assert.deepEqual(offsetSpans(calendarOf('Asia/Shanghai'), period), [{ ...period, offset: 8 * HOUR }]);
  const berlin = calendarOf('Europe/Berlin');
  const spans = offsetSpans(berlin, period);
  assert.deepEqual(
    spans.map(({ offset }) => offset / HOUR),
    [1, 2, 1],
  );
  // The day on which clocks go back has 25 hours.
  assert.deepEqual([spans[0]?.start, spans.at(-1)?.end], [period.start, period.end]);
  for (let time = period.start; time < period.end; time += HOUR / 2) {
    const span = spans.find(({ start, end }) => start <= time && time < end);
    assert.equal(
      UTC.dayOf(time + (span?.offset ?? Number.NaN)),
      berlin.dayOf(time),
      new Date(time).toISOString(),
    );
  }
});
