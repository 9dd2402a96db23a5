const HEADER_BYTES = 16;
const OP_MSG = 2013;
/** Flags, and the kind of the first section. */
const BODY_AT = HEADER_BYTES + 5;
const BODY_SECTION = 0;
const DATABASE_FIELD = Buffer.from('\x02$db\0', 'latin1');
const UNAUTHORIZED = 13;

/** Cuts a stream of the MongoDB wire protocol into its messages. */
export class MessageReader {
  #chunks: Buffer[] = [];
  #size = 0;
  /** Bytes with which the next message is complete, or its header. */
  #wanted = HEADER_BYTES;

  /** Takes what arrived. @returns the messages that are complete with it. */
  *read(chunk: Buffer): Generator<Buffer> {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#wanted) return;
    let rest = Buffer.concat(this.#chunks);
    this.#wanted = HEADER_BYTES;
    while (rest.length >= HEADER_BYTES) {
      const length = rest.readInt32LE(0);
      this.#wanted = length;
      if (rest.length < length) break;
      yield rest.subarray(0, length);
      rest = rest.subarray(length);
      this.#wanted = HEADER_BYTES;
    }
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#size = rest.length;
  }
}

/**
 * The database that a command is for; undefined for what is no OP_MSG, such as the first hello.
 * Source: MongoDB wire protocol, OP_MSG; `$db` is a field of the body, which drivers write first.
 */
export function commandDatabase(message: Buffer): string | undefined {
  if (message.readInt32LE(12) !== OP_MSG || message[BODY_AT - 1] !== BODY_SECTION) return undefined;
  const body = message.subarray(BODY_AT, BODY_AT + message.readInt32LE(BODY_AT));
  // The last one: documents of the command may have a field of that name.
  const at = body.lastIndexOf(DATABASE_FIELD);
  if (at < 0) return undefined;
  const value = at + DATABASE_FIELD.length;
  return body.toString('utf8', value + 4, value + 4 + body.readInt32LE(value) - 1);
}

/** The answer of a server that does not let its client do this. */
export function refusalOf(message: Buffer, database: string): Buffer {
  const body = document([
    double('ok', 0),
    text('errmsg', `not authorized on ${database} to execute the command`),
    int32('code', UNAUTHORIZED),
    text('codeName', 'Unauthorized'),
  ]);
  const answer = Buffer.alloc(BODY_AT);
  answer.writeInt32LE(BODY_AT + body.length, 0);
  answer.writeInt32LE(message.readInt32LE(4), 8);
  answer.writeInt32LE(OP_MSG, 12);
  return Buffer.concat([answer, body]);
}

const name = (type: number, key: string) => Buffer.from(`${String.fromCharCode(type)}${key}\0`, 'latin1');

function int32(key: string, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return Buffer.concat([name(0x10, key), bytes]);
}

function double(key: string, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([name(0x01, key), bytes]);
}

function text(key: string, value: string): Buffer {
  const bytes = Buffer.from(`${value}\0`);
  const length = Buffer.alloc(4);
  length.writeInt32LE(bytes.length);
  return Buffer.concat([name(0x02, key), length, bytes]);
}

function document(elements: readonly Buffer[]): Buffer {
  const size = 5 + elements.reduce((sum, element) => sum + element.length, 0);
  const length = Buffer.alloc(4);
  length.writeInt32LE(size);
  return Buffer.concat([length, ...elements, Buffer.alloc(1)]);
}
