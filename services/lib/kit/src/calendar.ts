const DAY_MS = 86_400_000;

/** The days of a time zone, numbered: 0 is 1970-01-01 there, whatever time it began. */
export interface Calendar {
  /** IANA name of the zone. */
  readonly timeZone: string;
  /** The day that a time in ms is in. */
  dayOf(time: number): number;
  /** When a day starts, ms. Most days last 24 hours; those on which clocks change do not. */
  startOf(day: number): number;
}

/** A period in which all days have one offset. */
export interface OffsetSpan {
  /** ms; `end` is not included. */
  readonly start: number;
  readonly end: number;
  /** To be added to a time, ms: the rest is as in UTC. */
  readonly offset: number;
}

/** A zone's days that are remembered. */
const MAX_DAYS = 20_000;
/** Search for the start of a day begins and ends so far from that of UTC, ms. */
const FARTHEST_MS = 26 * 3_600_000;
/** Beyond this time, in ms, there are no dates; days are those of UTC. */
const LAST_MS = 8_640_000_000_000_000 - 3 * DAY_MS;
/** Days between looks for another offset; none holds for so short a time. */
const STEP_DAYS = 7;

/** A day as YYYY-MM-DD. */
export function dayName(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** Days of UTC. */
export const UTC: Calendar = {
  timeZone: 'UTC',
  dayOf: (time) => Math.floor(time / DAY_MS),
  startOf: (day) => day * DAY_MS,
};

const calendars = new Map<string, Calendar>([['UTC', UTC]]);

/** The calendar of a zone; one and the same for a name. @throws RangeError for an unknown one. */
export function calendarOf(timeZone: string): Calendar {
  let calendar = calendars.get(timeZone);
  if (!calendar) {
    // The names of zones bound the map.
    calendar = createCalendar(timeZone);
    calendars.set(timeZone, calendar);
  }
  return calendar;
}

function createCalendar(timeZone: string): Calendar {
  const format = new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', {
    ...{ timeZone, year: 'numeric', month: 'numeric', day: 'numeric', era: 'short' },
  });
  const starts = new Map<number, number>();
  let offset = 0;

  /** The date that clocks show. */
  function shownDay(time: number): number {
    const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, value]));
    const year = Number(parts.get('year'));
    const [month, day] = [Number(parts.get('month')), Number(parts.get('day'))];
    const date = new Date(0);
    date.setUTCFullYear(parts.get('era')?.startsWith('B') ? 1 - year : year, month - 1, day);
    return date.getTime() / DAY_MS;
  }

  function startOf(day: number): number {
    let start = starts.get(day);
    if (start === undefined) {
      start = findStart(day);
      offset = UTC.startOf(day) - start;
      if (starts.size >= MAX_DAYS) starts.clear();
      starts.set(day, start);
    }
    return start;
  }

  function findStart(day: number): number {
    // Mostly that of the day that was looked at before.
    const likely = UTC.startOf(day) - offset;
    if (shownDay(likely) === day && shownDay(likely - 1_000) < day) return likely;
    // The first second on which clocks show the day, or a later one where they skip it.
    let [before, at] = [(day * DAY_MS - FARTHEST_MS) / 1_000, (day * DAY_MS + FARTHEST_MS) / 1_000];
    while (at - before > 1) {
      const middle = Math.floor((before + at) / 2);
      if (shownDay(middle * 1_000) >= day) at = middle;
      else before = middle;
    }
    return at * 1_000;
  }

  return {
    timeZone,
    startOf,
    dayOf(time) {
      if (Math.abs(time) > LAST_MS) return UTC.dayOf(time);
      let day = UTC.dayOf(time);
      while (time < startOf(day)) day--;
      while (time >= startOf(day + 1)) day++;
      return day;
    },
  };
}

/** The parts of a period by the offset of their days; one of the whole period where clocks do not change. */
export function offsetSpans(
  calendar: Calendar,
  { start, end }: { start: number; end: number },
): OffsetSpan[] {
  const offsetOf = (day: number) => UTC.startOf(day) - calendar.startOf(day);
  const spans: OffsetSpan[] = [];
  const last = calendar.dayOf(end - 1);
  for (let from = start; from < end; ) {
    const day = calendar.dayOf(from);
    // What a day has beyond 24 hours has the offset of the next one.
    const isBeyond = from >= calendar.startOf(day) + DAY_MS;
    const offset = offsetOf(isBeyond ? day + 1 : day);
    let next = day + 1;
    while (next + STEP_DAYS <= last && offsetOf(next + STEP_DAYS) === offset && offsetOf(next) === offset)
      next += STEP_DAYS;
    while (next <= last && offsetOf(next) === offset) next++;
    const beyond = calendar.startOf(next - 1) + DAY_MS;
    const to = Math.min(end, calendar.startOf(next), beyond > from ? beyond : end);
    spans.push({ start: from, end: to, offset });
    from = to;
  }
  return spans;
}
