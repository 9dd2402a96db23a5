import { z } from 'zod';
import { time } from '../fields.ts';
import { operation } from '../operation.ts';

/** Who is connected at a time, and what gateways did until then. */
export const LiveSample = z
  .object({
    time,
    users: z.int().meta({ description: 'Users online; those on two gateways count twice.' }),
    connections: z.int(),
    platforms: z.array(z.object({ platformID: z.int(), connections: z.int() })),
    gateways: z.array(
      z.object({
        gatewayID: z.string(),
        users: z.int(),
        connections: z.int(),
        sends: z.int().meta({ description: 'Messages that clients sent since the gateway started.' }),
        refusals: z.int().meta({ description: 'Messages and handshakes that quotas refused since then.' }),
        pushes: z.int().meta({ description: 'Messages written to connections since then.' }),
        logins: z.int().meta({ description: 'Connections opened since then.' }),
      }),
    ),
  })
  .meta({ id: 'LiveSample' });
/** Who is connected at a time. */
export type LiveSample = z.output<typeof LiveSample>;

/** Figures as they change. */
export const watchLive = operation({
  id: 'watchLive',
  method: 'GET',
  path: '/live',
  access: 'read',
  tag: 'statistics',
  summary: 'Watch who is connected: a line every five seconds, for a minute.',
  description:
    'As of the last heartbeat of each gateway. Ask again after the last line. A process answers 100 of these at once, 20 of one tenant.',
  answer: LiveSample,
  stream: true,
  live: true,
  console: { role: 'viewer' },
  perSecond: 20,
});
