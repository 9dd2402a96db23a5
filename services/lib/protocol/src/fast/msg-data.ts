import { ERR, ImError } from '../errors.ts';
import { FieldReader, tagOf, textField, varintSize, writeVarint } from './wire.ts';

const CLIENT_MSG_ID = tagOf('sdkws.MsgData', 'clientMsgID');
const SEQ = tagOf('sdkws.MsgData', 'seq');
const IS_READ = tagOf('sdkws.MsgData', 'isRead');

/**
 * Makes sure that an encoded `sdkws.MsgData` has a clientMsgID: when it is absent or empty, a new one is added.
 * Checks on the way that the bytes are a sequence of protobuf fields.
 * @param data as the client sent it; returned as it is when nothing is missing.
 * @throws ImError 500 when it is no protobuf.
 */
export function withClientMsgID(data: Uint8Array, newID: () => string): Uint8Array {
  if (hasClientMsgID(data)) return data;
  return Buffer.concat([data, textField(CLIENT_MSG_ID, newID())]);
}

function hasClientMsgID(data: Uint8Array): boolean {
  const fields = new FieldReader(data);
  let found = false;
  try {
    while (fields.next()) {
      const length = fields.skip();
      if (fields.tag === CLIENT_MSG_ID) found = length > 0;
    }
  } catch (error) {
    if (error instanceof RangeError) throw new ImError(ERR.ServerInternalError, 'msgData is no protobuf');
    throw error;
  }
  return found;
}

/** An encoded `sdkws.MsgData` with a seq: fields may come in any order, so it is appended. */
export function withSeq(msgData: Uint8Array, seq: number): Uint8Array {
  return seq === 0 ? msgData : withNumber(msgData, SEQ, seq);
}

/** An encoded `sdkws.MsgData` that its receiver has read. */
export function withIsRead(msgData: Uint8Array): Uint8Array {
  return withNumber(msgData, IS_READ, 1);
}

function withNumber(message: Uint8Array, tag: number, value: number): Uint8Array {
  const { length } = message;
  const out = Buffer.allocUnsafe(length + varintSize(tag) + varintSize(value));
  out.set(message);
  writeVarint(out, writeVarint(out, length, tag), value);
  return out;
}
