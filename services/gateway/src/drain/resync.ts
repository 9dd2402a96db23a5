import { onAbort } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import type { Connection } from '../connection/connection.ts';
import { ConnectionCloser } from './connection-closer.ts';

export interface ResyncDeps {
  readonly connections: ReadonlySet<Connection>;
  readonly tasks: TaskRunner;
  readonly log: Logger;
  /** Most connections closed per second. */
  readonly maxPerSecond: () => number;
}

/** Time within which all clients are made to synchronize after a gap, ms. */
const RESYNC_MS = 60_000;

/**
 * Closes connections after deliveries were lost for good, at a pace: clients connect again and
 * synchronize. Connections opened after the loss stay.
 */
export class Resync {
  readonly #deps: ResyncDeps;
  readonly #run: () => void;
  /** When deliveries were last lost, ms of the monotonic clock. */
  #gapAt = 0;

  constructor(deps: ResyncDeps) {
    this.#deps = deps;
    this.#run = deps.tasks.coalesce('gateway resync', (signal) => this.#closeAffected(signal));
  }

  /** Deliveries were lost. While an earlier run is under way, another follows it. */
  request(reason: string): void {
    const { connections, log } = this.#deps;
    log.warn({ reason, connections: connections.size }, 'deliveries missed, clients must reconnect');
    this.#gapAt = performance.now();
    this.#run();
  }

  async #closeAffected(signal: AbortSignal): Promise<void> {
    const gapAt = this.#gapAt;
    const { connections, maxPerSecond } = this.#deps;
    const affected = new Set([...connections].filter(({ openedAt }) => openedAt <= gapAt));
    const closer = new ConnectionCloser(affected, { reason: 'resync', maxPerSecond, withinMs: RESYNC_MS });
    using _ = onAbort(signal, () => closer.cancel());
    await closer.run();
  }
}
