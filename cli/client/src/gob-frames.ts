import type { FrameCodec, WireRequest, WireResponse } from './frame-codec.ts';

// The client side of the gob envelope, written apart from the server's: two that agree are two that
// follow the specification.

const REQUEST_FIELDS = ['ReqIdentifier', 'Token', 'SendID', 'OperationID', 'MsgIncr', 'Data'] as const;
const INT = 2;
const BYTES = 5;
const STRING = 6;
const STRUCT_ID = 64;

/** An envelope in Go's gob encoding, the default of the gateway. Every frame carries its type definition. */
export const gobFrames: FrameCodec = {
  encode: (request) => Buffer.concat([DEFINITION, sized(value(request))]),
  decode(frame) {
    const reader = new GobReader(frame);
    const names = new Map<number, string[]>();
    for (;;) {
      const end = reader.messageEnd();
      const id = reader.int();
      if (id < 0) {
        names.set(-id, reader.definition());
        reader.expectEnd(end);
        continue;
      }
      const response = reader.response(names.get(id) ?? []);
      reader.expectEnd(end);
      return response;
    }
  },
};

function uint(n: number): Buffer {
  if (n < 128) return Buffer.from([n]);
  const bytes: number[] = [];
  for (let rest = n; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([256 - bytes.length, ...bytes]);
}
const int = (n: number) => uint(n >= 0 ? n * 2 : -n * 2 - 1);
const text = (s: string) => {
  const bytes = Buffer.from(s);
  return Buffer.concat([uint(bytes.length), bytes]);
};
const sized = (content: Buffer) => Buffer.concat([uint(content.length), content]);

function definition(): Buffer {
  const fields = REQUEST_FIELDS.map((name) => {
    const type = name === 'ReqIdentifier' ? INT : name === 'Data' ? BYTES : STRING;
    return Buffer.concat([Buffer.from([1]), text(name), Buffer.from([1]), int(type), Buffer.from([0])]);
  });
  const common = Buffer.concat([
    Buffer.from([1]),
    text('GeneralWsReq'),
    Buffer.from([1]),
    int(STRUCT_ID),
    Buffer.from([0]),
  ]);
  const struct = Buffer.concat([
    Buffer.from([1]),
    common,
    Buffer.from([1]),
    uint(fields.length),
    ...fields,
    Buffer.from([0]),
  ]);
  return sized(Buffer.concat([int(-STRUCT_ID), Buffer.from([3]), struct, Buffer.from([0])]));
}
const DEFINITION = definition();

function value(request: WireRequest): Buffer {
  const cells = [
    request.reqIdentifier === 0 ? undefined : int(request.reqIdentifier),
    undefined,
    request.sendID === '' ? undefined : text(request.sendID),
    request.operationID === '' ? undefined : text(request.operationID),
    request.msgIncr === '' ? undefined : text(request.msgIncr),
    request.data.length === 0 ? undefined : Buffer.concat([uint(request.data.length), request.data]),
  ];
  const parts = [int(STRUCT_ID)];
  let last = -1;
  for (const [index, cell] of cells.entries()) {
    if (!cell) continue;
    parts.push(uint(index - last), cell);
    last = index;
  }
  parts.push(Buffer.from([0]));
  return Buffer.concat(parts);
}

class GobReader {
  private readonly frame: Buffer;
  private at = 0;

  constructor(frame: Buffer) {
    this.frame = frame;
  }

  uint(): number {
    const first = this.byte();
    if (first < 128) return first;
    let n = 0;
    for (let left = 256 - first; left > 0; left--) n = n * 256 + this.byte();
    return n;
  }
  int(): number {
    const u = this.uint();
    return u % 2 === 0 ? u / 2 : -(u + 1) / 2;
  }
  bytes(): Buffer {
    const length = this.uint();
    const start = this.at;
    this.at += length;
    if (this.at > this.frame.length) throw new RangeError('truncated gob frame');
    return this.frame.subarray(start, this.at);
  }
  text(): string {
    return this.bytes().toString('utf8');
  }
  /** @returns where the message that begins here ends. */
  messageEnd(): number {
    const length = this.uint();
    return this.at + length;
  }
  expectEnd(end: number): void {
    if (this.at !== end) throw new RangeError(`gob message ends at ${end}, read to ${this.at}`);
  }
  /** @returns the field names of a struct type definition. */
  definition(): string[] {
    this.expect(3);
    this.expect(1);
    this.expect(1);
    this.text();
    this.expect(1);
    this.int();
    this.expect(0);
    this.expect(1);
    const names: string[] = [];
    for (let count = this.uint(); count > 0; count--) {
      this.expect(1);
      names.push(this.text());
      this.expect(1);
      this.int();
      this.expect(0);
    }
    this.expect(0);
    this.expect(0);
    return names;
  }
  response(names: readonly string[]): WireResponse {
    const r = {
      reqIdentifier: 0,
      msgIncr: '',
      operationID: '',
      errCode: 0,
      errMsg: '',
      data: Buffer.alloc(0),
    };
    let field = -1;
    for (;;) {
      const delta = this.uint();
      if (delta === 0) return r;
      field += delta;
      switch (names[field]) {
        case 'ReqIdentifier':
          r.reqIdentifier = this.int();
          break;
        case 'ErrCode':
          r.errCode = this.int();
          break;
        case 'MsgIncr':
          r.msgIncr = this.text();
          break;
        case 'OperationID':
          r.operationID = this.text();
          break;
        case 'ErrMsg':
          r.errMsg = this.text();
          break;
        case 'Data':
          r.data = Buffer.from(this.bytes());
          break;
        default:
          throw new RangeError(`unknown gob field ${field} (${names[field]})`);
      }
    }
  }
  private byte(): number {
    const byte = this.frame[this.at++];
    if (byte === undefined) throw new RangeError('truncated gob frame');
    return byte;
  }
  private expect(wanted: number): void {
    const byte = this.byte();
    if (byte !== wanted) throw new RangeError(`gob: expected ${wanted} at ${this.at - 1}, found ${byte}`);
  }
}
