import { type LiveSample, watchLive } from '@im/admin-api';
import { sleep } from '@im/kit';
import { make, type user } from '@im/protocol';
import { type AdminRoute, adminStream } from '../admin-route.ts';

/** Gateways send heartbeats as often. */
const INTERVAL_MS = 5_000;
/** Then the caller asks again, and is authorized again. */
const SAMPLES = 12;

function sum(counts: Iterable<number>): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

function sampleOf(gateways: readonly user.GatewayConnections[]): LiveSample {
  const platforms = new Map<number, number>();
  for (const gateway of gateways)
    for (const [id, connections] of Object.entries(gateway.platforms))
      platforms.set(Number(id), (platforms.get(Number(id)) ?? 0) + connections);
  return {
    time: Date.now(),
    users: sum(gateways.map(({ users }) => users)),
    connections: sum(platforms.values()),
    platforms: [...platforms]
      .map(([platformID, connections]) => ({ platformID, connections }))
      .sort((a, b) => a.platformID - b.platformID),
    gateways: gateways.map(({ gatewayID, users, platforms: own, sends, refusals, pushes, logins }) => ({
      ...{ gatewayID, users, sends, refusals, pushes, logins },
      connections: sum(Object.values(own)),
    })),
  };
}

/** Figures as they change. */
export const liveRoutes: readonly AdminRoute[] = [
  adminStream(watchLive, 'user.getConnectionCounts', async function* ({ ctx, rpc }) {
    const allowedMs = ctx.deadline - Date.now();
    for (let sample = 1; ; sample++) {
      const call = { ...ctx, deadline: Date.now() + allowedMs };
      const request = make('user.GetConnectionCountsReq');
      yield sampleOf((await rpc.client('user').getConnectionCounts(call, request)).gateways);
      if (sample === SAMPLES || ctx.signal?.aborted) return;
      await sleep(INTERVAL_MS, ctx.signal);
    }
  }),
];
