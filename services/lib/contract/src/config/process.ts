import { z } from 'zod';
import { LOG_LEVELS } from '../log-level.ts';
import { DEFAULT_PORTS } from '../ports.ts';
import { ms, port } from './fields.ts';

/** Section `log` of the config. */
export const LogConfig = z
  .strictObject({
    level: z.enum(LOG_LEVELS).default('info').describe('Lines below this level are left out.'),
  })
  .prefault({})
  .describe('Logs, one JSON object per line on stderr.');

/** Section `listen` of the config. */
export const ListenConfig = z
  .strictObject({
    host: z
      .string()
      .default('0.0.0.0')
      .describe('Address that all ports are opened on; 0.0.0.0: all addresses, IPv6 included.'),
  })
  .prefault({})
  .describe('Where the process listens.');

/** Section `ops` of the config. */
export const OpsConfig = z
  .strictObject({ port: port(DEFAULT_PORTS.ops) })
  .prefault({})
  .describe('Port of /healthz, /readyz, /metrics, /status and operator actions.');

/** Section `shutdown` of the config. */
export const ShutdownConfig = z
  .strictObject({
    deadlineMs: ms(20_000, 'Time that parts get to finish what they accepted'),
    settleMs: ms(
      5_000,
      'Time that an announced stop waits, serving on, so that all who send work here learn of it',
    ),
  })
  .prefault({})
  .describe('How the process ends.');
