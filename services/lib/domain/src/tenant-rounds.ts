import type { TenantId } from '@im/contract';
import { eachLimited, type TenantDirectory } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import type { PendingWork, TenantWork } from '@im/store';

/** Work of tenants in the background; any process goes on where another one ended. */
export interface TenantRounds {
  /** Looks for work soon. */
  wake(): void;
  /** One round over all tenants; never rejects. */
  round(signal: AbortSignal): Promise<void>;
}

export interface TenantRoundsOptions {
  /** Of the task, such as `broadcasts`. */
  readonly name: string;
  /** What cannot be read when the store fails, for the log. */
  readonly what: string;
  /** Tenants that are worked for at once by one process. */
  readonly atOnce: number;
  readonly repo: Pick<TenantWork, 'pending' | 'settle'>;
  readonly tenants: Pick<TenantDirectory, 'list'>;
  readonly tasks: Pick<TaskRunner, 'coalesce'>;
  readonly log: Logger;
  /** Works for a tenant for a while. @returns whether there was something to do. */
  readonly turn: (tenant: TenantId, signal: AbortSignal) => Promise<boolean>;
}

/** Gives tenants with work their turns until none has any. What fails for one keeps no other from its turn. */
export function tenantRounds(options: TenantRoundsOptions): TenantRounds {
  const { name, what, atOnce, repo, tenants, tasks, log, turn } = options;

  async function work(signal: AbortSignal): Promise<void> {
    for (let found = true; found && !signal.aborted; ) {
      found = false;
      const pending = await repo.pending(tenants.list().map(({ id }) => id));
      await eachLimited(pending, atOnce, async (one: PendingWork) => {
        try {
          if (signal.aborted) return;
          if (await turn(one.tenant, signal)) found = true;
          else await repo.settle(one);
        } catch (error) {
          log.warn({ tenant: one.tenant, err: error }, `${what} are not readable`);
        }
      });
    }
  }

  return {
    wake: tasks.coalesce(name, work),
    async round(signal) {
      try {
        await work(signal);
      } catch (error) {
        log.debug({ err: error }, `${what} are not readable yet`);
      }
    },
  };
}
