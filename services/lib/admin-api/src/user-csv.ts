/** A line of a CSV file with users. */
export interface CsvUser {
  /** Line of the file on which it begins, from 1. */
  readonly line: number;
  readonly userID: string;
  readonly nickname: string;
  readonly faceURL: string;
  readonly ex: string;
}

/** What is wrong with a line. */
export interface CsvFault {
  readonly line: number;
  /** Names the field and what is wrong. */
  readonly message: string;
}

/** The users of a CSV file, and what is wrong with the other lines. */
export interface UserCsv {
  readonly users: readonly CsvUser[];
  readonly faults: readonly CsvFault[];
}

interface CsvRecord {
  readonly line: number;
  readonly fields: readonly string[];
}

const COLUMNS = ['userID', 'nickname', 'faceURL', 'ex'] as const;
const USER_ID = /^[A-Za-z0-9_]{1,64}$/;
/** Longest texts, in characters. */
const LONGEST = { nickname: 255, faceURL: 2_048, ex: 4_096 } as const;
/** Longest field that is read. */
const MAX_FIELD = 65_536;

/** Records of RFC 4180 with the lines on which they begin; a quote that stays open ends the reading. */
function recordsOf(text: string): { readonly records: readonly CsvRecord[]; readonly fault?: CsvFault } {
  const records: CsvRecord[] = [];
  let line = 1;
  let at = text.startsWith('\ufeff') ? 1 : 0;
  while (at < text.length) {
    const record = { line, fields: [] as string[] };
    for (;;) {
      const [all, quoted, plain = ''] =
        /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(?=,|\r?\n|$)/.exec(text.slice(at, at + MAX_FIELD)) ?? [];
      if (all === undefined)
        return { records, fault: { line, message: 'a quote is open, or stands in the middle of a text' } };
      record.fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
      line += (quoted?.match(/\n/g) ?? []).length;
      at += all.length;
      if (text[at] !== ',') break;
      at += 1;
    }
    at += text.startsWith('\r\n', at) ? 2 : 1;
    line += 1;
    if (record.fields.some((field) => field !== '')) records.push(record);
  }
  return { records };
}

/** Reads the users of a CSV text, whose first line names columns: userID, nickname, faceURL and ex in any order. */
export function readUserCsv(text: string): UserCsv {
  const { records, fault } = recordsOf(text);
  const [heading, ...rows] = records;
  const names = heading?.fields.map((name) => name.trim()) ?? [];
  const unknown = names.find((name) => !COLUMNS.some((column) => column === name));
  if (unknown !== undefined || !names.includes('userID')) {
    const wrong = unknown === undefined ? 'there is no column userID' : `${unknown} is not a column`;
    const message = `${wrong}; the first line names columns: ${COLUMNS.join(',')}`;
    return { users: [], faults: [fault && !heading ? fault : { line: 1, message }] };
  }
  const users: CsvUser[] = [];
  const faults: CsvFault[] = [];
  const lines = new Map<string, number>();
  for (const { line, fields } of rows) {
    const value = (column: string) => fields[names.indexOf(column)] ?? '';
    const message = faultOf(fields, names, value, lines);
    if (message !== undefined) {
      faults.push({ line, message });
      continue;
    }
    const userID = value('userID').trim();
    lines.set(userID, line);
    const nickname = value('nickname') || userID;
    users.push({ line, userID, nickname, faceURL: value('faceURL'), ex: value('ex') });
  }
  return { users, faults: fault ? [...faults, fault] : faults };
}

function faultOf(
  fields: readonly string[],
  names: readonly string[],
  value: (column: string) => string,
  lines: ReadonlyMap<string, number>,
): string | undefined {
  if (fields.length !== names.length)
    return `it has ${fields.length} fields, and the first line names ${names.length}`;
  const userID = value('userID').trim();
  if (!USER_ID.test(userID)) return `userID: ${userID.slice(0, 80)} is not 1 to 64 letters, digits and _`;
  const before = lines.get(userID);
  if (before !== undefined) return `userID: ${userID} is on line ${before} already`;
  for (const [column, most] of Object.entries(LONGEST)) {
    const { length } = value(column);
    if (length > most) return `${column}: it has ${length} characters, more than ${most}`;
  }
  return undefined;
}
