import { argsError, CONTENT, checkLimits, SESSION, type sdkws } from '@im/protocol';

/** Largest message, encoded. */
export const MAX_MESSAGE_BYTES = 262_144;
/** Longest id; longer ones only serve to fill stores. */
const MAX_ID_BYTES = 256;
const MAX_MENTIONED = 1_000;
const MAX_OPTIONS = 64;
/** Largest time that stays exact in a JavaScript number. */
const MAX_TIME = Number.MAX_SAFE_INTEGER;

function checkId(field: string, id: string): void {
  // A string has at most three UTF-8 bytes per unit, so short ones need no counting.
  if (id.length * 3 > MAX_ID_BYTES && Buffer.byteLength(id) > MAX_ID_BYTES) {
    throw argsError(`${field} is longer than ${MAX_ID_BYTES} bytes`);
  }
  for (let i = 0; i < id.length; i++) {
    if (id.charCodeAt(i) < 0x20) throw argsError(`${field} contains a control character`);
  }
}

function checkTime(field: string, time: number): void {
  if (time < 0 || time > MAX_TIME) throw argsError(`${field} is not a time in milliseconds`);
}

/**
 * Checks the fields of a message that somebody wants to send, whoever that is.
 * @param encodedBytes size of the message as it was received.
 * @throws ImError 1001 that names the field.
 */
export function checkMessageShape(m: sdkws.MsgData, encodedBytes: number): void {
  if (encodedBytes > MAX_MESSAGE_BYTES) {
    throw argsError(`content: the message is larger than ${MAX_MESSAGE_BYTES} bytes`);
  }
  if (m.sendID === '') throw argsError('sendID is empty');
  if (m.content.length === 0) throw argsError('content is empty');
  if (m.contentType <= 0) throw argsError('contentType is missing');
  checkId('sendID', m.sendID);
  checkId('recvID', m.recvID);
  checkId('groupID', m.groupID);
  checkId('clientMsgID', m.clientMsgID);
  checkAddress(m);
  checkTime('sendTime', m.sendTime);
  checkTime('createTime', m.createTime);
  if (m.atUserIDList.length > MAX_MENTIONED)
    throw argsError(`atUserIDList has more than ${MAX_MENTIONED} ids`);
  if (Object.keys(m.options).length > MAX_OPTIONS)
    throw argsError(`options has more than ${MAX_OPTIONS} keys`);
  checkLimits('sdkws.MsgData', m);
}

function checkAddress(m: sdkws.MsgData): void {
  switch (m.sessionType) {
    case SESSION.Single:
      if (m.recvID === '') throw argsError('recvID is empty');
      break;
    case SESSION.Group:
      if (m.groupID === '') throw argsError('groupID is empty');
      break;
    case SESSION.Notification:
      if (m.recvID === '') throw argsError('recvID is empty');
      break;
    default:
      throw argsError('unknown sessionType');
  }
  if ((m.sessionType === SESSION.Notification) !== (m.contentType === CONTENT.OANotification)) {
    throw argsError('contentType 1400 and sessionType 4 belong together');
  }
}
