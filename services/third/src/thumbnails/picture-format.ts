/** Formats that thumbnails are made of and in. */
export type PictureFormat = 'jpeg' | 'png' | 'webp' | 'gif';

/** Bytes that {@link formatOf} looks at. */
export const HEAD_BYTES = 16;

/** The content type of each format. */
export const CONTENT_TYPES: Readonly<Record<PictureFormat, string>> = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  gif: 'image/gif',
};

/** The format of a picture by its first bytes, regardless of what its uploader calls it; undefined for any other file. */
export function formatOf(head: Uint8Array): PictureFormat | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, HEAD_BYTES)).toString(
    'latin1',
  );
  if (text.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'webp';
  if (text.startsWith('GIF87a') || text.startsWith('GIF89a')) return 'gif';
  return undefined;
}

/** The format with this name, such as `jpg`; undefined for any other text. */
export function formatNamed(name: string): PictureFormat | undefined {
  const lower = name.toLowerCase();
  if (lower === 'jpg') return 'jpeg';
  return Object.hasOwn(CONTENT_TYPES, lower) ? (lower as PictureFormat) : undefined;
}
