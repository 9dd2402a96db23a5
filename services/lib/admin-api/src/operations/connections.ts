import { z } from 'zod';
import { id, nextCursor, page, reason, time } from '../fields.ts';
import { operation } from '../operation.ts';

/** A live connection. */
export const Connection = z
  .object({
    connectionID: z.string(),
    userID: z.string(),
    platformID: z.int(),
    gatewayID: z.string().meta({ description: 'Process that holds it, which is a pod on Kubernetes.' }),
    address: z.string().meta({ description: "The client's address." }),
    openTime: time,
    lastSeenTime: time.meta({ description: 'When the client last sent anything, ms.' }),
    isBackground: z.boolean().meta({ description: 'The app said that it is in the background.' }),
    encoding: z.enum(['gob', 'json']),
    compressed: z.boolean(),
    queuedBytes: z.int().meta({ description: 'Sent, and not read by the client yet.' }),
  })
  .meta({ id: 'Connection' });
/** A live connection. */
export type Connection = z.output<typeof Connection>;

const platformID = z.coerce.number<number>().int().min(1).max(11).optional();

/** Live connections. */
export const listConnections = operation({
  id: 'listConnections',
  method: 'GET',
  path: '/connections',
  access: 'read',
  tag: 'connections',
  summary: 'List live connections by gateway, on each the oldest first.',
  description:
    'Gateways are asked as they are now: who changes gateways between two pages may be listed twice or not at all. A page may have fewer entries than `limit`, also none, where filters leave much out.',
  query: z.strictObject({
    ...page(),
    userID: id.optional(),
    platformID,
    gatewayID: z.string().min(1).max(512).optional(),
    address: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .meta({ description: "The client's address, or a network such as `10.0.0.0/8`." }),
  }),
  answer: z.object({
    connections: z.array(Connection),
    silentGatewayIDs: z
      .array(z.string())
      .meta({ description: 'Gateways that did not answer: what they hold is missing.' }),
    nextCursor,
  }),
  perSecond: 30,
  console: { role: 'viewer' },
});

/** Connections by platform. */
const byPlatform = z.array(z.object({ platformID: z.int(), connections: z.int() }));

/** Numbers of live connections. */
export const countConnections = operation({
  id: 'countConnections',
  method: 'GET',
  path: '/connections/count',
  access: 'read',
  tag: 'connections',
  summary: 'Count live connections by gateway and platform.',
  description:
    'As of the last heartbeat of each gateway, some seconds ago at most. A user with connections on several gateways counts on each of them.',
  answer: z.object({
    connections: z.int(),
    users: z.int(),
    platforms: byPlatform,
    gateways: z.array(
      z.object({
        gatewayID: z.string(),
        connections: z.int(),
        users: z.int(),
        platforms: byPlatform,
      }),
    ),
  }),
  perSecond: 20,
  console: { role: 'viewer' },
});

const kicked = z.int().meta({ description: 'Connections that were closed.' });
const KICKED =
  'The client gets the kick of the protocol (request 2002), after which SDKs do not connect again by themselves. Tokens stay valid: log the user out to end them.';

/** Closes one connection. */
export const kickConnection = operation({
  id: 'kickConnection',
  method: 'DELETE',
  path: '/users/{userID}/connections/{connectionID}',
  access: 'write',
  tag: 'connections',
  summary: 'Kick one connection of a user.',
  description: KICKED,
  params: z.strictObject({ userID: id, connectionID: z.string().min(1).max(64) }),
  query: z.strictObject({ reason }),
  answer: z.object({ kicked }),
  audit: { act: 'connection.kick', kind: 'user', param: 'userID' },
  console: { role: 'moderator' },
});

/** Closes the connections of a user. */
export const kickUser = operation({
  id: 'kickUser',
  method: 'DELETE',
  path: '/users/{userID}/connections',
  access: 'write',
  tag: 'connections',
  summary: 'Kick all connections of a user, or those of one platform.',
  description: KICKED,
  params: z.strictObject({ userID: id }),
  query: z.strictObject({
    platformID: platformID.meta({ description: 'All platforms when absent.' }),
    reason,
  }),
  answer: z.object({ kicked }),
  audit: { act: 'connection.kick', kind: 'user', param: 'userID' },
  console: { role: 'moderator' },
});
