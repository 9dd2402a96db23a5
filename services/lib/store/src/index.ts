export type { EntityCache } from './cached.ts';
export {
  type CollectionSpec,
  defineCollection,
  type IndexSpec,
  type TenantCollection,
  type TenantDocument,
} from './collection.ts';
export { createStore, type StoreConfig, type StoreDeps } from './create-store.ts';
export { guarded, isDuplicateKey, isUnavailable, notFound, retryDuplicate, storeError } from './errors.ts';
export type { GroupCommit, GroupCommitWriter } from './group-commit.ts';
export type { IndexProgress } from './index-builds.ts';
export { type IndexDrift, type IndexReports, indexReports } from './index-drift.ts';
export { createMongoClient, mongoAddress } from './mongo.ts';
export type { Placement } from './placement.ts';
export { createRedisClient, type RedisClient, type RedisCopies, redisKey } from './redis.ts';
export {
  type AccountDeletion,
  type AccountDeletionRepo,
  accountDeletionRepo,
  type DeletionProgress,
} from './repos/account-deletion.ts';
export { type AccountStatistics, accountStatistics } from './repos/account-statistics.ts';
export {
  type AuditOutcome,
  type AuditQuery,
  type AuditRecord,
  type AuditRepo,
  auditRepo,
} from './repos/audit-record.ts';
export { type BackendToken, type BackendTokenRepo, backendTokenRepo } from './repos/backend-token.ts';
export { type BannedUser, type BanRepo, banRepo, isInForce } from './repos/ban.ts';
export { type Black, type BlackRepo, blackRepo } from './repos/black.ts';
export {
  type Broadcast,
  type BroadcastClaim,
  type BroadcastPage,
  type BroadcastProgress,
  type BroadcastRepo,
  broadcastRepo,
  type ListedBroadcast,
} from './repos/broadcast.ts';
export { type ClientConfigRepo, clientConfigRepo } from './repos/client-config.ts';
export {
  type ClientLog,
  type ClientLogQuery,
  type ClientLogRepo,
  clientLogRepo,
} from './repos/client-log.ts';
export {
  type ConsoleGrant,
  type ConsoleLogin,
  type ConsoleSession,
  type ConsoleSessionRepo,
  consoleSessionRepo,
} from './repos/console-session.ts';
export {
  type ConversationSeqs,
  type ConversationSeqsState,
  type ConversationSeqsUpdate,
  conversationSeqs,
  type RecordDeletion,
} from './repos/conversation-seqs.ts';
export {
  type ConversationBounds,
  type ConversationSettings,
  conversationSettings,
} from './repos/conversation-settings.ts';
export {
  type ConversationChanges,
  type ConversationKey,
  type ConversationSettingsChanges,
  conversationSettingsChanges,
  type InitialSettings,
  type MinSeqChange,
} from './repos/conversation-settings-change.ts';
export {
  type AnnouncedJob,
  type CronRunRepo,
  cronRunRepo,
  type FinishedRun,
  type JobState,
  type LiveRun,
  type RunClaim,
  type RunOutcome,
  type RunRequest,
} from './repos/cron-run.ts';
export {
  type ConsumerCursor,
  type CursorRepo,
  type Cursors,
  cursorRepo,
  type PartitionCursor,
  type Progress,
} from './repos/cursor.ts';
export {
  type DeadLetter,
  type DeadLetterRepo,
  deadLetterRepo,
  type KeptDeadLetter,
} from './repos/dead-letter.ts';
export {
  DEDUP_ENTRY_BYTES,
  type DedupBlock,
  type DedupBlockRepo,
  type DedupStretch,
  dedupBlockRepo,
} from './repos/dedup-block.ts';
export { type DestructRecord, type DestructRepo, destructRepo } from './repos/destruct.ts';
export { type FoldCommit, foldCommit } from './repos/fold-commit.ts';
export { type Friend, type FriendChanges, type FriendRepo, friendRepo } from './repos/friend.ts';
export {
  type FriendAnswer,
  type FriendRequest,
  type FriendRequestQuery,
  type FriendRequestRepo,
  friendRequestRepo,
  HANDLE_RESULT,
} from './repos/friend-request.ts';
export { type Group, type GroupChanges, type GroupRepo, groupRepo } from './repos/group.ts';
export {
  type GroupMember,
  type GroupMemberRepo,
  type GroupSummary,
  groupMemberRepo,
  type JoinedGroup,
} from './repos/group-member.ts';
export {
  type GroupMemberChanges,
  groupMemberChanges,
  type MemberChanges,
  type MembershipOutcome,
  type OwnerTransfer,
  type TransferOutcome,
} from './repos/group-member-change.ts';
export {
  type GroupAnswer,
  type GroupRequest,
  type GroupRequestQuery,
  type GroupRequestRepo,
  groupRequestRepo,
} from './repos/group-request.ts';
export { epochOf, toPosition, toStreamPosition } from './repos/log-position.ts';
export {
  type LoginCommit,
  type LoginWrite,
  loginCommit,
  type TokenSetChange,
} from './repos/login-commit.ts';
export type { MembersSince, MemberVersion, MemberVersions } from './repos/member-version.ts';
export type { MembershipPlace } from './repos/membership-guard.ts';
export {
  type ChangeReport,
  type MembershipIntent,
  type MembershipOutbox,
  membershipOutbox,
  type PendingTenants,
} from './repos/membership-outbox.ts';
export {
  type CountBudget,
  type CountRun,
  type MessageCounter,
  messageCounter,
} from './repos/message-counter.ts';
export type { MsgPlace } from './repos/msg-id-walk.ts';
export { type MsgIndexes, msgIndexes } from './repos/msg-index.ts';
export type { MsgQuery, MsgSearchPart, Period } from './repos/msg-query.ts';
export {
  type CountedRow,
  type CountedRows,
  type InsertOutcome,
  type MsgRow,
  type MsgRows,
  msgRows,
  type NewMsgRow,
  type SeqsOf,
} from './repos/msg-row.ts';
export { MAX_MARKED, type MsgRowChanges, msgRowChanges } from './repos/msg-row-change.ts';
export type { Revocation } from './repos/msg-row-document.ts';
export {
  MAX_SEARCH_WINDOW,
  type MsgCursor,
  type MsgHits,
  type MsgOrder,
  type MsgPage,
  type MsgSearch,
  type MsgSearchOptions,
  msgSearch,
  type SentMessage,
} from './repos/msg-search.ts';
export {
  daysOf,
  MAX_STAT_DAYS,
  type MsgCounts,
  type MsgStats,
  msgStats,
  STATISTICS_JOB,
} from './repos/msg-stats.ts';
export { type ObjectRepo, objectRepo, type StoredObject } from './repos/object.ts';
export {
  type ObjectUploadRepo,
  type OpenUpload,
  objectUploadRepo,
  type UploadKind,
} from './repos/object-upload.ts';
export {
  type ParkedMarker,
  type ParkedRecord,
  type ParkedRecordRepo,
  type ParkedUnit,
  type ParkingPlace,
  parkedRecordRepo,
} from './repos/parked-record.ts';
export {
  type PushPreferenceRepo,
  pushPreferenceRepo,
  type QuietHours,
} from './repos/push-preference.ts';
export {
  MAX_TOKENS_PER_USER,
  type PushToken,
  type PushTokenRepo,
  pushTokenRepo,
  type RegisteredDevice,
} from './repos/push-token.ts';
export { type ConversationSeqsBounds, type RetentionRepo, retentionRepo } from './repos/retention.ts';
export {
  type MembershipBound,
  NO_SEQ_USER,
  type SeqUser,
  type SeqUserRef,
  type SeqUsers,
  seqUsers,
} from './repos/seq-user.ts';
export type { SeqSpan } from './repos/seq-walk.ts';
export { type StatState, statBatches } from './repos/stat-batch.ts';
export {
  type DaySpan,
  type MessageTotals,
  type StatDay,
  type StatDayRepo,
  statDayRepo,
} from './repos/stat-day.ts';
export { type StatRetention, statRetention } from './repos/stat-retention.ts';
export { type TenantDataRepo, tenantDataRepo } from './repos/tenant-data.ts';
export {
  STORED_KINDS,
  type StoredKind,
  type TenantExportRepo,
  tenantExportRepo,
} from './repos/tenant-export.ts';
export { type StoredUsage, type TenantUsageRepo, tenantUsageRepo } from './repos/tenant-usage.ts';
export type { PendingWork, TenantWork } from './repos/tenant-work.ts';
export {
  type PictureThumbnails,
  type StoredThumbnail,
  type ThumbnailRepo,
  thumbnailRepo,
} from './repos/thumbnail.ts';
export {
  type Ban,
  type IssueState,
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
  type UserCursor,
  type UserPage,
  type UserQuery,
  type UserRepo,
  userRepo,
} from './repos/user.ts';
export { type CommandKey, type UserCommandRepo, userCommandRepo } from './repos/user-command.ts';
export {
  type CodeCount,
  type StoredCode,
  type VerificationCodeRepo,
  verificationCodeRepo,
} from './repos/verification-code.ts';
export {
  CHANGE,
  type ChangeState,
  type Delta,
  deltaOf,
  INFO_ENTRY,
  isKnownStamp,
  MAX_DELTA,
  SORT_ENTRY,
  type VersionStamp,
} from './repos/version-delta.ts';
export {
  type Change,
  deleted,
  inserted,
  type LogWrite,
  updated,
  VERSION_LOGS,
  type VersionLogs,
  versionLogs,
} from './repos/version-log.ts';
export {
  type NewWebhookDelivery,
  type WebhookAttempt,
  type WebhookDelivery,
  type WebhookDeliveryQuery,
  type WebhookDeliveryRepo,
  type WebhookState,
  webhookDeliveryRepo,
} from './repos/webhook-delivery.ts';
export { type WebhookEndpointRepo, webhookEndpointRepo } from './repos/webhook-endpoint.ts';
export {
  type WriterSessionRepo,
  type WriterSessions,
  writerSessionRepo,
} from './repos/writer-session.ts';
export type { Store } from './store.ts';
