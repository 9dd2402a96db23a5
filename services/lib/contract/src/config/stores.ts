import { z } from 'zod';
import { BACKEND_PORTS } from '../backends.ts';
import { PARTITIONS } from '../message-log.ts';
import { count, ms, secret } from './fields.ts';

/** Section `nats` of the config. */
export const NatsConfig = z
  .strictObject({
    servers: z
      .array(z.string().min(1))
      .min(1)
      .default([`nats://127.0.0.1:${BACKEND_PORTS.nats}`])
      .describe('Server URLs.'),
    user: z.string().default('').describe('User name.'),
    password: secret('Password.'),
    token: secret('Token, instead of user and password.'),
    replicas: z
      .union([z.literal(1), z.literal(3), z.literal(5)], 'must be 1, 3 or 5')
      .default(1)
      .describe('Copies of every stream.'),
    storage: z.enum(['file', 'memory']).default('file').describe('Where the message log is kept.'),
    partitions: z
      .literal(PARTITIONS)
      .default(PARTITIONS)
      .describe(
        'Partitions of the message log. Fixed for good: it decides which messages are ordered together.',
      ),
    logMaxBytes: z
      .int()
      .min(1_048_576)
      .default(4_294_967_296)
      .describe('Most bytes of the message log; sends are refused from 90 %.'),
    seqMaxBytes: z
      .int()
      .min(1_048_576)
      .default(268_435_456)
      .describe('Most bytes of kept deliveries, in memory.'),
    tenantLogShare: z
      .number()
      .min(0.01)
      .max(1)
      .default(0.25)
      .describe(
        'Most of the message log that messages of one tenant may fill once the log is 70 % full, as a part of its size; more are refused. Without effect where there is one tenant.',
      ),
    publishTimeoutMs: ms(9_000, 'A send that is not acknowledged within this time fails'),
  })
  .prefault({})
  .describe('NATS with JetStream, version 2.12 or later.');

/** Section `mongo` of the config. */
export const MongoConfig = z
  .strictObject({
    uri: z
      .string()
      .regex(/^mongodb(\+srv)?:\/\//, 'must start with mongodb:// or mongodb+srv://')
      .default(`mongodb://127.0.0.1:${BACKEND_PORTS.mongodb}`)
      .meta({ secret: true })
      .describe('Connection string.'),
    database: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,38}$/, 'must be 1 to 38 of A-Z, a-z, 0-9, _ and -')
      .default('openim')
      .describe('Database of shared tenants; a dedicated one is <database>_<tenant>.'),
    maxPoolSize: count(50, 'Most connections of a process.'),
  })
  .prefault({})
  .describe('MongoDB.');

/** Section `redis` of the config. */
export const RedisConfig = z
  .strictObject({
    uri: z
      .string()
      .regex(/^rediss?:\/\//, 'must start with redis:// or rediss://')
      .default(`redis://127.0.0.1:${BACKEND_PORTS.redis}`)
      .meta({ secret: true })
      .describe('Connection string.'),
  })
  .prefault({})
  .describe('Redis 7 or Valkey.');

/** Section `s3` of the config. */
export const S3Config = z
  .strictObject({
    endpoint: z
      .string()
      .default(`http://127.0.0.1:${BACKEND_PORTS.objectStorage}`)
      .describe('URL by which the server reaches it.'),
    externalEndpoint: z
      .string()
      .default('')
      .describe(
        'URL by which clients reach it, the host that presigned URLs are made for; empty means endpoint.',
      ),
    accessKey: secret('Access key.'),
    secretKey: secret('Secret key.'),
    bucket: z.string().min(3).max(63).default('openim').describe('Bucket, made when it is missing.'),
    region: z.string().default('us-east-1').describe('Region.'),
    uploadHours: count(24, 'Hours after which an upload that was not completed is removed.'),
  })
  .prefault({})
  .describe('S3-compatible object storage.');
