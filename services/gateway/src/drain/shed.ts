import type { GatewayStatus } from '@im/contract';
import { onAbort } from '@im/kit';
import type { TaskRunner } from '@im/process';
import type { Connection } from '../connection/connection.ts';
import { ConnectionCloser, shuffled } from './connection-closer.ts';

/** How many connections a gateway gives away, and which it keeps. */
export interface ShedRequest {
  /** Connections to close from now on, in place of what is left of an earlier request; 0 cancels it. */
  readonly count: number;
  readonly maxPerSecond: number;
  /** Users who lost a connection to an earlier request within this time are spared, and connections younger than it. */
  readonly spareMs: number;
}

export interface ShedControllerDeps {
  readonly connections: ReadonlySet<Connection>;
  readonly tasks: TaskRunner;
}

/**
 * Gives a part of the connections to other gateways, while newcomers are accepted. A user is not moved twice in a
 * while: this gateway remembers whose connections it closed for as long as they have another one here, and a
 * connection that has just been moved here is young.
 */
export class ShedController {
  readonly #deps: ShedControllerDeps;
  #closer: ConnectionCloser | undefined;
  #maxPerSecond = 0;

  constructor(deps: ShedControllerDeps) {
    this.#deps = deps;
  }

  /** Its field in the gateway's status. */
  get status(): Required<Pick<GatewayStatus, 'shedRemaining'>> {
    return { shedRemaining: this.#closer?.remaining ?? 0 };
  }

  /** Closes as many as asked for, or as there are that need not be spared. */
  begin({ count, maxPerSecond, spareMs }: ShedRequest): void {
    if (count === 0) {
      this.cancel();
      return;
    }
    this.#maxPerSecond = maxPerSecond;
    const chosen = this.#choose(count, performance.now() - spareMs);
    if (this.#closer) this.#closer.replace(chosen);
    else if (chosen.size > 0) this.#run(chosen);
  }

  /** Leaves those whose turn has not come yet. */
  cancel(): void {
    this.#closer?.cancel();
    this.#closer = undefined;
  }

  #run(chosen: ReadonlySet<Connection>): void {
    const closer = new ConnectionCloser(chosen, {
      reason: 'rebalance',
      maxPerSecond: () => this.#maxPerSecond,
      onClosing: ({ user }) => {
        user.shedAt = performance.now();
      },
    });
    this.#closer = closer;
    const work = async (signal: AbortSignal) => {
      using _ = onAbort(signal, () => closer.cancel());
      await closer.run();
      if (this.#closer === closer) this.#closer = undefined;
    };
    this.#deps.tasks.spawn('gateway shed', work, { onRefused: () => this.cancel() });
  }

  /** Connections at random, one of each user, that were opened before `since` and whose users were not moved after. */
  #choose(count: number, since: number): Set<Connection> {
    const chosen = new Set<Connection>();
    const users = new Set<Connection['user']>();
    for (const connection of shuffled(this.#deps.connections)) {
      if (chosen.size === count) break;
      const { user, open, openedAt } = connection;
      if (!open || openedAt > since || users.has(user)) continue;
      if (user.shedAt !== undefined && user.shedAt > since) continue;
      chosen.add(connection);
      users.add(user);
    }
    return chosen;
  }
}
