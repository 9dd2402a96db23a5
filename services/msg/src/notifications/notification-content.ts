import { argsError } from '@im/protocol';

/** Largest content of a notification; a record holds it twice and must fit one message of the log (1 MiB). */
const MAX_CONTENT_BYTES = 450_000;
/** Entries kept of each list when the content is too large. */
const KEPT_ENTRIES = 50;

function contentOf(detail: string): Buffer {
  return Buffer.from(JSON.stringify({ detail }));
}

/**
 * The tips with shortened lists, and without the version that marks them as complete: clients read the members
 * again instead.
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
/** Longest text kept in an oversized notification of a membership change: ids are shorter. */
const KEPT_TEXT = 128;

/** JSON text without its long texts. */
function withoutLongTexts(json: string): string {
  return JSON.stringify(JSON.parse(json), (_, value: unknown) =>
    typeof value === 'string' && value.length > KEPT_TEXT ? '' : value,
  );
}

/**
 * The content of a notification: its tips as JSON text inside JSON. Lists that are too long are cut, because
 * the record may change memberships, which must not be lost because of a long list of names.
 * @param moved number of users whose membership the record changes. If there are any, the content is never refused:
 * if still too large, it loses its long texts and finally all tips. @default 0
 * @throws ImError 1001 when it is too large and `moved` is 0.
 */
export function notificationContent(detail: string, moved = 0): Buffer {
  // The record also holds the ids of these users.
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
