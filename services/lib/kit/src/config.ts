import type { Domain } from '@im/protocol';
import { Cron } from 'croner';
import { z } from 'zod';
import { LOG_LEVELS } from './log.ts';
import { TenantSettings } from './tenant-settings.ts';

/** Default ports. */
export const DEFAULT_PORTS = {
  gateway: 10_001,
  api: 10_002,
  ops: 10_300,
  user: 10_110,
  conversation: 10_120,
  msg: 10_130,
  relation: 10_140,
  group: 10_150,
  auth: 10_160,
  third: 10_170,
} as const;

const port = (standard: number) =>
  z.int().min(0).max(65_535).default(standard).describe('TCP port; 0 takes a free one.');
const ms = (standard: number, what: string) => z.int().min(1).default(standard).describe(`${what}, in ms.`);
const count = (standard: number, what: string) => z.int().min(1).default(standard).describe(what);
const failures = (perSecond: number, burst: number) =>
  z.strictObject({
    ratePerSecond: z.number().min(0).default(perSecond).describe('Failures per second; 0 means no limit.'),
    burst: count(burst, 'Failures at once.'),
  });
const schedule = (standard: string, what: string) =>
  z
    .string()
    .refine(isSchedule, 'must be a cron expression, such as 17 3 * * *')
    .default(standard)
    .describe(`When ${what} are removed (cron, UTC).`);
const secret = (what: string) => z.string().default('').meta({ secret: true }).describe(what);

/** Whether the role cron can read it: five fields, or six with seconds in front. */
function isSchedule(text: string): boolean {
  try {
    new Cron(text, { paused: true }).stop();
    // A date is one that croner takes too; work by the clock returns.
    return text.trim().split(/\s+/).length >= 5;
  } catch {
    return false;
  }
}

const domainRpc = (domain: Domain) =>
  z
    .strictObject({
      port: port(DEFAULT_PORTS[domain]),
      addresses: z
        .array(z.string().min(1))
        .default([`127.0.0.1:${DEFAULT_PORTS[domain]}`])
        .describe('Where it is reached: host:port of each process, or one dns:///headless-service:port.'),
    })
    .prefault({})
    .describe(`RPC domain ${domain}.`);

/** The configuration of every role: one file serves all processes of a cluster, and each reads what it needs. */
export const ServerConfig = z.strictObject({
  log: z
    .strictObject({
      level: z.enum(LOG_LEVELS).default('info').describe('Lines below this level are left out.'),
    })
    .prefault({})
    .describe('Logs, one JSON object per line on stderr.'),
  listen: z
    .strictObject({ host: z.string().default('0.0.0.0').describe('Address that all ports are opened on.') })
    .prefault({})
    .describe('Where the process listens.'),
  ops: z
    .strictObject({ port: port(DEFAULT_PORTS.ops) })
    .prefault({})
    .describe('Port of /healthz, /readyz, /metrics, /status and operator actions.'),
  shutdown: z
    .strictObject({
      deadlineMs: ms(20_000, 'Time that parts get to finish what they accepted'),
      settleMs: ms(
        5_000,
        'Time that an announced stop waits, serving on, so that all who send work here learn of it',
      ),
    })
    .prefault({})
    .describe('How the process ends.'),
  gateway: z
    .strictObject({
      port: port(DEFAULT_PORTS.gateway),
      maxConnections: count(100_000, 'Most connections at once; further ones get 1601.'),
      maxConnectionsPerUser: count(
        50,
        'Most connections of one user on one gateway; one more kicks the oldest in the background, else the oldest.',
      ),
      requests: z
        .strictObject({
          ratePerSecond: z
            .number()
            .min(0)
            .default(200)
            .describe('Frames per second and connection, pings included; 0 means no limit.'),
          burst: count(2_000, 'Frames at once.'),
          bytesPerSecond: z
            .number()
            .min(0)
            .default(2_097_152)
            .describe(
              'Bytes per second and user of requests above 16 KiB, after gunzip and over all connections; 0 means no limit.',
            ),
          byteBurst: count(8_388_608, 'Such bytes at once.'),
        })
        .prefault({})
        .describe(
          'What one connection, and in bytes one user, may ask; whoever asks more is answered more slowly, and not closed.',
        ),
      readLimitBytes: count(51_200, 'Largest WebSocket message accepted, as received.'),
      inflatedLimitBytes: count(1_048_576, 'Largest request accepted, after gunzip.'),
      readTimeoutMs: ms(30_000, 'A connection without traffic for this long is closed'),
      pingIntervalMs: ms(27_000, 'Between pings to web clients'),
      sendQueue: count(256, 'Most frames waiting for a connection; one more closes it.'),
      sendQueueBytes: count(4_194_304, 'Most bytes waiting for a connection; more closes it.'),
      handshakes: z
        .strictObject({
          ratePerSecond: z
            .number()
            .min(0)
            .default(500)
            .describe('New connections per second; 0 means no limit.'),
          burst: count(1_000, 'New connections at once.'),
          perLogin: z
            .strictObject({
              ratePerSecond: z
                .number()
                .min(0)
                .default(5)
                .describe('New connections per second with one token; 0 means no limit.'),
              burst: count(100, 'New connections at once with one token.'),
            })
            .prefault({})
            .describe('Holds back a client that connects in a loop, before it costs the others their place.'),
        })
        .prefault({})
        .describe('Admission of new connections, before any backend is asked; refused ones get 1601.'),
      requestTimeoutMs: ms(9_500, 'Time limit of one request; clients wait 10 s'),
      presence: z
        .strictObject({
          heartbeatMs: ms(5_000, 'Between signs of life of this gateway'),
          limitMs: ms(15_000, 'After this silence its users count as offline'),
        })
        .prefault({})
        .describe('Who is online.'),
      drain: z
        .strictObject({
          deadlineMs: ms(600_000, 'Most time that a drain takes'),
          maxPerSecond: count(500, 'Most connections closed per second, unless the deadline demands more.'),
        })
        .prefault({})
        .describe('How connections are moved away.'),
    })
    .prefault({})
    .describe('The WebSocket gateway.'),
  api: z
    .strictObject({
      port: port(DEFAULT_PORTS.api),
      bodyLimitBytes: count(
        8_388_608,
        'Largest request body of any route; most have smaller limits, see reference/limits.md.',
      ),
      maxBodyBytes: count(268_435_456, 'Most bytes of request bodies that the process holds at once.'),
      maxConnections: count(20_000, 'Most connections at once; further ones are closed.'),
      arrivalTimeoutMs: ms(30_000, 'Time that a request has to arrive, body included'),
      grafanaURL: z
        .union([z.literal(''), z.url()])
        .default('')
        .describe('Where /third/prometheus leads; empty: nowhere (404).'),
      metricsTargets: z
        .record(z.string(), z.array(z.string()))
        .default({})
        .describe(
          'What /prometheus_discovery/<name> lists: host:port by name, for a Prometheus with configuration of OpenIM. Names: api, user, group, msg, friend, conversation, third, auth, push, msg_gateway, msg_transfer.',
        ),
      requestTimeoutMs: ms(9_500, 'Time limit of one request; clients wait 10 s'),
    })
    .prefault({})
    .describe('The HTTP API.'),
  rpc: z
    .strictObject({
      domains: z
        .strictObject({
          auth: domainRpc('auth'),
          user: domainRpc('user'),
          msg: domainRpc('msg'),
          conversation: domainRpc('conversation'),
          group: domainRpc('group'),
          relation: domainRpc('relation'),
          third: domainRpc('third'),
        } satisfies Record<Domain, unknown>)
        .prefault({})
        .describe('Ports and addresses by domain.'),
      key: secret(
        'Key of the cluster: processes prove to each other that they know it, and POSTs to the ops port carry it as bearer token. Empty: neither is asked.',
      ),
      acceptMissingKey: z
        .boolean()
        .default(false)
        .describe(
          'Callers that do not know the key are let in as well: while a running cluster gets a key or changes it.',
        ),
      maxMessageBytes: count(8_388_608, 'Largest request, and largest answer that travels in one piece.'),
      maxAnswerBytes: count(
        67_108_864,
        'Largest answer; above maxMessageBytes it travels in pieces. A process holds at most twice as much of such answers, for its callers and of those that it waits for.',
      ),
      keepaliveMs: ms(10_000, 'Between keep-alive pings of a quiet connection'),
      keepaliveTimeoutMs: ms(5_000, 'A ping without an answer for this long ends the connection'),
      encodeInProcess: z
        .boolean()
        .default(false)
        .describe('Calls inside the process are encoded and decoded too; for tests.'),
    })
    .prefault({})
    .describe('Calls between services.'),
  nats: z
    .strictObject({
      servers: z.array(z.string().min(1)).min(1).default(['nats://127.0.0.1:4222']).describe('Server URLs.'),
      user: z.string().default('').describe('User name.'),
      password: secret('Password.'),
      token: secret('Token, instead of user and password.'),
      replicas: z
        .union([z.literal(1), z.literal(3), z.literal(5)], 'must be 1, 3 or 5')
        .default(1)
        .describe('Copies of every stream.'),
      storage: z.enum(['file', 'memory']).default('file').describe('Where the message log is kept.'),
      partitions: z
        .literal(64)
        .default(64)
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
    .describe('NATS with JetStream, version 2.12 or later.'),
  mongo: z
    .strictObject({
      uri: z
        .string()
        .regex(/^mongodb(\+srv)?:\/\//, 'must start with mongodb:// or mongodb+srv://')
        .default('mongodb://127.0.0.1:27017')
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
    .describe('MongoDB.'),
  redis: z
    .strictObject({
      uri: z
        .string()
        .regex(/^rediss?:\/\//, 'must start with redis:// or rediss://')
        .default('redis://127.0.0.1:6379')
        .meta({ secret: true })
        .describe('Connection string.'),
    })
    .prefault({})
    .describe('Redis 7 or Valkey.'),
  s3: z
    .strictObject({
      endpoint: z.string().default('http://127.0.0.1:8333').describe('URL by which the server reaches it.'),
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
    .describe('S3-compatible object storage.'),
  transfer: z
    .strictObject({
      leaseMs: ms(3_000, 'A partition whose owner was silent for this long is taken over'),
      cursorIntervalMs: ms(200, 'Shortest time between writes of the cursor'),
      maxBatch: count(1_000, 'Most records folded in one bulk.'),
      gatherMs: z
        .int()
        .min(0)
        .max(1_000)
        .default(10)
        .describe(
          'Shortest time between two bulks, in ms: records that follow each other faster share the cost of one. 0 folds each at once.',
        ),
    })
    .prefault({})
    .describe('The fold of the message log.'),
  push: z
    .strictObject({
      provider: z
        .enum(['none', 'log'])
        .default('none')
        .describe('Who delivers offline notifications; log only writes a line.'),
      wakesPerUser: z
        .strictObject({
          perMinute: z.number().positive().default(30).describe('Offline notifications per user and minute.'),
          burst: count(10, 'Offline notifications at once.'),
        })
        .prefault({})
        .describe('How often one user is woken; more are dropped, the messages are not.'),
    })
    .prefault({})
    .describe('Offline notifications.'),
  limits: z
    .strictObject({
      userMessages: z
        .strictObject({
          perSecond: z.number().min(0).default(100).describe('Messages per second; 0 means no limit.'),
          burst: count(2_000, 'Messages at once.'),
        })
        .prefault({})
        .describe('Messages of one user, per process of msg; more get 429.'),
      userBytes: z
        .strictObject({
          perSecond: z
            .number()
            .min(0)
            .default(1_048_576)
            .describe('Bytes of messages per second; 0 means no limit.'),
          burst: count(16_777_216, 'Bytes of messages at once.'),
        })
        .prefault({})
        .describe('Bytes of messages of one user, per process of msg; more get 429.'),
      userChanges: z
        .strictObject({
          perSecond: z
            .number()
            .min(0)
            .default(20)
            .describe('HTTP requests per second that change something; 0 means no limit.'),
          burst: count(500, 'Such requests at once.'),
        })
        .prefault({})
        .describe(
          'Read receipts, revocations, applications, changes of groups, friends, profiles and settings by one user, per api process; more get 429.',
        ),
      profileChanges: z
        .strictObject({
          perMinute: z.number().min(0).default(5).describe('Changes per minute; 0 means no limit.'),
          burst: count(10, 'Changes at once.'),
        })
        .prefault({})
        .describe(
          'New nicknames and pictures of one user, of which all friends and groups hear, and `ex` in all conversations with them, per process of user and of conversation; more get 429.',
        ),
      mentionAll: z
        .strictObject({
          perMinute: z.number().min(0).default(10).describe('Messages per minute; 0 means no limit.'),
          burst: count(10, 'Messages at once.'),
        })
        .prefault({})
        .describe(
          'Messages of one user that mention everybody in one group, per process of msg; more get 429 and are not sent.',
        ),
      userCommands: z
        .int()
        .min(1)
        .max(10_000)
        .default(10_000)
        .describe(
          'Commands (/user/process_user_command_*) that one user may keep; further ones get 1001 until some are deleted.',
        ),
    })
    .prefault({})
    .describe('What one user may do, unless the tenant says otherwise. Administrators are not limited.'),
  attempts: z
    .strictObject({
      trustedProxies: z
        .int()
        .min(0)
        .default(1)
        .describe(
          'Proxies in front of api and gateway that append to X-Forwarded-For, such as an Ingress. It is believed only on connections from private addresses; 0 always takes the address of the connection.',
        ),
      logins: failures(1, 60)
        .prefault({})
        .describe('Failed requests of /auth/get_admin_token, per tenant, address and process; more get 429.'),
      tokens: failures(20, 500)
        .prefault({})
        .describe(
          'Tokens that do not pass, at api and gateway, per tenant, address and process; more get 429 or 1601.',
        ),
    })
    .prefault({})
    .describe('How often an address may fail to prove who it is. What succeeds does not count.'),
  cron: z
    .strictObject({
      messageExpiry: schedule('17 3 * * *', 'expired messages'),
      objectExpiry: schedule('47 3 * * *', 'expired objects'),
      uploadExpiry: schedule('27 * * * *', 'uploads that were never completed, and bytes without a name,'),
      tokenExpiry: schedule('7 4 * * *', 'expired tokens'),
      messageDestruct: schedule('27 * * * *', "messages past the lifetime that a conversation's owner set"),
      objectDays: z
        .int()
        .min(0)
        .default(180)
        .describe(
          'Days that objects of objectGroups, and with sdklog the entries of client logs, are kept; 0 keeps them for ever.',
        ),
      objectGroups: z
        .array(z.string())
        .default(['msg-picture', 'msg-file', 'msg-voice', 'msg-video', 'msg-video-snapshot', 'sdklog'])
        .describe('Groups (upload causes) of objects that expire.'),
    })
    .prefault({})
    .describe('Work by the clock.'),
  tenants: z
    .array(TenantSettings)
    .default([])
    .describe(
      'Tenants known at the start; changes to the file take effect while the process runs. An invalid entry is refused alone.',
    ),
});
export type ServerConfig = z.infer<typeof ServerConfig>;

/** What a config looks like before defaults are filled in. */
export type ServerConfigInput = z.input<typeof ServerConfig>;
