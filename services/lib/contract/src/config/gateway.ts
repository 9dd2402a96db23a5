import { z } from 'zod';
import { DEFAULT_PORTS } from '../ports.ts';
import { count, ms, port } from './fields.ts';

/** Section `gateway` of the config. */
export const GatewayConfig = z
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
        'Requests of a connection, and bytes of a user; above the limit answers are delayed, and no connection is closed.',
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
          .describe(
            'New connections per second; tenants that come at once are each sure of an equal share. 0 means no limit.',
          ),
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
        heartbeatMs: ms(5_000, 'Heartbeat interval of this gateway'),
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
  .describe('The WebSocket gateway.');
