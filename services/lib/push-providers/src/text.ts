const ENCODER = new TextEncoder();
const ELLIPSIS = '…';

/** Bytes of a text in UTF-8. */
export function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

/** The beginning of a text in at most `bytes` bytes of UTF-8, cut between code points, with an ellipsis where it fits. */
export function cutBytes(text: string, bytes: number): string {
  if (bytesOf(text) <= bytes) return text;
  const tail = bytes >= 8 ? ELLIPSIS : '';
  const room = Math.max(0, bytes - bytesOf(tail));
  const { read } = ENCODER.encodeInto(text, new Uint8Array(room));
  return text.slice(0, read) + tail;
}

/** The beginning of a text in at most `count` code points. */
export function cutCharacters(text: string, count: number): string {
  if (text.length <= count) return text;
  const points = [...text];
  return points.length <= count ? text : points.slice(0, Math.max(0, count - 1)).join('') + ELLIPSIS;
}

/** Texts and data of a notification that may be shortened to fit. */
export interface Shortened {
  readonly title: string;
  readonly body: string;
  readonly data: Readonly<Record<string, string>>;
}

/**
 * Encodes a notification in at most `bytes` bytes. What the sender gave as extra data is left out first, then text is
 * cut, between code points; what the encoding makes of a text counts, such as escapes.
 * @throws RangeError when it does not fit even without text.
 */
export function fitBytes(full: Shortened, bytes: number, encode: (shortened: Shortened) => string): string {
  let encoded = encode(full);
  if (bytesOf(encoded) <= bytes) return encoded;
  const { ex: _, ...data } = full.data;
  let shortened: Shortened = { ...full, data };
  // An escape makes up to six bytes of one, so the room is approached from above.
  for (let attempt = 0; attempt < 24; attempt++) {
    encoded = encode(shortened);
    const over = bytesOf(encoded) - bytes;
    if (over <= 0) return encoded;
    const { title, body } = shortened;
    const longer = bytesOf(body) >= bytesOf(title) ? 'body' : 'title';
    const size = bytesOf(shortened[longer]);
    const cut = cutBytes(
      shortened[longer],
      Math.max(0, size - Math.max(1, Math.min(over, Math.ceil(size / 2)))),
    );
    if (cut === shortened[longer]) break;
    shortened = { ...shortened, [longer]: cut };
  }
  encoded = encode({ ...shortened, title: '', body: '' });
  if (bytesOf(encoded) <= bytes) return encoded;
  throw new RangeError(`a notification has ${bytesOf(encoded)} bytes without its text; at most ${bytes} fit`);
}
