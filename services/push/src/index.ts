import type { Bus } from '@im/bus';
import { sleep } from '@im/kit';
import { type BaseDeps, defineService, type LiveDeps, READY, type Service } from '@im/process';
import type { RpcRegistry } from '@im/rpc';
import { conversationSettings, pushPreferenceRepo, pushTokenRepo, type Store, userRepo } from '@im/store';
import { createDispatcher, type Webhooks } from '@im/webhooks';
import { beforeOfflinePush } from './before-offline-push.ts';
import { sharedClaims } from './claims.ts';
import { HandOff } from './hand-off/hand-off.ts';
import { ProvidersByTenant } from './hand-off/tenant-providers.ts';
import { logProvider } from './providers/log.ts';
import { Pusher } from './pusher.ts';
import { WakeLimit } from './rate-limit.ts';
import { domainReceivers } from './receivers.ts';

/** What push needs of its process. */
export type PushDeps = BaseDeps &
  Pick<LiveDeps, 'live'> & { rpc: RpcRegistry; store: Store; bus: Bus; webhooks: Webhooks };

/**
 * Time in which deliveries are gathered, to be judged together: it is not noticeable in a notification, and
 * otherwise every message would cost a look at presence.
 */
const GATHER_MS = 100;

/** Deliveries of one tenant that wait here for those before them, while those of others go on. */
const AHEAD = 2_000;

/** Name of the durable reader that all push processes share. */
const READER = 'push';

/** While no tenant has a provider, deliveries need not be read; whether one has is looked at this often. */
const UNUSED_MS = 1_000;

/** Reads all deliveries and decides who gets an offline notification. */
export const pushService = defineService({
  name: 'push',
  requires: ['rpc', 'store', 'bus', 'webhooks'],
  settings: ['push', 'offlinePush'],
  async create(config, deps: PushDeps): Promise<Service> {
    const { rpc, store, bus, log, metrics, tasks, live, tenants, tracing } = deps;
    const own = log.child({ part: 'push' });
    const limit = new WakeLimit(config.push.wakesPerUser);
    const end = live.onChange(({ push }) => limit.configure(push.wakesPerUser));
    const preferences = pushPreferenceRepo(store);
    const providers = new ProvidersByTenant({
      settingsOf: (tenant) => tenants.get(tenant)?.push ?? live.current.offlinePush,
      otherwise: config.push.provider === 'log' ? logProvider(own) : undefined,
      allowedNetworks: () => live.current.webhooks.allowedNetworks,
      log: own,
    });
    const endTenants = tenants.onChange((id, settings) => {
      if (!settings) providers.forget(id);
    });
    const handOff = new HandOff({
      providers,
      tokens: pushTokenRepo(store),
      preferences,
      claims: sharedClaims(store.redis),
      limit,
      keyOf: ({ tenant }, ...parts) => store.redisKey(tenant, 'push', ...parts),
      log: own,
      metrics,
    });
    const pusher = new Pusher({
      receivers: domainReceivers(rpc, conversationSettings(store), userRepo(store), preferences),
      handOff,
      policyOf: (tenant) => ({
        serves: providers.serves(tenant),
        mentionsThroughMute: providers.of(tenant)?.settings.mentionsThroughMute ?? false,
      }),
      log: own,
      metrics,
      knows: (tenant) => tenants.get(tenant) !== undefined,
      beforeOfflinePush: beforeOfflinePush(deps.webhooks),
      tracing,
    });
    const isUsed = () => tenants.list().some(({ id }) => providers.serves(id));
    const webhooks = createDispatcher({ bus, store, tenants, live, metrics, log, tasks, tracing });
    return {
      async start() {
        webhooks.start();
        tasks.loop('push-reader', async (signal) => {
          while (!signal.aborted && !isUsed()) await sleep(UNUSED_MS, signal);
          await bus.deliveries.consume(READER, {
            signal,
            gatherMs: GATHER_MS,
            // A tenant alone is waited for: no other is held up, and nothing need be given up.
            ahead: () => (tenants.list().length > 1 ? AHEAD : 0),
            onFull: (kept) => pusher.putOffFull(kept),
            onBatch: (batch) => pusher.judge(batch, signal),
          });
          await handOff.idle();
        });
      },
      async stop(deadline) {
        end();
        endTenants();
        providers.close();
        await webhooks.stop(deadline);
      },
      ready: () => READY,
    };
  },
});
