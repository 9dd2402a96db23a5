import type { TenantSettings } from '@im/contract';

/** Work on a schedule, done for each tenant in turn. Running it twice, or on two processes, does no harm. */
export interface Job {
  readonly name: string;
  /** Cron expression, UTC. */
  readonly schedule: string;
  /** @returns how many things it removed. Stops early, between steps, when `signal` aborts. */
  run(tenant: TenantSettings, signal: AbortSignal): Promise<number>;
}
