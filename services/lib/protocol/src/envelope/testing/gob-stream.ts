/** Unsigned integer of gob, for streams made by hand in tests. */
export function uint(n: number): number[] {
  if (n < 128) return [n];
  const bytes: number[] = [];
  for (let rest = n; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [256 - bytes.length, ...bytes];
}

/** Signed integer of gob. */
export function zig(n: number): number[] {
  return uint(n >= 0 ? n * 2 : -n * 2 - 1);
}

const text = (s: string) => [...uint(Buffer.byteLength(s)), ...Buffer.from(s)];
const common = (id: number, name: string) => [1, ...text(name), 1, ...zig(id), 0];

/** A message: its length, then its content. */
export function message(content: readonly number[]): Buffer {
  return Buffer.from([...uint(content.length), ...content]);
}

/** Definition of a struct type. */
export function structType(id: number, name: string, fields: readonly (readonly [string, number])[]): Buffer {
  const list = fields.flatMap(([field, type]) => [1, ...text(field), 1, ...zig(type), 0]);
  return message([...zig(-id), 3, 1, ...common(id, name), 1, ...uint(fields.length), ...list, 0, 0]);
}

/** Definition of a slice type. */
export function list(id: number, element: number): Buffer {
  return message([...zig(-id), 2, 1, ...common(id, 'List'), 1, ...zig(element), 0, 0]);
}

/** Definition of a map type. */
export function mapOf(id: number, key: number, element: number): Buffer {
  return message([...zig(-id), 4, 1, ...common(id, 'Map'), 1, ...zig(key), 1, ...zig(element), 0, 0]);
}

/** A value message of a struct: each field begins with its delta. */
export function value(
  id: number,
  fields: readonly (readonly (number | readonly number[] | Buffer)[])[],
): Buffer {
  const content = fields.flatMap((parts) =>
    parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part])),
  );
  return message([...zig(id), ...content, 0]);
}
