import type { Bus } from '@im/bus';
import type { ServerConfig } from '@im/contract';
import { type BaseDeps, defineService, type LiveDeps, type Logger, READY, type Service } from '@im/process';
import type { RpcRegistry } from '@im/rpc';
import { conversationSettings, type Store } from '@im/store';
import { sharedClaims } from './claims.ts';
import { logProvider } from './providers/log.ts';
import { noneProvider } from './providers/none.ts';
import type { PushProvider } from './providers/push-provider.ts';
import { Pusher } from './pusher.ts';
import { WakeLimit } from './rate-limit.ts';
import { domainReceivers } from './receivers.ts';

export type { OfflineNotification } from './notification.ts';
export type { PushProvider } from './providers/push-provider.ts';

/** What push needs of its process. */
export type PushDeps = BaseDeps & Pick<LiveDeps, 'live'> & { rpc: RpcRegistry; store: Store; bus: Bus };

/**
 * Time in which deliveries are gathered, to be judged together: it is not noticeable in a notification, and
 * otherwise every message would cost a look at presence.
 */
const GATHER_MS = 100;

/** Deliveries of one tenant that wait here for those before them, while those of others go on. */
const AHEAD = 2_000;

/** Name of the durable reader that all push processes share. */
const READER = 'push';

function providerOf(config: ServerConfig['push'], log: Logger): PushProvider {
  switch (config.provider) {
    case 'none':
      return noneProvider;
    case 'log':
      return logProvider(log);
    default:
      return config.provider satisfies never;
  }
}

/** Reads all deliveries and decides who gets an offline notification. */
export const pushService = defineService({
  name: 'push',
  requires: ['rpc', 'store', 'bus'],
  settings: ['push'],
  async create(config, { rpc, store, bus, log, metrics, tasks, live, tenants }: PushDeps): Promise<Service> {
    const own = log.child({ part: 'push' });
    const limit = new WakeLimit(config.push.wakesPerUser);
    const end = live.onChange(({ push }) => limit.configure(push.wakesPerUser));
    const pusher = new Pusher({
      receivers: domainReceivers(rpc, conversationSettings(store)),
      provider: providerOf(config.push, own),
      limit,
      claims: sharedClaims(store.redis),
      keyOf: (tenant, ...parts) => store.redisKey(tenant, 'push', ...parts),
      log: own,
      metrics,
      knows: (tenant) => tenants.get(tenant) !== undefined,
    });
    return {
      async start() {
        // No user would be woken: the deliveries need not be read either.
        if (config.push.provider === 'none') return;
        tasks.loop('push-reader', (signal) =>
          bus.deliveries.consume(READER, {
            signal,
            gatherMs: GATHER_MS,
            // A tenant alone is waited for: no other is held up, and nothing need be given up.
            ahead: () => (tenants.list().length > 1 ? AHEAD : 0),
            onFull: (kept) => pusher.putOffFull(kept),
            onBatch: (batch) => pusher.judge(batch, signal),
          }),
        );
      },
      stop: async () => end(),
      ready: () => READY,
    };
  },
});
