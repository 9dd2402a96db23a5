import type { QuietHours } from '@im/store';

const DAY = 24 * 60;
const formats = (zones: Map<string, Intl.DateTimeFormat>, timeZone: string): Intl.DateTimeFormat => {
  let format = zones.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    zones.set(timeZone, format);
  }
  return format;
};

/** Whether it is quiet for a user; keeps the calendars of the time zones, of which there are a few hundred. */
export function createQuietHours(): (quiet: QuietHours, now: number) => boolean {
  const zones = new Map<string, Intl.DateTimeFormat>();
  return ({ start, end, timeZone }, now) => {
    let minute: number;
    try {
      const [hour = 0, rest = 0] = formats(zones, timeZone).format(now).split(':').map(Number);
      minute = (hour * 60 + rest) % DAY;
    } catch {
      // A time zone that this version of the calendar does not know.
      return false;
    }
    return start < end ? minute >= start && minute < end : minute >= start || minute < end;
  };
}
