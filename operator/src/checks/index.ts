export type { CheckDetail, CheckFailure, CheckResult, CheckSource } from './check-result.ts';
export { checkMongodb, type MongodbTarget } from './mongodb.ts';
export { checkNats, type NatsTarget } from './nats.ts';
export { checkRedis, type RedisTarget } from './redis.ts';
export { checkS3, type S3Target } from './s3.ts';
export { type StoreCheck, storeChecks } from './store-checks.ts';
