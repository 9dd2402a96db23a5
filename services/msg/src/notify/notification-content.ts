import { argsError } from '@im/protocol';

/** Largest content of a notification; a record holds it twice and must fit one message of the log (1 MiB). */
const MAX_CONTENT_BYTES = 450_000;
/** Entries of each list that remain when the content is too large. */
const KEPT_ENTRIES = 50;

function contentOf(detail: string): Buffer {
  return Buffer.from(JSON.stringify({ detail }));
}

/**
 * The tips with short lists, and without the version by which a client would take them for complete:
 * it reads the members again instead.
 * @returns undefined for text that is no JSON object.
 */
function shortened(detail: string): string | undefined {
  let tips: unknown;
  try {
    tips = JSON.parse(detail);
  } catch {
    return undefined;
  }
  if (typeof tips !== 'object' || tips === null || Array.isArray(tips)) return undefined;
  const fields = Object.entries(tips).map(([name, value]): [string, unknown] => {
    if (name === 'groupMemberVersion') return [name, 0];
    if (name === 'groupMemberVersionID') return [name, ''];
    return [name, Array.isArray(value) ? value.slice(0, KEPT_ENTRIES) : value];
  });
  return JSON.stringify(Object.fromEntries(fields));
}

/** Bytes of an id in a record, with its frame. */
const ID_BYTES = 72;
/** Longest text that a membership's notification keeps when it is too large: ids are shorter. */
const KEPT_TEXT = 128;

/** JSON text without its long texts. */
function withoutLongTexts(json: string): string {
  return JSON.stringify(JSON.parse(json), (_, value: unknown) =>
    typeof value === 'string' && value.length > KEPT_TEXT ? '' : value,
  );
}

/**
 * The content of a notification: its tips as JSON text inside JSON. Lists that are too long are cut, because
 * the record may change who is a member, and that must not be lost for the size of a list of names.
 * @param moved users whose membership the record changes; with any, nothing is a reason to refuse it: what is still
 * too large loses its long texts, and at last all tips.
 * @throws ImError 1001 when it is too large nevertheless.
 */
export function notificationContent(detail: string, moved = 0): Buffer {
  // The record holds the ids of those who are moved, too.
  const most = Math.max(MAX_CONTENT_BYTES - (moved * ID_BYTES) / 2, 0);
  const content = contentOf(detail);
  if (content.length <= most) return content;
  const short = shortened(detail);
  const cut = short === undefined ? content : contentOf(short);
  if (cut.length <= most) return cut;
  if (moved === 0) throw argsError(`detail is larger than ${MAX_CONTENT_BYTES} bytes`);
  const bare = short === undefined ? undefined : contentOf(withoutLongTexts(short));
  return bare !== undefined && bare.length <= most ? bare : contentOf('{}');
}
