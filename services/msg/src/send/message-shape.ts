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
 * Checks the fields of a message to send, of users and administrators alike.
 * @param encodedBytes size of the message as it was received.
 * @throws ImError 1001 that names the field.
 */
export function checkMessageShape(message: sdkws.MsgData, encodedBytes: number): void {
  if (encodedBytes > MAX_MESSAGE_BYTES) {
    throw argsError(`content: the message is larger than ${MAX_MESSAGE_BYTES} bytes`);
  }
  if (message.sendID === '') throw argsError('sendID is empty');
  if (message.content.length === 0) throw argsError('content is empty');
  if (message.contentType <= 0) throw argsError('contentType is missing');
  checkId('sendID', message.sendID);
  checkId('recvID', message.recvID);
  checkId('groupID', message.groupID);
  checkId('clientMsgID', message.clientMsgID);
  checkAddress(message);
  checkTime('sendTime', message.sendTime);
  checkTime('createTime', message.createTime);
  if (message.atUserIDList.length > MAX_MENTIONED)
    throw argsError(`atUserIDList has more than ${MAX_MENTIONED} ids`);
  if (Object.keys(message.options).length > MAX_OPTIONS)
    throw argsError(`options has more than ${MAX_OPTIONS} keys`);
  checkLimits('sdkws.MsgData', message);
}

function checkAddress(message: sdkws.MsgData): void {
  switch (message.sessionType) {
    case SESSION.Single:
      if (message.recvID === '') throw argsError('recvID is empty');
      break;
    case SESSION.Group:
      if (message.groupID === '') throw argsError('groupID is empty');
      break;
    case SESSION.Notification:
      if (message.recvID === '') throw argsError('recvID is empty');
      break;
    default:
      throw argsError('unknown sessionType');
  }
  if ((message.sessionType === SESSION.Notification) !== (message.contentType === CONTENT.OANotification)) {
    throw argsError('contentType 1400 and sessionType 4 belong together');
  }
}
