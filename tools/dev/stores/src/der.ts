/**
 * The few ASN.1 types that certificates are made of, in DER.
 * Source: X.690 for the encoding.
 */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

export const sequence = (...parts: readonly Buffer[]): Buffer => tagged(TAG.sequence, ...parts);
export const set = (...parts: readonly Buffer[]): Buffer => tagged(TAG.set, ...parts);
export const boolean = (value: boolean): Buffer => tagged(TAG.boolean, Buffer.from([value ? 0xff : 0]));
export const octetString = (bytes: Buffer): Buffer => tagged(TAG.octetString, bytes);
export const utf8String = (text: string): Buffer => tagged(TAG.utf8String, Buffer.from(text));

/** A value under an explicit or implicit context tag, `number` below 31. */
export function context(number: number, constructed: boolean, ...parts: readonly Buffer[]): Buffer {
  return tagged((constructed ? 0xa0 : 0x80) | number, ...parts);
}

/** A non-negative integer from its big-endian bytes. */
export function integer(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  const negative = ((digits[0] ?? 0) & 0x80) !== 0;
  return tagged(TAG.integer, negative ? Buffer.concat([Buffer.from([0]), digits]) : digits);
}

/** Bits in whole bytes, or with the last `unused` bits left out. */
export function bitString(bytes: Buffer, unused = 0): Buffer {
  return tagged(TAG.bitString, Buffer.from([unused]), bytes);
}

/** From dotted numbers such as `2.5.4.3`. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tagged(TAG.objectIdentifier, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** A moment, in whole seconds of UTC. */
export function generalizedTime(time: Date): Buffer {
  const text = time.toISOString().replace(/[-:T]|\.\d+/g, '');
  return tagged(TAG.generalizedTime, Buffer.from(text));
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content)]), content]);
}

function lengthOf({ length }: Buffer): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}
