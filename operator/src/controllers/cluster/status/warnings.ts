import { type EventRecorder, keyOf, type Stored } from '@im/kube';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import type { GatewayWait } from '../gateways/gateway-state.ts';

/** Records a Warning event for each wait that is past its deadline, once until that wait is over. */
export class Warnings {
  readonly #events: EventRecorder;
  /** Reported waits by cluster. */
  readonly #reported = new Map<string, Set<string>>();

  constructor(events: EventRecorder) {
    this.#events = events;
  }

  /** @param waits all that the cluster waits for now. */
  update(cluster: Stored<OpenIMCluster>, waits: readonly GatewayWait[], now: number): void {
    const before = this.#reported.get(keyOf(cluster));
    const reported = new Set<string>();
    for (const { reason, subject, message, until } of waits) {
      if (until === undefined || now <= until) continue;
      const id = `${reason}/${subject}`;
      reported.add(id);
      if (!before?.has(id)) this.#events.event(cluster, { type: 'Warning', reason, message });
    }
    this.#reported.set(keyOf(cluster), reported);
  }

  /** Drops what is kept about a deleted cluster. */
  forget(key: string): void {
    this.#reported.delete(key);
  }
}
