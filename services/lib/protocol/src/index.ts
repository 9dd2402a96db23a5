export { convert, decode, encode, type ManyFields, type MessageName, make, manyFields } from './codec.ts';
export {
  CONTENT,
  GROUP_STATUS,
  isNotificationType,
  MANAGER_LEVEL,
  MSG_FROM,
  MSG_STATUS,
  OPTION,
  type OptionKey,
  optionOn,
  PLACEMENT_CODES,
  PLATFORM,
  PLATFORM_CLASS,
  PLATFORM_NAMES,
  PULL_ORDER,
  RECV_OPT,
  REQ,
  ROLE,
  SESSION,
} from './constants.ts';
export {
  type Addressing,
  chatConversationID,
  isGroupConversation,
  isNotificationConversation,
  isSingleConversation,
  notificationConversationID,
  queueKey,
  selfNotificationID,
  sessionTypeOf,
} from './conversation-id.ts';
export {
  declaredBytes,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  parseRequest,
  plainRequest,
} from './envelope/codec.ts';
export {
  answerBudget,
  answerBytes,
  EnvelopeError,
  type Framing,
  MAX_ANSWER_FRAME_BYTES,
  NO_BYTES,
  type RequestEnvelope,
  type ResponseEnvelope,
} from './envelope/envelope.ts';
export { argsError, ERR, type ErrorCode, errorName, ImError, toImError } from './errors.ts';
export { DEDUP_KEY_BYTES, dedupKeyOf, deliveryField } from './fast/log.ts';
export { withClientMsgID, withIsRead, withSeq } from './fast/msg-data.ts';
export { encodePushMessages } from './fast/push-messages.ts';
export { FieldReader, MAP_ENTRY, tagOf } from './fast/wire.ts';
export type * as account from './gen/account.ts';
export type * as api from './gen/api.ts';
export type * as auth from './gen/auth.ts';
export type * as conversation from './gen/conversation.ts';
export type * as event from './gen/event.ts';
export type * as group from './gen/group.ts';
export type * as jssdk from './gen/jssdk.ts';
export type * as log from './gen/log.ts';
export type { Messages } from './gen/messages.ts';
export type * as msg from './gen/msg.ts';
export type * as relation from './gen/relation.ts';
export type * as sdkws from './gen/sdkws.ts';
export type { Services } from './gen/services.ts';
export type * as third from './gen/third.ts';
export type * as user from './gen/user.ts';
export { idHash, jsonListHash, matchesIdHash } from './id-hash.ts';
export { fromJson, fromJsonValue, goJsonStrings, toJson, toJsonEntry, toJsonParts } from './json.ts';
export { checkLimits, type FieldLimit, largestBody, largestStored, messageLimits } from './limits.ts';
export {
  DOMAINS,
  type Domain,
  type IdempotencyLevel,
  type ServiceMethod,
  serviceMethods,
} from './services.ts';
