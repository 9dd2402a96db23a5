/** A pushed or pulled message, as much of it as a load client needs. */
export interface ScannedMessage {
  readonly conversationID: string;
  readonly notification: boolean;
  readonly seq: number;
  readonly sendID: string;
  readonly clientMsgID: string;
  readonly contentType: number;
  readonly status: number;
  /** A view into the scanned bytes. */
  readonly content: Buffer;
}

/**
 * Reads the messages out of encoded `sdkws.PushMessages` or `sdkws.PullMessageBySeqsResp`, which have
 * the same shape, without building all of their objects: a load client meets thousands a second and
 * shares its machine with the server that it measures.
 * @throws RangeError for bytes that are not such a message.
 */
export function scanPush(bytes: Uint8Array): ScannedMessage[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: ScannedMessage[] = [];
  const top = new Reader(buffer, 0, buffer.length);
  while (top.next()) {
    if (top.wire === 2 && (top.field === 1 || top.field === 2)) scanEntry(top.part(), top.field === 2, found);
    else top.skip();
  }
  return found;
}

function scanEntry(entry: Reader, notification: boolean, found: ScannedMessage[]): void {
  let conversationID = '';
  let list: Reader | undefined;
  while (entry.next()) {
    if (entry.field === 1 && entry.wire === 2) conversationID = entry.text();
    else if (entry.field === 2 && entry.wire === 2) list = entry.part();
    else entry.skip();
  }
  while (list?.next()) {
    if (list.field === 1 && list.wire === 2)
      found.push(scanMessage(list.part(), conversationID, notification));
    else list.skip();
  }
}

function scanMessage(m: Reader, conversationID: string, notification: boolean): ScannedMessage {
  let seq = 0;
  let sendID = '';
  let clientMsgID = '';
  let contentType = 0;
  let status = 0;
  let content: Buffer = EMPTY;
  while (m.next()) {
    if (m.field === 1 && m.wire === 2) sendID = m.text();
    else if (m.field === 4 && m.wire === 2) clientMsgID = m.text();
    else if (m.field === 11 && m.wire === 0) contentType = m.varint();
    else if (m.field === 12 && m.wire === 2) content = m.bytes();
    else if (m.field === 14 && m.wire === 0) seq = m.varint();
    else if (m.field === 17 && m.wire === 0) status = m.varint();
    else m.skip();
  }
  return { conversationID, notification, seq, sendID, clientMsgID, contentType, status, content };
}

const EMPTY = Buffer.alloc(0);

/** A cursor over the fields of one encoded message. */
class Reader {
  field = 0;
  wire = 0;
  private readonly buffer: Buffer;
  private at: number;
  private readonly end: number;

  constructor(buffer: Buffer, at: number, end: number) {
    this.buffer = buffer;
    this.at = at;
    this.end = end;
  }

  next(): boolean {
    if (this.at >= this.end) return false;
    const tag = this.varint();
    this.field = Math.floor(tag / 8);
    this.wire = tag & 7;
    return true;
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      if (this.at >= this.end) throw new RangeError('truncated message');
      const byte = this.buffer[this.at++] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
  }

  bytes(): Buffer {
    const length = this.varint();
    const start = this.at;
    this.at += length;
    if (this.at > this.end) throw new RangeError('truncated message');
    return this.buffer.subarray(start, this.at);
  }

  text(): string {
    const length = this.varint();
    const start = this.at;
    this.at += length;
    if (this.at > this.end) throw new RangeError('truncated message');
    return this.buffer.toString('utf8', start, this.at);
  }

  part(): Reader {
    const length = this.varint();
    const start = this.at;
    this.at += length;
    if (this.at > this.end) throw new RangeError('truncated message');
    return new Reader(this.buffer, start, this.at);
  }

  skip(): void {
    if (this.wire === 0) this.varint();
    else if (this.wire === 1) this.at += 8;
    else if (this.wire === 2) this.bytes();
    else if (this.wire === 5) this.at += 4;
    else throw new RangeError(`wire type ${this.wire}`);
    if (this.at > this.end) throw new RangeError('truncated message');
  }
}
