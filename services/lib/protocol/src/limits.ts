import protobuf from 'protobufjs';
import type { MessageName } from './codec.ts';
import { argsError } from './errors.ts';
import type { Messages } from './gen/messages.ts';
import { messageType } from './schema.ts';

/** What a client may give a field; a list or map also has most entries, and a map a most of its keys. */
export type FieldLimit = { readonly entries?: number; readonly keyChars?: number } & (
  | { readonly kind: 'id' | 'text'; readonly chars: number }
  | { readonly kind: 'bytes'; readonly bytes: number }
  | { readonly kind: 'number'; readonly least: number; readonly most: number }
  | { readonly kind: 'bool' }
  | { readonly kind: 'message'; readonly message: MessageName }
);

/** Names of fields that hold ids: they become parts of keys, so no control characters. */
const ID_FIELD = /(?:ID\d?|IDs|IDList|uuid)$/;
const ID_CHARS = 2_048;
/** Ordinary length of an id, in estimates of bodies. */
const ID_USUAL_BYTES = 128;
const NAME = 1_024;
const URL = 2_048;
const EX = 16_384;
const REMARK = 4_096;
/** Seals hold an object's name and storage id. */
const SEALED = 8_192;
/** Texts of a group travel in every notification about it, texts of members in lists of them. */
const GROUP_TEXT = 16_384;
const MEMBER_TEXT = 1_024;
const WORD = 256;

/** Most characters of texts, by `<message>.<field>` or else by the field's name. */
const TEXTS: Readonly<Record<string, number>> = {
  'sdkws.GroupInfo.faceURL': GROUP_TEXT,
  'sdkws.GroupInfoForSet.faceURL': GROUP_TEXT,
  'group.SetGroupInfoExReq.faceURL': GROUP_TEXT,
  'group.SetGroupMemberInfo.faceURL': MEMBER_TEXT,
  'group.SetGroupMemberInfo.ex': MEMBER_TEXT,
  'third.AuthSignReq.uploadID': SEALED,
  'third.CompleteMultipartUploadReq.uploadID': SEALED,
  'third.CompleteFormDataReq.id': SEALED,
  'api.SendSimpleMsgReq.content': 262_144,
  'api.SendBusinessNotificationReq.data': 262_144,
  'api.SetConfigReq.data': EX,
  'relation.ApplyToAddFriendReq.ex': REMARK,
  'conversation.UpdateConversationsByUserReq.ex': REMARK,
  'third.AccessURLReq.query': WORD,
  'sdkws.OfflinePushInfo.title': NAME,
  account: ID_CHARS,
  appFramework: WORD,
  attachedInfo: EX,
  cause: WORD,
  clientIP: 64,
  code: 64,
  configName: WORD,
  configs: EX,
  cursor: NAME,
  contentType: WORD,
  desc: REMARK,
  description: NAME,
  event: WORD,
  ex: EX,
  faceURL: URL,
  fcmToken: REMARK,
  filename: NAME,
  group: WORD,
  groupName: GROUP_TEXT,
  handleMsg: REMARK,
  handledMsg: REMARK,
  hash: WORD,
  iOSPushSound: WORD,
  idHash: 20,
  introduction: GROUP_TEXT,
  language: WORD,
  mail: 320,
  key: WORD,
  keys: WORD,
  keyword: WORD,
  kind: WORD,
  name: NAME,
  nickName: NAME,
  nickname: NAME,
  notification: GROUP_TEXT,
  parts: 64,
  phone: 64,
  purpose: WORD,
  reason: REMARK,
  remark: NAME,
  role: WORD,
  reqMessage: REMARK,
  reqMsg: REMARK,
  secret: NAME,
  sendTime: WORD,
  senderFaceURL: URL,
  senderNickname: NAME,
  signalInfo: EX,
  state: WORD,
  text: REMARK,
  timeZone: WORD,
  token: REMARK,
  URL,
  urlPrefix: URL,
  value: EX,
  version: WORD,
};

/** Most bytes of binary fields. */
const BYTES: Readonly<Record<string, number>> = { 'sdkws.MsgData.content': 262_144 };

/** Entries of a list or map where nothing else is said; what the reference takes. */
const USUAL_ENTRIES = 1_000;
/** Entries of lists that clients fill with all they know. */
const MANY = 10_000;
const ENTRIES: Readonly<Record<string, number>> = {
  'api.BatchSendMsgReq.recvIDs': MANY,
  'group.BatchGetIncrementalGroupMemberReq.reqList': MANY,
  // Two notifications for each, all with the texts of the group.
  'group.SetGroupMemberInfoReq.members': 50,
  'msg.ConversationSeqs.seqs': MANY,
  'msg.DeleteMsgPhysicalBySeqReq.seqs': MANY,
  'msg.DeleteMsgsReq.seqs': MANY,
  'msg.GetConversationsHasReadAndMaxSeqReq.conversationIDs': MANY,
  'msg.GetLastMessageReq.conversationIDs': MANY,
  'msg.GetSeqMessageReq.conversations': MANY,
  'msg.MarkConversationAsReadReq.seqs': MANY,
  'msg.MarkMsgsAsReadReq.seqs': MANY,
  'sdkws.MsgData.options': 64,
  'sdkws.PullMessageBySeqsReq.seqRanges': MANY,
  'sdkws.SubUserOnlineStatus.subscribeUserID': MANY,
  'sdkws.SubUserOnlineStatus.unsubscribeUserID': MANY,
  'third.AccessURLReq.query': 16,
  'third.CompleteMultipartUploadReq.parts': MANY,
  'third.UploadLogsReq.fileURLs': 100,
  handleResults: 16,
};

const INT32 = 2 ** 31 - 1;
const SAFE = Number.MAX_SAFE_INTEGER;
const FROM_0 = [0, SAFE] as const;
const INT32_FROM_0 = [0, INT32] as const;
/** Seqs of pulls are clipped to what there is, whatever they are. */
const ANY_SEQ = [-(2 ** 63), 2 ** 63] as const;

/** Least and most of numbers, by `<message>.<field>` or by the field's name, or else by its type. */
const NUMBERS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  'sdkws.SeqRange.begin': ANY_SEQ,
  'sdkws.SeqRange.end': ANY_SEQ,
  'sdkws.SeqRange.num': ANY_SEQ,
  'msg.ConversationSeqs.seqs': ANY_SEQ,
  'third.InitiateMultipartUploadReq.maxParts': [-1, 10_000],
  'third.InitiateMultipartUploadReq.partSize': [0, 5 * 1_024 ** 3],
  appUnreadCount: INT32_FROM_0,
  burnDuration: INT32_FROM_0,
  end: FROM_0,
  endTime: FROM_0,
  globalRecvMsgOpt: [0, 2],
  handleResults: [-1, 1],
  maxSeq: FROM_0,
  millisecond: FROM_0,
  minSeq: FROM_0,
  msgDestructTime: FROM_0,
  needDeleteTime: FROM_0,
  partNumbers: [1, 10_000],
  start: FROM_0,
  startTime: FROM_0,
  time: FROM_0,
  timestamp: FROM_0,
  int32: [-INT32 - 1, INT32],
  uint32: [0, 2 ** 32 - 1],
  int64: [-SAFE, SAFE],
  uint64: FROM_0,
};

function shortName(type: protobuf.Type): MessageName {
  return type.fullName.replace(/^\.openim\./, '') as MessageName;
}

function fieldLimit(type: protobuf.Type, field: protobuf.Field): FieldLimit | undefined {
  const path = `${shortName(type)}.${field.name}`;
  const entries =
    field.repeated || field.map ? (ENTRIES[path] ?? ENTRIES[field.name] ?? USUAL_ENTRIES) : undefined;
  const many = { ...(entries !== undefined && { entries }), ...(field.map && { keyChars: WORD }) };
  if (field.resolvedType instanceof protobuf.Type)
    return { ...many, kind: 'message', message: shortName(field.resolvedType) };
  if (field.type === 'bool') return { ...many, kind: 'bool' };
  if (field.type === 'string') {
    const chars = TEXTS[path];
    if (ID_FIELD.test(field.name)) return { ...many, kind: 'id', chars: chars ?? ID_CHARS };
    const most = chars ?? TEXTS[field.name];
    return most === undefined ? undefined : { ...many, kind: 'text', chars: most };
  }
  if (field.type === 'bytes') {
    const bytes = BYTES[path];
    return bytes === undefined ? undefined : { ...many, kind: 'bytes', bytes };
  }
  const range = NUMBERS[path] ?? NUMBERS[field.name] ?? NUMBERS[field.type];
  return range && { ...many, kind: 'number', least: range[0], most: range[1] };
}

/**
 * The limit of every field of a message that clients send, by the field's name.
 * @throws TypeError for a field without a limit: it needs an entry in this file.
 */
export function messageLimits(name: MessageName): ReadonlyMap<string, FieldLimit> {
  const type = messageType(name);
  return new Map(
    type.fieldsArray.map((field) => {
      field.resolve();
      const limit = fieldLimit(type, field);
      if (!limit) throw new TypeError(`${name}.${field.name} has no limit; add it to limits.ts`);
      return [field.name, limit];
    }),
  );
}

type Check = (value: unknown, path: string) => void;

function checkID(chars: number): Check {
  return (value, path) => {
    const id = value as string;
    if (id.length > chars) throw argsError(`${path} is longer than ${chars} characters: it has ${id.length}`);
    for (let i = 0; i < id.length; i++) {
      if (id.charCodeAt(i) < 0x20) throw argsError(`${path} contains a control character`);
    }
  };
}

function checkText(chars: number): Check {
  return (value, path) => {
    const { length } = value as string;
    if (length > chars) throw argsError(`${path} is longer than ${chars} characters: it has ${length}`);
  };
}

function checkNumber(least: number, most: number): Check {
  return (value, path) => {
    const n = value as number;
    if (!(n >= least && n <= most)) throw argsError(`${path} must be ${least} to ${most}: it is ${n}`);
  };
}

function checkOne(limit: FieldLimit): Check | undefined {
  switch (limit.kind) {
    case 'id':
      return checkID(limit.chars);
    case 'text':
      return checkText(limit.chars);
    case 'number':
      return checkNumber(limit.least, limit.most);
    case 'bytes':
      return (value, path) => {
        const { length } = value as Uint8Array;
        if (length > limit.bytes)
          throw argsError(`${path} is larger than ${limit.bytes} bytes: it has ${length}`);
      };
    case 'message':
      // Compiled on use: messages may be recursive.
      return (value, path) => checkerOf(limit.message)(value, path);
    case 'bool':
      return undefined;
    default:
      return limit satisfies never;
  }
}

function checkEntries(count: number, entries: number, path: string): void {
  if (count > entries) throw argsError(`${path} has more than ${entries} entries: ${count}`);
}

function checkField(limit: FieldLimit): Check | undefined {
  const one = checkOne(limit);
  const { entries, keyChars } = limit;
  if (entries === undefined) return one;
  if (keyChars === undefined) {
    return (value, path) => {
      const list = value as readonly unknown[];
      checkEntries(list.length, entries, path);
      if (one) for (const entry of list) one(entry, path);
    };
  }
  const key = checkID(keyChars);
  return (value, path) => {
    const map = Object.entries(value as object);
    checkEntries(map.length, entries, path);
    for (const [name, entry] of map) {
      key(name, path);
      one?.(entry, path);
    }
  };
}

const checkers = new Map<MessageName, Check>();

function checkerOf(name: MessageName): Check {
  let checker = checkers.get(name);
  if (checker === undefined) {
    const fields = [...messageLimits(name)].flatMap(([field, limit]) => {
      const check = checkField(limit);
      return check ? [{ field, check }] : [];
    });
    checker = (value, path) => {
      const message = value as Readonly<Record<string, unknown>>;
      for (const { field, check } of fields) {
        const given = message[field];
        if (given === null || given === undefined) continue;
        check(given, path === '' ? field : `${path}.${field}`);
      }
    };
    checkers.set(name, checker);
  }
  return checker;
}

/**
 * Checks a message as it came from a client; what the server itself makes is not asked.
 * @throws ImError 1001 naming the field, its limit and what it has.
 */
export function checkLimits<N extends MessageName>(name: N, message: Messages[N]): void {
  checkerOf(name)(message, '');
}

/** Most bytes that a character takes in JSON. */
const ESCAPED = 6;
const NUMBER_BYTES = 20;

function jsonBytes(limit: FieldLimit, within: readonly MessageName[]): number {
  const one = (() => {
    switch (limit.kind) {
      case 'id':
        return Math.min(limit.chars, limit.chars === ID_CHARS ? ID_USUAL_BYTES : limit.chars);
      case 'text':
        return limit.chars * ESCAPED;
      case 'bytes':
        return (limit.bytes * 4) / 3;
      case 'message':
        return within.includes(limit.message) ? 0 : largestBody(limit.message, within);
      default:
        return NUMBER_BYTES;
    }
  })();
  return (limit.entries ?? 1) * (one + (limit.keyChars ?? 0));
}

/** Bytes of JSON that a message within its limits takes, with ids of ordinary length. */
export function largestBody(name: MessageName, within: readonly MessageName[] = []): number {
  let bytes = 2;
  for (const [field, limit] of messageLimits(name))
    bytes += field.length + 6 + jsonBytes(limit, [...within, name]);
  return bytes;
}

/** Most bytes that a character takes in protobuf. */
const UTF8_BYTES = 3;

/**
 * Bytes of protobuf that a message takes whose texts are as long as clients may make them, with ids of ordinary length.
 * Texts that only the server makes count as words, lists as one entry.
 */
export function largestStored(name: MessageName, within: readonly MessageName[] = []): number {
  const type = messageType(name);
  return type.fieldsArray.reduce((sum, field) => {
    field.resolve();
    const limit = fieldLimit(type, field) ?? { kind: 'text', chars: WORD };
    switch (limit.kind) {
      case 'text':
        return sum + limit.chars * UTF8_BYTES;
      case 'bytes':
        return sum + limit.bytes;
      case 'id':
        return sum + ID_USUAL_BYTES;
      case 'message':
        return sum + (within.includes(limit.message) ? 0 : largestStored(limit.message, [...within, name]));
      default:
        return sum + NUMBER_BYTES;
    }
  }, 0);
}
