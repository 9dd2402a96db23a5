/** Escapes that JSON may have in place of a character. */
const ESCAPE = Buffer.from('\\u');

function* stringsOf(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null)
    for (const one of Object.values(value)) yield* stringsOf(one);
}

/** A text as it is compared: without the difference of cases and of ways to write a character. */
function folded(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

/**
 * Whether the content of a message contains a text, in any case: in one of the strings of its JSON, names of fields are
 * none of them, or in all of what is no JSON.
 */
export function textMatcher(text: string): (content: Uint8Array) => boolean {
  const wanted = folded(text);
  return (content) => {
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
    const raw = bytes.toString();
    // Most messages have nothing like it: they are not parsed.
    if (!folded(raw).includes(wanted) && !bytes.includes(ESCAPE) && !needsEscape(wanted)) return false;
    let value: unknown;
    try {
      value = JSON.parse(raw);
    } catch {
      return folded(raw).includes(wanted);
    }
    for (const one of stringsOf(value)) if (folded(one).includes(wanted)) return true;
    return false;
  };
}

/** JSON writes it in another way. */
function needsEscape(text: string): boolean {
  return JSON.stringify(text).length !== text.length + 2;
}
