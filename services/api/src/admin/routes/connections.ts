import {
  type Answer,
  type Connection,
  countConnections,
  kickConnection,
  kickUser,
  listConnections,
} from '@im/admin-api';
import { make, type user } from '@im/protocol';
import { type AdminCall, type AdminRoute, adminRoute } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';

function connectionOf(live: user.LiveConnection): Connection {
  const { connID, userID, platformID, gatewayID, address, openTime, seenTime } = live;
  const { isBackground, compressed, queuedBytes } = live;
  return {
    ...{ connectionID: connID, userID, platformID, gatewayID, address, openTime, lastSeenTime: seenTime },
    ...{ isBackground, compressed, queuedBytes },
    encoding: live.encoding === 'json' ? 'json' : 'gob',
  };
}

/** Numbers of a gateway, or of all together. */
function countsOf(of: readonly user.GatewayConnections[]) {
  const byPlatform = new Map<number, number>();
  for (const { platforms } of of) {
    for (const [platformID, count] of Object.entries(platforms))
      byPlatform.set(Number(platformID), (byPlatform.get(Number(platformID)) ?? 0) + count);
  }
  const platforms = [...byPlatform].map(([platformID, connections]) => ({ platformID, connections }));
  return {
    connections: platforms.reduce((sum, { connections }) => sum + connections, 0),
    users: of.reduce((sum, { users }) => sum + users, 0),
    platforms: platforms.sort((a, b) => a.platformID - b.platformID),
  };
}

async function kick(
  { ctx, rpc }: AdminCall,
  fields: Partial<user.KickConnectionsReq>,
): Promise<Answer<typeof kickUser>> {
  const request = make('user.KickConnectionsReq', fields);
  const { kicked } = await rpc.client('user').kickConnections(ctx, request);
  return { kicked };
}

/** Live connections of a tenant. */
export const connectionRoutes: readonly AdminRoute[] = [
  adminRoute(listConnections, 'user.searchConnections', async ({ ctx, rpc }, { query }) => {
    const { userID = '', platformID = 0, gatewayID = '', address = '', limit, cursor } = query;
    const asked = { userID, platformID, gatewayID, address, limit, cursor: fromOpaque(cursor) };
    const request = make('user.SearchConnectionsReq', asked);
    const found = await rpc.client('user').searchConnections(ctx, request);
    return {
      connections: found.connections.map(connectionOf),
      silentGatewayIDs: found.silentGatewayIDs,
      ...opaque(found.cursor),
    };
  }),
  adminRoute(countConnections, 'user.getConnectionCounts', async ({ ctx, rpc }) => {
    const request = make('user.GetConnectionCountsReq');
    const { gateways } = await rpc.client('user').getConnectionCounts(ctx, request);
    return {
      ...countsOf(gateways),
      gateways: gateways.map((one) => ({ gatewayID: one.gatewayID, ...countsOf([one]) })),
    };
  }),
  adminRoute(kickConnection, 'user.kickConnections', (call, { params: { userID, connectionID } }) =>
    kick(call, { userID, connID: connectionID }),
  ),
  adminRoute(kickUser, 'user.kickConnections', (call, { params: { userID }, query: { platformID = 0 } }) =>
    kick(call, { userID, platformID }),
  ),
];
