import { usageError } from '../exit-codes.ts';

/** A line of a file with users. */
export interface CsvUser {
  /** Line of the file on which it begins, from 1. */
  readonly line: number;
  readonly userID: string;
  readonly nickname: string;
  readonly faceURL: string;
  readonly ex: string;
}

const COLUMNS = ['userID', 'nickname', 'faceURL', 'ex'] as const;
const USER_ID = /^[A-Za-z0-9_]{1,64}$/;
/** Longest texts, in characters. */
const LONGEST = { nickname: 255, faceURL: 2_048, ex: 4_096 } as const;

/** Records of RFC 4180 with the lines on which they begin. @throws CommandError `usage` for an open quote. */
function records(text: string): { readonly line: number; readonly fields: string[] }[] {
  const found: { line: number; fields: string[] }[] = [];
  let line = 1;
  let at = text.startsWith('\ufeff') ? 1 : 0;
  while (at < text.length) {
    const record = { line, fields: [] as string[] };
    for (;;) {
      const [all, quoted, plain = ''] =
        /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(?=,|\r?\n|$)/.exec(text.slice(at, at + 65_536)) ?? [];
      if (all === undefined)
        throw usageError(`line ${line}: a quote is open, or stands in the middle of a text`);
      record.fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
      line += (quoted?.match(/\n/g) ?? []).length;
      at += all.length;
      if (text[at] !== ',') break;
      at += 1;
    }
    at += text.startsWith('\r\n', at) ? 2 : 1;
    line += 1;
    if (record.fields.some((field) => field !== '')) found.push(record);
  }
  return found;
}

/**
 * The users of a CSV text, whose first line names columns: userID, nickname, faceURL and ex in any order.
 * @throws CommandError `usage` that names the line and the field at fault
 */
export function readUsers(text: string): CsvUser[] {
  const [heading, ...rows] = records(text);
  const names = heading?.fields.map((name) => name.trim()) ?? [];
  const unknown = names.find((name) => !COLUMNS.some((column) => column === name));
  if (unknown !== undefined || !names.includes('userID'))
    throw usageError(
      `line 1: ${unknown === undefined ? 'there is no column userID' : `${unknown} is not a column`}; the first line names columns: ${COLUMNS.join(',')}`,
    );
  const lines = new Map<string, number>();
  return rows.map(({ line, fields }) => {
    if (fields.length !== names.length)
      throw usageError(
        `line ${line}: it has ${fields.length} fields, and the first line names ${names.length}`,
      );
    const value = (column: string) => fields[names.indexOf(column)] ?? '';
    const userID = value('userID').trim();
    if (!USER_ID.test(userID))
      throw usageError(`line ${line}: userID: ${userID.slice(0, 80)} is not 1 to 64 letters, digits and _`);
    const before = lines.get(userID);
    if (before !== undefined)
      throw usageError(`line ${line}: userID: ${userID} is on line ${before} already`);
    lines.set(userID, line);
    for (const [column, most] of Object.entries(LONGEST)) {
      if (value(column).length > most)
        throw usageError(
          `line ${line}: ${column}: it has ${value(column).length} characters, more than ${most}`,
        );
    }
    return {
      line,
      userID,
      nickname: value('nickname') || userID,
      faceURL: value('faceURL'),
      ex: value('ex'),
    };
  });
}
