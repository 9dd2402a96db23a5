import { type Condition, type EventRecorder, findCondition, type Stored } from '@im/kube';
import type { OpenIMClusterStatus } from '../../gen/openimcluster.ts';
import type { OpenIMCluster } from '../../resources/kinds.ts';

/** Tells as events which conditions changed: what a person sees in `kubectl describe`. */
export class ConditionEvents {
  readonly #events: EventRecorder;

  constructor(events: EventRecorder) {
    this.#events = events;
  }

  /** Compares the status of before, in `cluster`, with the one that was just written. */
  tell(cluster: Stored<OpenIMCluster>, status: OpenIMClusterStatus): void {
    const before = (cluster.status?.conditions ?? []) as readonly Condition[];
    for (const condition of (status.conditions ?? []) as readonly Condition[]) {
      const was = findCondition(before, condition.type)?.status ?? 'Unknown';
      if (was === condition.status || condition.status === 'Unknown') continue;
      // Progress is no fault, and its end is good news.
      const good = condition.type === 'Progressing' ? true : condition.status === 'True';
      this.#events.event(cluster, {
        type: good ? 'Normal' : 'Warning',
        reason: reasonOf(condition),
        message: condition.message,
      });
    }
  }
}

function reasonOf({ type, status }: Condition): string {
  if (type === 'Progressing') return status === 'True' ? 'RolloutStarted' : 'RolloutFinished';
  return status === 'True' ? type : `Not${type}`;
}
