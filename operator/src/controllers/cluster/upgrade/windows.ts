/** A time of the week in which upgrades may start. */
export interface UpgradeWindow {
  /** @default every day */
  readonly days?: readonly Day[] | undefined;
  /** Start and end as `HH:MM`; a window whose end is not after its start ends on the next day. */
  readonly from: string;
  readonly to: string;
  /** IANA time zone. @default UTC */
  readonly timeZone?: string | undefined;
}

export const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
export type Day = (typeof DAYS)[number];

const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;

/**
 * Whether an upgrade may start now. Without a window it always may.
 * @throws RangeError that names a time zone that does not exist.
 */
export function isOpen(windows: readonly UpgradeWindow[] | undefined, now: number): boolean {
  return !windows || windows.length === 0 || windows.some((window) => contains(window, now));
}

/** When the next window opens, ms since the epoch, within eight days; undefined when one is open or none is found. */
export function nextOpening(windows: readonly UpgradeWindow[], now: number): number | undefined {
  if (isOpen(windows, now)) return undefined;
  const openings = windows.flatMap((window) => {
    const { from, timeZone = 'UTC' } = window;
    const midnight = Math.floor(now / DAY_MS) * DAY_MS;
    return Array.from({ length: 10 }, (_, day) => {
      const local = midnight + (day - 1) * DAY_MS + minutesOf(from) * MINUTE_MS;
      // The offset may differ at the opening itself, when the clocks change on that day.
      const guess = local - offsetAt(local, timeZone);
      return local - offsetAt(guess, timeZone);
    }).filter((at) => at > now && contains(window, at));
  });
  return openings.length === 0 ? undefined : Math.min(...openings);
}

/** How far the local time is ahead of UTC, ms. */
function offsetAt(at: number, timeZone: string): number {
  const { day, minute } = localTime(at, timeZone);
  const utc = new Date(at);
  const minutes = (day - utc.getUTCDay()) * 1_440 + minute - (utc.getUTCHours() * 60 + utc.getUTCMinutes());
  // Sunday follows Saturday.
  const week = 7 * 1_440;
  const near = minutes > week / 2 ? minutes - week : minutes < -week / 2 ? minutes + week : minutes;
  return near * MINUTE_MS;
}

function contains({ days = DAYS, from, to, timeZone = 'UTC' }: UpgradeWindow, now: number): boolean {
  const { day, minute } = localTime(now, timeZone);
  const [start, end] = [minutesOf(from), minutesOf(to)];
  const isDay = (index: number) => days.some((each) => each === DAYS[(index + 7) % 7]);
  if (start < end) return isDay(day) && minute >= start && minute < end;
  return (isDay(day) && minute >= start) || (isDay(day - 1) && minute < end);
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}

const FORMATS = new Map<string, Intl.DateTimeFormat>();

function localTime(now: number, timeZone: string): { readonly day: number; readonly minute: number } {
  let format = FORMATS.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    FORMATS.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(now).map(({ type, value }) => [type, value]));
  return {
    day: DAYS.indexOf(parts.weekday as Day),
    minute: Number(parts.hour) * 60 + Number(parts.minute),
  };
}
