import type { TenantSettings } from '@im/contract';

/** Where a run notes what people see of it. */
export interface RunNotes {
  /** How many things it removed, changed or counted, so far. */
  done(count: number): void;
  /** What it found: a small object, shown as JSON. */
  report(found: object): void;
}

/**
 * Work on a schedule, done for each tenant by itself. Running it twice, or on two processes, does no harm: what a run
 * leaves, since its time was over or it failed, is done by the next one.
 */
export interface Job {
  readonly name: string;
  /** What it does, for people: a sentence without a period. */
  readonly description: string;
  /** Cron expression, UTC. */
  readonly schedule: string;
  /** @returns how many things it removed, changed or counted. Stops early, between steps, when `signal` aborts. */
  run(tenant: TenantSettings, signal: AbortSignal, notes?: RunNotes): Promise<number>;
}
