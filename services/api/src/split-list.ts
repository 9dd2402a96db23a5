import { MAX_PAGE } from '@im/kit';
import {
  largestStored,
  type MessageName,
  type Messages,
  manyFields,
  type sdkws,
  toJson,
  toJsonEntry,
} from '@im/protocol';

type AnyMessage = Messages[MessageName];
type Fields = Readonly<Record<string, unknown>>;

/** A list that is requested in several calls when it is long, so that the largest entries fit into each answer. */
export interface SplitOptions {
  /** Field of the request with the requested ids. @default none: the list has pages */
  readonly ids?: string;
}

/** {@link SplitOptions} with the list of a response. */
export interface Split extends SplitOptions {
  readonly list: string;
  /** Most entries of one call. */
  readonly entries: number;
}

/** Most bytes that the largest entries of one call take; half of what `rpc.maxAnswerBytes` allows. */
const CALL_BYTES = 33_554_432;
/** Most entries of one call, even if they are small: a page of the usual size is one call. */
const MOST_ENTRIES = 1_000;

/** How lists in answers of this type are split. @throws TypeError for one without a list of messages. */
export function splitOf(response: MessageName, options: SplitOptions): Split {
  const [[list, entry] = []] = manyFields(response).entries;
  if (list === undefined || entry === undefined) throw new TypeError(`${response} has no list of messages`);
  const entries = Math.min(MOST_ENTRIES, Math.max(1, Math.floor(CALL_BYTES / largestStored(entry))));
  return { ...options, list, entries };
}

/** One of several calls, and the range of its entries that belongs to the answer. */
interface Part {
  readonly request: Fields;
  readonly begin: number;
  readonly end: number;
}

/** Entries of one call, so that calls end where pages of the client do, if that is not much fewer. */
function callSize(showNumber: number, entries: number): number {
  for (let size = entries; size * 4 >= entries; size--) if (showNumber % size === 0) return size;
  return entries;
}

function* pages(request: Fields, entries: number): Generator<Part, void> {
  const { pageNumber, showNumber } = request.pagination as sdkws.RequestPagination;
  const size = callSize(showNumber, entries);
  const first = (pageNumber - 1) * showNumber;
  const last = first + showNumber;
  for (let page = Math.floor(first / size); page * size < last; page++) {
    yield {
      request: { ...request, pagination: { pageNumber: page + 1, showNumber: size } },
      begin: Math.max(0, first - page * size),
      end: Math.min(size, last - page * size),
    };
  }
}

function* idLists(request: Fields, field: string, entries: number): Generator<Part, void> {
  const ids = [...new Set(request[field] as readonly string[])];
  for (let i = 0; i < ids.length; i += entries)
    yield { request: { ...request, [field]: ids.slice(i, i + entries) }, begin: 0, end: entries };
}

/** Whether a request asks for more entries than one call should answer. */
export function isSplit(request: Fields, { entries, ids }: Split): boolean {
  if (ids !== undefined) return (request[ids] as readonly string[]).length > entries;
  const pagination = request.pagination as sdkws.RequestPagination | null;
  if (pagination === null || pagination.pageNumber < 1) return false;
  return pagination.showNumber > entries && pagination.showNumber <= MAX_PAGE;
}

/**
 * JSON text of the answer to a request that takes several calls, each made once the text before it was read. The list
 * comes first; other fields, such as the total, follow: of pages from the first answer, of ids as the sum.
 */
export async function* splitAnswer(
  response: MessageName,
  request: Fields,
  split: Split,
  ask: (request: Fields) => Promise<AnyMessage>,
): AsyncGenerator<string, void> {
  const { ids, entries, list } = split;
  const rest: Record<string, unknown> = {};
  let written = 0;
  yield `{${JSON.stringify(list)}:`;
  for (const part of ids === undefined ? pages(request, entries) : idLists(request, ids, entries)) {
    const answer = await ask(part.request);
    const all = (answer as unknown as Fields)[list] as readonly unknown[];
    for (const entry of all.slice(part.begin, part.end))
      yield (written++ === 0 ? '[' : ',') + toJsonEntry(response, list, entry);
    const others: Fields = JSON.parse(toJson(response, { ...answer, [list]: [] } as AnyMessage));
    for (const [field, value] of Object.entries(others)) {
      if (field === list) continue;
      if (!(field in rest)) rest[field] = value;
      else if (ids !== undefined) rest[field] = Number(rest[field]) + Number(value);
    }
    if (ids === undefined && all.length === 0) break;
  }
  const after = Object.entries(rest).map(
    ([field, value]) => `,${JSON.stringify(field)}:${JSON.stringify(value)}`,
  );
  yield `${written === 0 ? 'null' : ']'}${after.join('')}}`;
}
