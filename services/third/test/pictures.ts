import { crc32, deflateSync } from 'node:zlib';

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** A PNG of these chunks of pixels. Source: PNG specification, section 11. */
function pngOf(
  width: number,
  height: number,
  interlaced: boolean,
  pixels: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, interlaced ? 1 : 0], 8);
  const parts = [chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))];
  return new Uint8Array(Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts]));
}

/** A PNG with a gradient. */
export function png(width: number, height: number): Uint8Array<ArrayBuffer> {
  const rows = Buffer.alloc(height * (1 + width * 4));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      rows.set([(x * 255) / width, (y * 255) / height, 128, 255], y * (1 + width * 4) + 1 + x * 4);
    }
  }
  return pngOf(width, height, false, deflateSync(rows));
}

/** A PNG that claims to be of this size and has hardly any pixels. */
export function hollowPng(width: number, height: number, interlaced = false): Uint8Array<ArrayBuffer> {
  return pngOf(width, height, interlaced, deflateSync(Buffer.alloc(1_000)));
}

/** A PNG of one colour, a few kilobytes for any size. */
export function plainPng(width: number, height: number): Uint8Array<ArrayBuffer> {
  return pngOf(width, height, false, deflateSync(Buffer.alloc(height * (1 + width * 4))));
}

/** The JPEG with an EXIF orientation. Source: CIPA DC-008, 4.6.4 and 4.7.2. */
export function oriented(jpeg: Uint8Array, orientation: number): Uint8Array<ArrayBuffer> {
  const tiff = Buffer.from('4d4d002a000000080001011200030000000100000000000000000000', 'hex').subarray(0, 26);
  tiff.writeUInt16BE(orientation, 18);
  const exif = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  const marker = Buffer.from([0xff, 0xe1, 0, exif.length + 2]);
  return new Uint8Array(Buffer.concat([jpeg.subarray(0, 2), marker, exif, jpeg.subarray(2)]));
}

/** The GIF with its one frame twice. Source: GIF89a specification, section 18. */
export function animated(gif: Uint8Array): Uint8Array<ArrayBuffer> {
  const flags = gif[10] ?? 0;
  const table = 13 + ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1));
  const frame = gif.subarray(table, gif.length - 1);
  return new Uint8Array(Buffer.concat([gif.subarray(0, table), frame, frame, gif.subarray(gif.length - 1)]));
}
