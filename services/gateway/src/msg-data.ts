import { randomId } from '@im/kit';
import { ERR, ImError } from '@im/protocol';

// What the gateway needs of sdkws.MsgData, read from its bytes without decoding it.

const CLIENT_MSG_ID = 4;
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
/** Tag of field 4 with wire type 2, and the length of a generated id. */
const CLIENT_MSG_ID_TAG = (CLIENT_MSG_ID << 3) | WIRE.bytes;

function malformed(): never {
  throw new ImError(ERR.ServerInternalError, 'msgData is no protobuf');
}

/**
 * Makes sure that a message has a clientMsgID: when it is absent or empty, a random one is added.
 * Checks on the way that the bytes are a sequence of protobuf fields.
 * @param data sdkws.MsgData as the client sent it; returned as it is when nothing is missing.
 * @throws ImError 500 when it is no protobuf.
 */
export function withClientMsgID(data: Uint8Array): Uint8Array {
  if (hasClientMsgID(data)) return data;
  const id = Buffer.from(randomId(), 'latin1');
  return Buffer.concat([data, Buffer.from([CLIENT_MSG_ID_TAG, id.length]), id]);
}

function hasClientMsgID(data: Uint8Array): boolean {
  const end = data.length;
  let at = 0;
  let found = false;

  function varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) malformed();
      const byte = data[at++] ?? 0;
      // Lengths and tags fit 32 bits; the rest of a longer number is passed over.
      if (shift < 35) value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return malformed();
  }

  while (at < end) {
    const tag = varint();
    const wire = tag & 7;
    if (tag < 8) malformed();
    if (wire === WIRE.varint) varint();
    else if (wire === WIRE.bytes) {
      const length = varint();
      at += length;
      if (tag === CLIENT_MSG_ID_TAG) found = length > 0;
    } else if (wire === WIRE.fixed64) at += 8;
    else if (wire === WIRE.fixed32) at += 4;
    else malformed();
    if (at > end) malformed();
  }
  return found;
}
