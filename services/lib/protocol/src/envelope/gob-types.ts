import { EnvelopeError } from './envelope.ts';
import type { GobReader } from './gob-reader.ts';

/** Type ids that every gob stream knows. */
export const GOB = {
  bool: 1,
  int: 2,
  uint: 3,
  float: 4,
  bytes: 5,
  string: 6,
  complex: 7,
  interface: 8,
} as const;

/** First id that a stream may define. */
const FIRST_OWN_ID = 17;
const MAX_FIELDS = 256;
const MAX_DEPTH = 16;

/** A type that a stream defines. */
export type GobType =
  | { readonly kind: 'struct'; readonly fields: readonly GobField[] }
  | { readonly kind: 'list'; readonly element: number }
  | { readonly kind: 'map'; readonly key: number; readonly element: number }
  | { readonly kind: 'opaque' };

/** A field of a struct, in the order of its number. */
export interface GobField {
  readonly name: string;
  readonly type: number;
}

/** The types of a stream by id. */
export type GobTypes = Map<number, GobType>;

/** Calls `read` with the number of each field that is present, up to the closing zero. */
function eachField(r: GobReader, count: number, read: (field: number) => void): void {
  let field = -1;
  for (;;) {
    const delta = r.uint();
    if (delta === 0) return;
    field += delta;
    if (field >= count) throw new EnvelopeError('gob: unknown field number');
    read(field);
  }
}

/** Passes over {Name string, Id int}. */
function skipCommon(r: GobReader): void {
  eachField(r, 2, (field) => (field === 0 ? r.skipByteString() : r.skipUint()));
}

function readFields(r: GobReader): GobField[] {
  const count = r.uint();
  if (count > MAX_FIELDS) throw new EnvelopeError('gob: too many fields');
  const fields: GobField[] = [];
  for (let i = 0; i < count; i++) {
    let name = '';
    let type = 0;
    eachField(r, 2, (field) => {
      if (field === 0) name = r.string();
      else type = r.int();
    });
    fields.push({ name, type });
  }
  return fields;
}

/** Members of the type-definition struct by number. */
const WIRE = { array: 0, slice: 1, struct: 2, map: 3 } as const;
const WIRE_MEMBERS = 7;

function readDefinition(r: GobReader, member: number): GobType {
  if (member === WIRE.struct) {
    let fields: GobField[] = [];
    eachField(r, 2, (field) => {
      if (field === 0) skipCommon(r);
      else fields = readFields(r);
    });
    return { kind: 'struct', fields };
  }
  // Arrays and slices: common part, element, and of arrays the length; maps: common part, key, element.
  const ids = [0, 0];
  eachField(r, 3, (field) => {
    if (field === 0) skipCommon(r);
    else ids[field - 1] = r.int();
  });
  const [first = 0, second = 0] = ids;
  if (member === WIRE.map) return { kind: 'map', key: first, element: second };
  if (member === WIRE.array || member === WIRE.slice) return { kind: 'list', element: first };
  return { kind: 'opaque' };
}

/** Reads one type definition, which the stream gives the id `id`, into `types`. @throws EnvelopeError. */
export function defineType(r: GobReader, id: number, types: GobTypes): void {
  if (id < FIRST_OWN_ID || types.has(id)) throw new EnvelopeError('gob: type defined twice');
  let type: GobType | undefined;
  eachField(r, WIRE_MEMBERS, (member) => {
    if (type) throw new EnvelopeError('gob: two definitions in one');
    type = readDefinition(r, member);
  });
  if (!type) throw new EnvelopeError('gob: empty type definition');
  types.set(id, type);
}

/** Passes over a value of any type. Its cost is bounded by the bytes it passes and a depth of 16. */
export function skipValue(r: GobReader, id: number, types: GobTypes, depth = 0): void {
  if (depth > MAX_DEPTH) throw new EnvelopeError('gob: nested too deeply');
  switch (id) {
    case GOB.bool:
    case GOB.int:
    case GOB.uint:
    case GOB.float:
      r.skipUint();
      break;
    case GOB.complex:
      r.skipUint();
      r.skipUint();
      break;
    case GOB.bytes:
    case GOB.string:
      r.skipByteString();
      break;
    case GOB.interface:
      skipInterface(r);
      break;
    default:
      skipOwn(r, types.get(id), types, depth);
  }
}

/** An interface value: the name of its type (empty: nil), its id, and its bytes with their length. */
function skipInterface(r: GobReader): void {
  const name = r.length();
  r.position += name;
  if (name === 0) return;
  r.skipUint();
  r.skipByteString();
}

function skipOwn(r: GobReader, type: GobType | undefined, types: GobTypes, depth: number): void {
  if (type === undefined) throw new EnvelopeError('gob: undefined type');
  if (type.kind === 'opaque') {
    r.skipByteString();
  } else if (type.kind === 'struct') {
    const { fields } = type;
    eachField(r, fields.length, (field) => skipValue(r, fields[field]?.type ?? 0, types, depth + 1));
  } else {
    // Every element takes at least one byte, so a count beyond what is left is a lie.
    const count = r.length();
    for (let i = 0; i < count; i++) {
      if (type.kind === 'map') skipValue(r, type.key, types, depth + 1);
      skipValue(r, type.element, types, depth + 1);
    }
  }
}
