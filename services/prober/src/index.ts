import { isTenantId } from '@im/contract';
import { type BaseDeps, defineService, type LiveDeps, READY, type Service } from '@im/process';
import type { Store } from '@im/store';
import { checkpointStore } from './checkpoint.ts';
import { proberMetrics } from './metrics.ts';
import { Prober } from './prober.ts';

/** What the prober needs of its process. */
export type ProberProcessDeps = BaseDeps & Pick<LiveDeps, 'status'> & { store: Store };

/** Sends checked messages over the gateways at all times, and reports what became of them. */
export const proberService = defineService({
  name: 'prober',
  requires: ['store'],
  settings: ['prober'],
  async create(config, { store, tenants, tasks, log, metrics, status }: ProberProcessDeps): Promise<Service> {
    const { tenant, apiURL, gatewayURL, messagesPerSecond, roundSeconds } = config.prober;
    if (!isTenantId(tenant)) {
      throw new RangeError('prober.tenant: is not set; name the tenant whose users are to chat');
    }
    const prober = new Prober({
      tenant,
      tenants,
      apiURL,
      gatewayURL,
      messagesPerSecond,
      roundMs: roundSeconds * 1_000,
      checkpoints: checkpointStore(store, tenant),
      log: log.child({ part: 'prober', tenant }),
      metrics: proberMetrics(metrics),
    });
    status.add('prober', () => prober.status());
    return {
      async start() {
        tasks.loop('prober', (signal) => prober.run(signal));
      },
      async stop() {},
      ready: () => READY,
    };
  },
});
