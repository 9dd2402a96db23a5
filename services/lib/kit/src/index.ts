export { onAbort, unlessAborted, untilAborted } from './abort.ts';
export { requireAdmin, requireSelf } from './access.ts';
export { addressFilter } from './address-filter.ts';
export { Backoff, type BackoffOptions, type RetryOptions, retry, sleep, waitAfter } from './backoff.ts';
export { Batcher, batchMeters, ExpiredInQueueError, QueueFullError, type Settle } from './batcher.ts';
export { type Cache, type CacheOptions, createCache } from './cache.ts';
export { type Calendar, calendarOf, dayName, offsetSpans, UTC } from './calendar.ts';
export {
  beginStoreStep,
  CallScope,
  currentCall,
  currentSpan,
  outsideCalls,
  sharedWork,
  withinCall,
  withinSpan,
} from './call-scope.ts';
export { type ClusterKey, callerProof, isProof, newChallenge, proofOf, sameSecret } from './cluster-key.ts';
export {
  asSystem,
  type CallContext,
  DEFAULT_TIMEOUT_MS,
  detached,
  remainingMs,
  systemContext,
  withCaller,
  withSpan,
} from './context.ts';
export { eachLimited } from './each-limited.ts';
export { clientAddress, FailedAttempts, plainAddress } from './failed-attempts.ts';
export { FairQueue } from './fair-queue.ts';
export { md5Hex, newInstanceId, randomId, sha256Parts, token16 } from './ids.ts';
export { type InvalidationHandler, type Invalidations, inProcessInvalidations } from './invalidations.ts';
export { KEY_SEPARATOR } from './keys.ts';
export { allAddresses, close, listen } from './listen.ts';
export { messageOf } from './message-of.ts';
export { Counter, DerivedCounter, Gauge, Histogram } from './meters.ts';
export { COUNT_BUCKETS, LATENCY_BUCKETS, type Metrics } from './metrics.ts';
export { MAX_PAGE, pageRange } from './pagination.ts';
export type { KnownProcess, ProcessDirectory } from './process-directory.ts';
export { readUpTo } from './read-up-to.ts';
export { Slots } from './slots.ts';
export {
  type MutableTenantDirectory,
  staticTenants,
  type TenantDirectory,
  unknownTenant,
} from './tenant-directory.ts';
export {
  OTHER_TENANTS,
  type RefusingLimit,
  TENANT_REFUSALS,
  type TenantRefusals,
  tenantRefusals,
} from './tenant-refusals.ts';
export { KeyedBuckets, TokenBucket } from './token-bucket.ts';
export { TOKEN_CACHE, tokenHash, tokenInvalidationKey } from './token-hash.ts';
export {
  endWith,
  NO_TRACING,
  type Span,
  type SpanAttributes,
  type SpanKind,
  type SpanOptions,
  type Tracer,
  type Tracing,
} from './trace.ts';
export { createUserLimit, type UserLimit } from './user-limits.ts';
