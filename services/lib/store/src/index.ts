export type { EntityCache } from './cached.ts';
export {
  type CollectionSpec,
  defineCollection,
  type IndexSpec,
  KEY_SEPARATOR,
  type TenantCollection,
  type TenantDocument,
} from './collection.ts';
export { guarded, isDuplicateKey, isUnavailable, notFound, retryDuplicate, storeError } from './errors.ts';
export { type RedisClient, type RedisCopies, redisKey } from './redis.ts';
export { type ClientConfigRepo, clientConfigRepo } from './repos/client-config.ts';
export {
  type ClientLog,
  type ClientLogQuery,
  type ClientLogRepo,
  clientLogRepo,
} from './repos/client-log.ts';
export {
  type ConvState,
  type Convs,
  type ConvUpdate,
  convs,
} from './repos/conv.ts';
export {
  type InsertOutcome,
  type MsgRow,
  type MsgRows,
  msgRows,
  type NewMsgRow,
  type Revocation,
  type SeqSpan,
  type SeqsOf,
} from './repos/msg-row.ts';
export { type MsgRowChanges, msgRowChanges } from './repos/msg-row-change.ts';
export { type ObjectRepo, objectRepo, type StoredObject } from './repos/object.ts';
export { type PushToken, type PushTokenRepo, pushTokenRepo } from './repos/push-token.ts';
export { NO_SEQ_USER, type SeqUser, type SeqUserRef, type SeqUsers, seqUsers } from './repos/seq-user.ts';
export {
  type KickedToken,
  type LiveToken,
  type TokenChange,
  type TokenRepo,
  type TokenSet,
  tokenRepo,
} from './repos/token.ts';
export {
  type NewUser,
  type Page,
  type UserChanges,
  type UserPage,
  type UserQuery,
  type UserRepo,
  userRepo,
} from './repos/user.ts';
export { type CommandKey, type UserCommandRepo, userCommandRepo } from './repos/user-command.ts';
export { createStore, type Store, type StoreConfig, type StoreDeps } from './store.ts';
