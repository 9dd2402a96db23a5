import type { Message } from '@im/admin-api';

/** Most characters of a message in a list. */
const MOST = 2_000;

/** Fields of contents that are texts, by content type. */
const TEXT_FIELDS: Readonly<Record<number, string>> = { 101: 'content', 106: 'text', 114: 'text' };

/** What a message says, as far as a line shows it: the text of those that have one, else the content as it is. */
export function readableContent({ contentType, content }: Pick<Message, 'contentType' | 'content'>): string {
  const field = TEXT_FIELDS[contentType];
  if (field !== undefined) {
    try {
      const text: unknown = JSON.parse(content)[field];
      if (typeof text === 'string') return text.slice(0, MOST);
    } catch {
      // Shown as it is.
    }
  }
  return content.slice(0, MOST);
}
