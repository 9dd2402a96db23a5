import { isIP } from 'node:net';
import { z } from 'zod';
import { BACKEND_PORTS } from '../backends.ts';
import { PARTITIONS } from '../message-log.ts';
import { count, ms, secret } from './fields.ts';
import { ThumbnailsConfig } from './thumbnails.ts';
import { isTlsConfigured, TlsConfig } from './tls.ts';

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
    tls: TlsConfig,
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
    tls: TlsConfig,
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
    tls: TlsConfig,
  })
  .refine(({ uri, tls }) => !isTlsConfigured(tls) || uri.startsWith('rediss://'), {
    path: ['uri'],
    error: 'must start with rediss://, because redis.tls names files',
  })
  .prefault({})
  .describe('Redis 7 or Valkey.');

/** Longest validity of a presigned URL: AWS Signature Version 4 allows seven days. */
const MAX_ACCESS_HOURS = 168;

/** Whether the host of a URL is an IP address. */
function isAddress(text: string): boolean {
  return isIP(URL.parse(text)?.hostname.replace(/^\[|\]$/g, '') ?? '') !== 0;
}

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
    credentials: z
      .enum(['keys', 'role'])
      .default('keys')
      .describe(
        'Where credentials come from. keys: accessKey and secretKey; role: the role of the process, which its environment names as for the SDKs of AWS (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_CONTAINER_CREDENTIALS_FULL_URI), or the metadata service of the machine.',
      ),
    accessKey: secret('Access key.'),
    secretKey: secret('Secret key.'),
    sessionToken: secret('Session token of temporary keys.'),
    bucket: z
      .string()
      .min(3)
      .max(63)
      .default('openim')
      .describe('Bucket, made when it is missing; with bucketPerTenant the beginning of its name.'),
    bucketPerTenant: z
      .boolean()
      .default(true)
      .describe(
        'Each tenant has the bucket <bucket>-<tenant>; false: all are in bucket, with keys that begin with <tenant>/. Objects stored before a change are not found afterwards.',
      ),
    pathStyle: z
      .boolean()
      .default(true)
      .describe(
        'The bucket is in the path of URLs; false: in the host name, as Alibaba OSS and Tencent COS require. Amazon S3 takes both.',
      ),
    region: z.string().default('us-east-1').describe('Region.'),
    tls: TlsConfig,
    corsOrigins: z
      .array(z.string().min(1).max(253))
      .max(100)
      .default(['*'])
      .describe(
        'Origins of web clients, such as https://chat.example.com, that a bucket without CORS rules is opened to; none leaves buckets as they are.',
      ),
    publicBaseURL: z
      .string()
      .regex(/^(https?:\/\/[^\s?#]+)?$/, 'must be an http or https URL without a query')
      .default('')
      .describe(
        'URL of a CDN or of a bucket that all may read: pictures, sound and video are linked by <publicBaseURL>/<key> without a signature, and stay reachable for who knows the URL. {bucket} in it stands for the bucket. Empty: all URLs are signed.',
      ),
    accessHours: z
      .int()
      .min(1)
      .max(MAX_ACCESS_HOURS)
      .default(MAX_ACCESS_HOURS)
      .describe('Hours for which the signed URL of an object is valid.'),
    uploadHours: count(24, 'Hours after which an upload that was not completed is removed.'),
    thumbnails: ThumbnailsConfig,
  })
  .refine(({ endpoint, tls }) => !isTlsConfigured(tls) || endpoint.startsWith('https://'), {
    path: ['endpoint'],
    error: 'must start with https://, because s3.tls names files',
  })
  .refine(
    ({ pathStyle, endpoint, externalEndpoint }) =>
      pathStyle || !(isAddress(endpoint) || isAddress(externalEndpoint)),
    {
      path: ['pathStyle'],
      error: 'must be true, because an endpoint is an IP address, which has no names below it',
    },
  )
  .refine(({ credentials, sessionToken }) => credentials === 'keys' || sessionToken === '', {
    path: ['sessionToken'],
    error: 'must be empty, because credentials is role',
  })
  .refine(
    ({ publicBaseURL, bucketPerTenant }) =>
      publicBaseURL === '' || !bucketPerTenant || publicBaseURL.includes('{bucket}'),
    {
      path: ['publicBaseURL'],
      error: 'must contain {bucket}, because bucketPerTenant is true',
    },
  )
  .prefault({})
  .describe('S3-compatible object storage.');
