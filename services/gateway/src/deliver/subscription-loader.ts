import type { DeliveryFeed } from '@im/bus';
import { Backoff, systemContext } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import type { DomainService } from '@im/rpc';
import type { LocalUser } from '../connection/connection.ts';
import type { LocalUsers } from './local-users.ts';

export interface SubscriptionLoaderDeps {
  readonly localUsers: LocalUsers;
  readonly feed: Pick<DeliveryFeed, 'barrier' | 'allPartitionsOwned'>;
  readonly groups: Pick<DomainService<'group'>, 'getJoinedGroupIDs'>;
  readonly tasks: TaskRunner;
  readonly log: Logger;
  /** Most users whose subscriptions are being loaded at once. */
  readonly limit: number;
}

/**
 * Makes deliveries of new users complete, in an order that leaves no gap: first the user's own
 * subject is known to be effective, then the groups are read (a later change arrives on that
 * subject), then the groups' subjects are known to be effective.
 */
export class SubscriptionLoader {
  readonly #deps: SubscriptionLoaderDeps;

  constructor(deps: SubscriptionLoaderDeps) {
    this.#deps = deps;
  }

  /** Begins for a user who has just been entered; sets its `subscribed` and `complete`. */
  begin(user: LocalUser): void {
    const subscribed = Promise.withResolvers<void>();
    const complete = Promise.withResolvers<void>();
    user.subscribed = subscribed.promise;
    user.complete = complete.promise;
    user.changes = new Map();
    this.#deps.tasks.spawn(
      'gateway subscriptions',
      async (signal) => {
        await this.#repeat(user, signal, () => this.#deps.feed.barrier());
        user.subscribed = undefined;
        subscribed.resolve();
        await this.#deps.feed.allPartitionsOwned();
        await this.#repeat(user, signal, () => this.#loadGroups(user));
        user.complete = undefined;
        user.changes = undefined;
        complete.resolve();
        // Clients that were answered before that have missed what came in between.
        for (const connection of [...user.connections]) {
          if (connection.answeredEarly) connection.close('resync');
        }
      },
      {
        limit: this.#deps.limit,
        // Of a stopping process the connections are about to be closed, and nothing waits for the promises.
        onRefused: (reason) => {
          if (reason === 'limit') for (const connection of user.connections) connection.close('resync');
        },
      },
    );
  }

  async #loadGroups(user: LocalUser): Promise<void> {
    const { localUsers, groups, feed } = this.#deps;
    const { groupIDs, memberVersions } = await groups.getJoinedGroupIDs(systemContext(user.tenant, ''), {
      userID: user.userID,
    });
    let added = false;
    for (const [i, groupID] of groupIDs.entries()) {
      const version = memberVersions[i] ?? 0;
      const said = user.changes?.get(groupID);
      // What the log said meanwhile is newer, unless its record was late.
      if (said?.member === false && (said.version === 0 || said.version > version)) continue;
      if (!localUsers.join(user, groupID)) continue;
      added = true;
      // A group that others here are in keeps its version: it holds for them.
      const group = localUsers.group(user.tenant, groupID);
      if (group) group.version = version;
    }
    if (added) await feed.barrier();
  }

  /** Tries until it succeeds or the user is gone. */
  async #repeat(user: LocalUser, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const backoff = new Backoff({ baseMs: 100, maxMs: 2_000 });
    while (!user.gone) {
      try {
        await work();
        return;
      } catch (error) {
        this.#deps.log.warn({ tenant: user.tenant, err: error }, 'subscriptions not effective yet');
      }
      await backoff.wait(signal);
    }
  }
}
