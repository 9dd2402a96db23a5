import type { RequestEnvelope, ResponseEnvelope } from './envelope.ts';
import { GOB } from './gob-types.ts';

/** Bytes of an unsigned integer in gob. */
function uintSize(value: number): number {
  if (value < 128) return 1;
  let size = 1;
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) size++;
  return size;
}

/** Writes an unsigned integer and returns the position behind it. */
function writeUint(out: Buffer, position: number, value: number): number {
  if (value < 128) {
    out[position] = value;
    return position + 1;
  }
  const end = position + uintSize(value);
  out[position] = 256 - (end - position - 1);
  let rest = value;
  for (let i = end - 1; i > position; i--) {
    out[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return end;
}

/** The sign goes to the lowest bit. */
const zigzag = (value: number): number => (value >= 0 ? value * 2 : -value * 2 - 1);

interface Field {
  readonly name: string;
  readonly type: number;
}

function uintBytes(value: number): number[] {
  const out = Buffer.alloc(uintSize(value));
  writeUint(out, 0, value);
  return [...out];
}

function stringBytes(value: string): number[] {
  return [...uintBytes(Buffer.byteLength(value)), ...Buffer.from(value)];
}

/** The type-definition message of a struct, as Go's encoder writes it, with its length. */
function structDefinition(name: string, id: number, fields: readonly Field[]): Buffer {
  const common = [1, ...stringBytes(name), 1, ...uintBytes(zigzag(id)), 0];
  const list = fields.flatMap((f) => [1, ...stringBytes(f.name), 1, ...uintBytes(zigzag(f.type)), 0]);
  // Delta 3 names the struct member of the definition; within it: the common part, then the fields.
  const content = [...uintBytes(zigzag(-id)), 3, 1, ...common, 1, ...uintBytes(fields.length), ...list, 0, 0];
  return Buffer.from([...uintBytes(content.length), ...content]);
}

const RESPONSE_ID = 66;
/**
 * Every frame begins with these bytes: each is a separate gob stream. The order of the fields is
 * part of the contract, because one client library goes by it instead of the definition.
 */
const RESPONSE_PREFIX = structDefinition('Resp', RESPONSE_ID, [
  { name: 'ReqIdentifier', type: GOB.int },
  { name: 'MsgIncr', type: GOB.string },
  { name: 'OperationID', type: GOB.string },
  { name: 'ErrCode', type: GOB.int },
  { name: 'ErrMsg', type: GOB.string },
  { name: 'Data', type: GOB.bytes },
]);

const REQUEST_ID = 64;
const REQUEST_PREFIX = structDefinition('GeneralWsReq', REQUEST_ID, [
  { name: 'ReqIdentifier', type: GOB.int },
  { name: 'Token', type: GOB.string },
  { name: 'SendID', type: GOB.string },
  { name: 'OperationID', type: GOB.string },
  { name: 'MsgIncr', type: GOB.string },
  { name: 'Data', type: GOB.bytes },
]);

type Value = number | string | Uint8Array;

function isZero(value: Value): boolean {
  return typeof value === 'number' ? value === 0 : value.length === 0;
}

/** Definition and value in one buffer; zero values are left out. */
function encodeStruct(prefix: Buffer, id: number, values: readonly Value[]): Buffer {
  const sizes = new Array<number>(values.length).fill(0);
  let content = uintSize(zigzag(id)) + 1;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (isZero(value)) continue;
    if (typeof value === 'number') content += 1 + uintSize(zigzag(value));
    else {
      const size = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
      sizes[i] = size;
      content += 1 + uintSize(size) + size;
    }
  }
  const out = Buffer.allocUnsafe(prefix.length + uintSize(content) + content);
  prefix.copy(out);
  let at = writeUint(out, prefix.length, content);
  at = writeUint(out, at, zigzag(id));
  let last = -1;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (isZero(value)) continue;
    out[at++] = i - last;
    last = i;
    if (typeof value === 'number') at = writeUint(out, at, zigzag(value));
    else {
      const size = sizes[i] ?? 0;
      at = writeUint(out, at, size);
      if (typeof value === 'string') out.write(value, at, size, 'utf8');
      else out.set(value, at);
      at += size;
    }
  }
  out[at] = 0;
  return out;
}

/** A complete gob stream of an answer or push. */
export function encodeGobResponse(r: ResponseEnvelope): Buffer {
  return encodeStruct(RESPONSE_PREFIX, RESPONSE_ID, [
    r.reqIdentifier,
    r.msgIncr,
    r.operationID,
    r.errCode,
    r.errMsg,
    r.data ?? '',
  ]);
}

/** A complete gob stream of a request, as the Go client writes it. */
export function encodeGobRequest(r: RequestEnvelope): Buffer {
  return encodeStruct(REQUEST_PREFIX, REQUEST_ID, [
    r.reqIdentifier,
    r.token,
    r.sendID,
    r.operationID,
    r.msgIncr,
    r.data,
  ]);
}
