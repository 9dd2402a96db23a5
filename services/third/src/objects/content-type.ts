import type { Served } from '@im/blob';

const UNKNOWN = 'application/octet-stream';
const SHAPE = /^([a-z]+)\/([a-z0-9][a-z0-9.+-]*)(?:\s*;.*)?$/i;
/** Types that browsers show without running anything. */
const SHOWN = new Set(['image', 'audio', 'video']);

/**
 * How an object of this type is served. The type is what the uploader claims: images, audio and video are
 * shown, everything else, such as HTML, SVG, XML, scripts and PDF, is an attachment.
 */
export function servedAs(contentType: string): Served {
  const [, type = '', subtype = ''] = SHAPE.exec(contentType.trim()) ?? [];
  if (type === '') return { contentType: UNKNOWN, attachment: true };
  const plain = `${type}/${subtype}`.toLowerCase();
  const shown = SHOWN.has(type.toLowerCase()) && !/xml/i.test(subtype);
  return { contentType: plain, attachment: !shown };
}
