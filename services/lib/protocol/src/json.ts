import protobuf from 'protobufjs';
import type { MessageName } from './codec.ts';
import { argsError } from './errors.ts';
import type { Messages } from './gen/messages.ts';
import { messageType } from './schema.ts';

// JSON as Go's encoding/json writes and reads generated protobuf structs: zero values are written, empty lists
// and absent messages are null, empty maps are left out, keys match case-insensitively, wrappers take bare values.

type Value = unknown;
type Writer = (value: Value) => string;
type Reader = (value: Value, path: string) => Value;

interface FieldRules {
  readonly name: string;
  readonly prefix: string;
  readonly write: (value: Value) => string | undefined;
  readonly read: Reader;
  /** Writes one entry of a list; undefined for fields that are none. */
  readonly entry: Writer | undefined;
}

interface TypeRules {
  fields: readonly FieldRules[];
  write: Writer;
  read: Reader;
  /** Fields, here and inside, that carry a 64-bit hash: parsing must keep the digits of their numbers. */
  hashes: Set<string>;
}

const rules = new Map<protobuf.Type, TypeRules>();

const INT_RANGES: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [-(2 ** 63), 2 ** 63],
  uint64: [0, 2 ** 64],
};

/** In front of the digits of a number that a double may not hold; as JSON has them, so escaped. */
const NUMBER_MARK = '\\u0000';
const LONG_NUMBER = /^\0(\d{16,20})$/;

function mismatch(path: string, value: Value, wanted: string): never {
  const got = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  throw argsError(`field ${path}: cannot use ${got} as ${wanted}`);
}

function readScalar(type: string): Reader {
  if (type === 'string') return (v, path) => (typeof v === 'string' ? v : mismatch(path, v, 'string'));
  if (type === 'bool') return (v, path) => (typeof v === 'boolean' ? v : mismatch(path, v, 'bool'));
  if (type === 'bytes') {
    return (v, path) =>
      typeof v === 'string' ? Buffer.from(v, 'base64') : mismatch(path, v, 'base64 string');
  }
  const [low, high] = INT_RANGES[type] ?? [0, 0];
  return (v, path) => {
    if (typeof v !== 'number' || !Number.isInteger(v) || v < low || v > high) mismatch(path, v, type);
    return v;
  };
}

function readHash(v: Value, path: string): string {
  const digits = typeof v === 'string' ? LONG_NUMBER.exec(v)?.[1] : undefined;
  if (digits !== undefined && BigInt(digits) < 2n ** 64n) return digits;
  if (typeof v === 'number' && Number.isSafeInteger(v) && v >= 0) return String(v);
  return mismatch(path, v, 'uint64');
}

function isHash(field: protobuf.Field): boolean {
  return field.options?.['(json_number)'] === true;
}

function writeScalar(field: protobuf.Field): Writer {
  if (isHash(field)) return (v) => (v === '' ? '0' : String(v));
  if (field.type === 'string') return (v) => JSON.stringify(v);
  if (field.type === 'bytes') {
    return (v) => {
      const b = v as Uint8Array;
      return `"${Buffer.from(b.buffer, b.byteOffset, b.byteLength).toString('base64')}"`;
    };
  }
  return String;
}

function itemRules(field: protobuf.Field): { write: Writer; read: Reader; hashes: Set<string> } {
  if (field.resolvedType instanceof protobuf.Type) {
    const type = field.resolvedType;
    // Resolved on use: types may be recursive.
    return {
      write: (v) => rulesOf(type).write(v),
      read: (v, path) => rulesOf(type).read(v, path),
      hashes: rulesOf(type).hashes,
    };
  }
  return {
    write: writeScalar(field),
    read: isHash(field) ? readHash : readScalar(field.type),
    hashes: new Set(isHash(field) ? [field.name] : []),
  };
}

function fieldWriter(field: protobuf.Field, item: Writer): (value: Value) => string | undefined {
  if (field instanceof protobuf.MapField) {
    const empty = field.options?.['(json_empty_map)'] === true ? '{}' : undefined;
    return (v) => {
      const entries = Object.entries(v as Record<string, Value>);
      if (entries.length === 0) return empty;
      return `{${entries.map(([key, x]) => `${JSON.stringify(key)}:${item(x)}`).join(',')}}`;
    };
  }
  if (field.repeated) {
    const empty = field.options?.['(json_empty_list)'] === true ? '[]' : 'null';
    return (v) => {
      const list = v as readonly Value[];
      return list.length === 0 ? empty : `[${list.map(item).join(',')}]`;
    };
  }
  return (v) => (v === null || v === undefined ? 'null' : item(v));
}

function fieldReader(field: protobuf.Field, item: Reader): Reader {
  if (field instanceof protobuf.MapField) {
    return (v, path) => {
      if (typeof v !== 'object' || v === null || Array.isArray(v)) mismatch(path, v, 'object');
      const out: Record<string, Value> = {};
      for (const [key, x] of Object.entries(v)) {
        if (key !== '__proto__') out[key] = item(x, `${path}.${key}`);
      }
      return out;
    };
  }
  if (field.repeated) {
    return (v, path) => {
      if (!Array.isArray(v)) mismatch(path, v, 'array');
      return v.map((x, i) => item(x, `${path}[${i}]`));
    };
  }
  return item;
}

function build(type: protobuf.Type): TypeRules {
  const built: TypeRules = { fields: [], write: () => '{}', read: (v) => v, hashes: new Set() };
  rules.set(type, built);
  const fields = type.fieldsArray.map((field) => {
    const item = itemRules(field);
    for (const name of item.hashes) built.hashes.add(name);
    return {
      name: field.name,
      prefix: `${JSON.stringify(field.name)}:`,
      write: fieldWriter(field, item.write),
      read: fieldReader(field, item.read),
      entry: field.repeated && !(field instanceof protobuf.MapField) ? item.write : undefined,
    };
  });
  built.fields = fields;
  const byKey = new Map(fields.map((f) => [f.name.toLowerCase(), f]));
  built.write = (value) => {
    const message = value as Record<string, Value>;
    let out = '';
    for (const f of fields) {
      const text = f.write(message[f.name]);
      if (text !== undefined) out += `${out === '' ? '' : ','}${f.prefix}${text}`;
    }
    return `{${out}}`;
  };
  built.read = (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      mismatch(path === '' ? 'body' : path, value, 'object');
    }
    const out: Record<string, Value> = {};
    for (const [key, v] of Object.entries(value)) {
      const f = byKey.get(key.toLowerCase());
      if (f !== undefined && v !== null) out[f.name] = f.read(v, path === '' ? f.name : `${path}.${f.name}`);
    }
    return type.create(out);
  };
  return built;
}

function rulesOf(type: protobuf.Type): TypeRules {
  return rules.get(type) ?? build(type);
}

/** JSON text of a message by the rules of the HTTP API. */
export function toJson<N extends MessageName>(name: N, message: Messages[N]): string {
  return rulesOf(messageType(name)).write(message);
}

/** JSON text of one entry of a list of a message. */
export function toJsonEntry(name: MessageName, list: string, entry: unknown): string {
  const write = rulesOf(messageType(name)).fields.find((field) => field.name === list)?.entry;
  if (!write) throw new TypeError(`${name}.${list} is no list`);
  return write(entry);
}

/** A part of a text is handed on once it has this many characters. */
const PART_CHARS = 65_536;

/** The same text as {@link toJson}, in parts of which one entry of a list at most makes one long. */
export function* toJsonParts<N extends MessageName>(name: N, message: Messages[N]): Generator<string, void> {
  let part = '{';
  let first = true;
  for (const { name: field, prefix, write, entry } of rulesOf(messageType(name)).fields) {
    const value = (message as unknown as Record<string, Value>)[field];
    const list = entry && (value as readonly Value[]);
    const text = entry && list && list.length > 0 ? '[' : write(value);
    if (text === undefined) continue;
    part += `${first ? '' : ','}${prefix}${text}`;
    first = false;
    if (!entry || !list || list.length === 0) continue;
    for (let i = 0; i < list.length; i++) {
      part += (i === 0 ? '' : ',') + entry(list[i]);
      if (part.length < PART_CHARS) continue;
      yield part;
      part = '';
    }
    part += ']';
  }
  yield `${part}}`;
}

/**
 * The text with numbers in these fields as marked strings where a double may not hold them, so that their digits
 * survive parsing. One pass over the source: a reviver would be called for every value in it.
 */
function keepLongNumbers(text: string, fields: ReadonlySet<string>): string {
  const pattern = `("(?:${[...fields].join('|')})"\\s*:\\s*)(\\d{16,20})(?![\\d.eE])`;
  return text.replace(new RegExp(pattern, 'gi'), `$1"${NUMBER_MARK}$2"`);
}

/**
 * The message of a JSON text; keys match case-insensitively, unknown keys are ignored, null means unset.
 * @throws ImError 1001 naming the field, for text that isn't JSON or a value of a wrong type.
 */
export function fromJson<N extends MessageName>(name: N, text: string): Messages[N] {
  const { read, hashes } = rulesOf(messageType(name));
  let value: unknown;
  try {
    value = JSON.parse(hashes.size === 0 ? text : keepLongNumbers(text, hashes));
  } catch {
    throw argsError('body is not valid JSON');
  }
  return read(value, '') as Messages[N];
}

/** Like `fromJson`, for a value that was already parsed. */
export function fromJsonValue<N extends MessageName>(name: N, value: unknown): Messages[N] {
  return rulesOf(messageType(name)).read(value, '') as Messages[N];
}

/** The text that Go's JSON encoder would write for a string list; hashes of the sync API are taken over it. */
export function goJsonStrings(values: readonly string[]): string {
  return JSON.stringify(values).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
