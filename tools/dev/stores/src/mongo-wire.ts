import { readUntil, withConnection } from './tcp-probe.ts';

/** What a command may carry here. Numbers are sent as int32. */
export type CommandValue = string | number | boolean | CommandDocument | readonly CommandValue[];
export interface CommandDocument {
  readonly [key: string]: CommandValue;
}

const OP_MSG = 2013;
const HEADER_BYTES = 16;
/** After the header: 4 bytes of flags, then the kind of the one section, 0 = body. */
const BODY_AT = HEADER_BYTES + 5;

/**
 * Runs one command on a local MongoDB-compatible server, without a driver and without authentication.
 * Throws with the server's message when it does not answer `ok: 1`.
 * Source: MongoDB wire protocol (OP_MSG) and bsonspec.org.
 */
export async function runMongoCommand(
  port: number,
  db: string,
  command: CommandDocument,
  signal: AbortSignal,
): Promise<Buffer> {
  const body = encodeDocument({ ...command, $db: db });
  const header = Buffer.alloc(BODY_AT);
  header.writeInt32LE(BODY_AT + body.length, 0);
  header.writeInt32LE(1, 4);
  header.writeInt32LE(OP_MSG, 12);
  return withConnection('127.0.0.1', port, signal, async (socket) => {
    socket.write(Buffer.concat([header, body]));
    const reply = await readUntil(socket, (bytes) =>
      bytes.length >= 4 && bytes.length >= bytes.readInt32LE(0) ? bytes : undefined,
    );
    if (!isOk(reply)) throw new Error(`${Object.keys(command)[0]} failed: ${printable(reply)}`);
    return reply;
  });
}

/** Whether a reply has the boolean field `name` set to true. */
export function replyHasTrue(reply: Buffer, name: string): boolean {
  return reply.includes(Buffer.concat([Buffer.from([0x08]), cstring(name), Buffer.from([1])]));
}

/** `ok` comes as a double or an int32. */
function isOk(reply: Buffer): boolean {
  const one = Buffer.alloc(8);
  one.writeDoubleLE(1);
  return (
    reply.includes(Buffer.concat([Buffer.from([0x01]), cstring('ok'), one])) ||
    reply.includes(Buffer.concat([Buffer.from([0x10]), cstring('ok'), int32(1)]))
  );
}

function printable(reply: Buffer): string {
  return reply
    .subarray(BODY_AT)
    .toString('latin1')
    .replace(/[^ -~]+/g, ' ')
    .trim()
    .slice(0, 300);
}

function encodeDocument(document: CommandDocument): Buffer {
  const elements = Object.entries(document).map(([key, value]) => encodeElement(key, value));
  const length = 4 + elements.reduce((sum, element) => sum + element.length, 0) + 1;
  return Buffer.concat([int32(length), ...elements, Buffer.from([0])]);
}

function encodeElement(key: string, value: CommandValue): Buffer {
  const element = (type: number, bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from([type]), cstring(key), bytes]);
  if (typeof value === 'string') {
    const text = cstring(value);
    return element(0x02, Buffer.concat([int32(text.length), text]));
  }
  if (typeof value === 'number') return element(0x10, int32(value));
  if (typeof value === 'boolean') return element(0x08, Buffer.from([value ? 1 : 0]));
  if (isList(value)) return element(0x04, encodeDocument(Object.fromEntries(value.entries())));
  return element(0x03, encodeDocument(value));
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function cstring(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

/** `Array.isArray` does not narrow readonly arrays. */
function isList(value: CommandValue): value is readonly CommandValue[] {
  return Array.isArray(value);
}
