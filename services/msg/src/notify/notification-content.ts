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

/**
 * The content of a notification: its tips as JSON text inside JSON. Lists that are too long are cut, because
 * the record may change who is a member, and that must not be lost for the size of a list of names.
 * @throws ImError 1001 when it is too large nevertheless.
 */
export function notificationContent(detail: string): Buffer {
  const content = contentOf(detail);
  if (content.length <= MAX_CONTENT_BYTES) return content;
  const short = shortened(detail);
  const cut = short === undefined ? content : contentOf(short);
  if (cut.length > MAX_CONTENT_BYTES) throw argsError(`detail is larger than ${MAX_CONTENT_BYTES} bytes`);
  return cut;
}
