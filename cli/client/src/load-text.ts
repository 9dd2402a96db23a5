/** Begins the text of every message that a load sends. */
const MARK = 'im:';

/** The text of a load message: its id, and when it was sent (ms since the epoch with fractions), padded to `size`. */
export function loadText(id: string, sentAt: number, size = 0): string {
  const text = `${MARK}${id}:${sentAt.toFixed(3)}:`;
  return text.length < size ? text.padEnd(size, '.') : text;
}

/** What a load message says about itself, or undefined for any other text. */
export function parseLoadText(text: string): { id: string; sentAt: number } | undefined {
  if (!text.startsWith(MARK)) return undefined;
  const end = text.indexOf(':', MARK.length);
  const next = text.indexOf(':', end + 1);
  if (end < 0 || next < 0) return undefined;
  return { id: text.slice(MARK.length, end), sentAt: Number(text.slice(end + 1, next)) };
}

const CONTENT_START = '{"content":"';

/** The content of a text message (101) with the given load text. */
export function loadContent(text: string): Buffer {
  return Buffer.from(`${CONTENT_START}${text}"}`);
}

/** What the content of a message says about it, or undefined when no load sent it. */
export function parseLoadContent(content: Buffer): { id: string; sentAt: number } | undefined {
  const head = content.toString('latin1', 0, 160);
  return head.startsWith(CONTENT_START) ? parseLoadText(head.slice(CONTENT_START.length)) : undefined;
}
