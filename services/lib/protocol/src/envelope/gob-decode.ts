import { EnvelopeError, NO_BYTES, type RequestEnvelope, type ResponseEnvelope } from './envelope.ts';
import { GobReader } from './gob-reader.ts';
import { defineType, GOB, type GobField, type GobTypes, skipValue } from './gob-types.ts';

/** One member of the struct that a decoder wants, found in a stream by its name. */
interface Wanted {
  readonly name: string;
  readonly type: typeof GOB.int | typeof GOB.string | typeof GOB.bytes;
}

/** How to read the values of one type definition. */
interface Plan {
  /** Id that the value message must carry. */
  readonly id: number;
  readonly fields: readonly GobField[];
  /** Per field of the stream: index of the wanted member, or -1. */
  readonly targets: readonly number[];
  /** For values of other types that are passed over. */
  readonly types: GobTypes;
}

type Value = number | string | Buffer;

const CACHED_PLANS = 16;
const MAX_DEFINITIONS = 16;

/**
 * Decodes one struct from complete gob streams (type definitions, then one value). It goes by the
 * names in the stream's own definition, whatever their order and ids; a process sees few different
 * definitions, so the plans made of them are kept, keyed by their bytes.
 */
class GobStructDecoder {
  readonly #wanted: readonly Wanted[];
  readonly #plans: { readonly prefix: Buffer; readonly plan: Plan }[] = [];
  #evict = 0;

  constructor(wanted: readonly Wanted[]) {
    this.#wanted = wanted;
  }

  /** The values by the order of the wanted members; undefined for those absent. @throws EnvelopeError. */
  decode(frame: Buffer): (Value | undefined)[] {
    const r = new GobReader(frame);
    const plan = this.#cachedPlan(r) ?? this.#readPlan(r);
    const valueEnd = r.length() + r.position;
    if (valueEnd !== frame.length) throw new EnvelopeError('gob: more than one value');
    if (r.int() !== plan.id) throw new EnvelopeError('gob: value of another type');
    const values = this.#readStruct(r, plan);
    if (r.left !== 0) throw new EnvelopeError('gob: bytes after the value');
    return values;
  }

  /** The plan when the first message of the frame is a definition seen before; then stands behind it. */
  #cachedPlan(r: GobReader): Plan | undefined {
    const end = r.length() + r.position;
    for (const { prefix, plan } of this.#plans) {
      if (prefix.length === end && prefix.compare(r.bytes, 0, end) === 0) {
        r.position = end;
        return plan;
      }
    }
    r.position = 0;
    return undefined;
  }

  /** Reads definitions up to the value message, and stands before that one's length. */
  #readPlan(r: GobReader): Plan {
    const types: GobTypes = new Map();
    const frameEnd = r.end;
    for (;;) {
      const start = r.position;
      const messageEnd = r.length() + r.position;
      r.end = messageEnd;
      const id = r.int();
      if (id >= 0) {
        r.end = frameEnd;
        r.position = start;
        const plan = this.#plan(id, types);
        if (types.size === 1) this.#keep(Buffer.from(r.bytes.subarray(0, start)), plan);
        return plan;
      }
      if (types.size === MAX_DEFINITIONS) throw new EnvelopeError('gob: too many type definitions');
      defineType(r, -id, types);
      if (r.left !== 0) throw new EnvelopeError('gob: bytes after a type definition');
      r.end = frameEnd;
    }
  }

  #plan(id: number, types: GobTypes): Plan {
    const type = types.get(id);
    if (type?.kind !== 'struct') throw new EnvelopeError('gob: value is no struct');
    const targets = type.fields.map(({ name }) => this.#wanted.findIndex((w) => w.name === name));
    if (targets.every((target) => target < 0)) throw new EnvelopeError('gob: no field in common');
    for (const [i, target] of targets.entries()) {
      const wanted = this.#wanted[target];
      if (wanted && type.fields[i]?.type !== wanted.type) {
        throw new EnvelopeError(`gob: wrong type of field ${wanted.name}`);
      }
    }
    return { id, fields: type.fields, targets, types };
  }

  #keep(prefix: Buffer, plan: Plan): void {
    if (this.#plans.length < CACHED_PLANS) this.#plans.push({ prefix, plan });
    else {
      this.#plans[this.#evict] = { prefix, plan };
      this.#evict = (this.#evict + 1) % CACHED_PLANS;
    }
  }

  #readStruct(r: GobReader, plan: Plan): (Value | undefined)[] {
    const values: (Value | undefined)[] = new Array(this.#wanted.length).fill(undefined);
    const { fields, targets } = plan;
    let field = -1;
    for (;;) {
      const delta = r.uint();
      if (delta === 0) return values;
      field += delta;
      const target = targets[field];
      if (target === undefined) throw new EnvelopeError('gob: unknown field number');
      const type = fields[field]?.type ?? 0;
      if (target < 0) skipValue(r, type, plan.types);
      else if (type === GOB.int) values[target] = r.int();
      else if (type === GOB.string) values[target] = r.string();
      else values[target] = r.byteString();
    }
  }
}

const requests = new GobStructDecoder([
  { name: 'ReqIdentifier', type: GOB.int },
  { name: 'Token', type: GOB.string },
  { name: 'SendID', type: GOB.string },
  { name: 'OperationID', type: GOB.string },
  { name: 'MsgIncr', type: GOB.string },
  { name: 'Data', type: GOB.bytes },
]);

const responses = new GobStructDecoder([
  { name: 'ReqIdentifier', type: GOB.int },
  { name: 'MsgIncr', type: GOB.string },
  { name: 'OperationID', type: GOB.string },
  { name: 'ErrCode', type: GOB.int },
  { name: 'ErrMsg', type: GOB.string },
  { name: 'Data', type: GOB.bytes },
]);

const int = (value: Value | undefined): number => (typeof value === 'number' ? value : 0);
const text = (value: Value | undefined): string => (typeof value === 'string' ? value : '');
const bytes = (value: Value | undefined): Buffer | null => (Buffer.isBuffer(value) ? value : null);

/** The request in a gob frame. `data` is a view of the frame. @throws EnvelopeError. */
export function decodeGobRequest(frame: Buffer): RequestEnvelope {
  const v = requests.decode(frame);
  return {
    reqIdentifier: int(v[0]),
    token: text(v[1]),
    sendID: text(v[2]),
    operationID: text(v[3]),
    msgIncr: text(v[4]),
    data: bytes(v[5]) ?? NO_BYTES,
  };
}

/** The answer or push in a gob frame, as a client reads it. `data` is a view of the frame. @throws EnvelopeError. */
export function decodeGobResponse(frame: Buffer): ResponseEnvelope {
  const v = responses.decode(frame);
  return {
    reqIdentifier: int(v[0]),
    msgIncr: text(v[1]),
    operationID: text(v[2]),
    errCode: int(v[3]),
    errMsg: text(v[4]),
    data: bytes(v[5]),
  };
}
