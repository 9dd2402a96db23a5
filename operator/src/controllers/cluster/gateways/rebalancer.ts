import type { Counter, Metrics } from '@im/kit';
import { type EventRecorder, keyOf, type Stored } from '@im/kube';
import type { Logger } from '@im/process';
import type { EffectiveRebalance } from '../../../resources/autoscaling.ts';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import type { ObservedCluster } from '../observation/observed-cluster.ts';
import type { Observer } from '../observation/observer.ts';
import type { ProcessApi } from '../observation/process-api.ts';
import { gatewayLoads, isRollingOut } from './gateway-load.ts';
import { planRebalance, REBALANCE_SECONDS } from './rebalance.ts';

/** Dependencies of {@link Rebalancer}. */
export interface RebalancerDeps {
  readonly observer: Observer;
  readonly processes: Pick<ProcessApi, 'shed'>;
  readonly events: EventRecorder;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** What is rebalanced. */
export interface RebalanceStep {
  readonly cluster: Stored<OpenIMCluster>;
  readonly observed: ObservedCluster;
  readonly settings: EffectiveRebalance;
  /** Key of the cluster, which orders to shed need. */
  readonly rpcKey: string;
}

/** Makes gateways shed connections that they have in excess of others. */
export class Rebalancer {
  readonly #deps: RebalancerDeps;
  /** Time of the last order, by cluster, by the monotonic clock. */
  readonly #orderedAt = new Map<string, number>();
  readonly #shed: Counter;

  constructor(deps: RebalancerDeps) {
    this.#deps = deps;
    this.#shed = deps.metrics.counter(
      'openim_operator_rebalanced_connections_total',
      'Connections that gateways were ordered to close because others had fewer',
    );
  }

  /** Orders what is due, at most once per minute and cluster. */
  async step({ cluster, observed, settings, rpcKey }: RebalanceStep, signal: AbortSignal): Promise<void> {
    const { observer, processes, events, log } = this.#deps;
    const key = keyOf(cluster);
    const observation = observer.observationOf(key);
    const gateways = gatewayLoads(observed.gatewayPods(), observation, observed.selectedRevision());
    const calm =
      observation.complete && !isRollingOut(gateways) && gateways.every(({ draining }) => !draining);
    const sinceMs = performance.now() - (this.#orderedAt.get(key) ?? Number.NEGATIVE_INFINITY);
    const periodMs = REBALANCE_SECONDS * 1_000;
    const orders = planRebalance(settings, gateways, calm).filter(
      ({ count }) => count === 0 || sinceMs >= periodMs,
    );
    for (const { pod, host, count, maxPerSecond } of orders) {
      try {
        await processes.shed({ host, key: rpcKey }, { count, maxPerSecond }, signal);
      } catch (error) {
        signal.throwIfAborted();
        // The next order follows in a minute; versions that cannot shed keep their connections.
        log.debug({ pod, err: error }, 'gateway does not shed connections');
        continue;
      }
      this.#shed.inc(count);
    }
    const total = orders.reduce((sum, { count }) => sum + count, 0);
    if (total === 0) return;
    this.#orderedAt.set(key, performance.now());
    // One event per episode, not per minute.
    if (sinceMs < 3 * periodMs) return;
    events.event(cluster, {
      type: 'Normal',
      reason: 'GatewaysRebalancing',
      message: `${orders.map(({ pod }) => pod).join(', ')} have more connections than the mean of all gateways and close the excess, at most ${settings.maxPercentPerMinute} % per minute.`,
    });
  }

  /** Drops what is kept about a deleted cluster. */
  forget(key: string): void {
    this.#orderedAt.delete(key);
  }
}
