import { argsError } from '@im/protocol';
import type { Period } from '@im/store';

const TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2}))?Z?)?$/;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;

function wrong(text: string): never {
  throw argsError(
    `sendTime must be YYYY-MM-DD, YYYY-MM-DD HH:MM or YYYY-MM-DD HH:MM:SS in UTC, or two of these with / between: it is ${text}`,
  );
}

function spanOf(text: string): Period {
  const [, day, minute, second] = TIME.exec(text) ?? wrong(text);
  const written = `${day}T${minute ?? '00:00'}:${second ?? '00'}`;
  const start = Date.parse(`${written}Z`);
  // Days that a month does not have are read as days of the next one.
  if (Number.isNaN(start) || !new Date(start).toISOString().startsWith(written)) wrong(text);
  const length = second !== undefined ? SECOND_MS : minute !== undefined ? MINUTE_MS : DAY_MS;
  return { start, end: start + length };
}

/**
 * The period that a search's `sendTime` names, in UTC: a day as in OpenIM, a minute or a second; or from the first to
 * the second of two with a slash between them, both included. Undefined, for any time, when it is empty.
 * @throws ImError 1001 for anything else.
 */
export function sendPeriod(text: string): Period | undefined {
  if (text === '') return undefined;
  const [first = '', second, ...more] = text.split('/');
  if (more.length > 0) wrong(text);
  const { start, end } = spanOf(first);
  if (second === undefined) return { start, end };
  const last = spanOf(second);
  if (last.end <= start) throw argsError(`sendTime ends before it starts: it is ${text}`);
  return { start, end: last.end };
}
