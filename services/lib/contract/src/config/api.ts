import { z } from 'zod';
import { DEFAULT_PORTS } from '../ports.ts';
import { ConsoleConfig } from './console.ts';
import { count, ms, port } from './fields.ts';

/** Section `api` of the config. */
export const ApiConfig = z
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
    discoverProcesses: z
      .boolean()
      .default(false)
      .describe(
        'Whether /prometheus_discovery/<name> also lists the ops ports of all processes that are connected to NATS, each under the first of its names. The route needs no token: whoever reaches the API sees the addresses.',
      ),
    console: ConsoleConfig,
    requestTimeoutMs: ms(9_500, 'Time limit of one request; clients wait 10 s'),
  })
  .prefault({})
  .describe('The HTTP API.');
