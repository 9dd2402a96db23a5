import type { TenantId } from '@im/contract';
import { type TenantRounds, tenantRounds } from '@im/domain';
import { type Metrics, messageOf, systemContext, type TenantDirectory, waitAfter, withCaller } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import type { AccountDeletion, AccountDeletionRepo, DeletionProgress } from '@im/store';
import type { Step } from './steps.ts';

export interface AccountDeletionsDeps {
  readonly repo: AccountDeletionRepo;
  readonly steps: ReadonlyMap<string, Step>;
  readonly tenants: TenantDirectory;
  readonly tasks: TaskRunner;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Accounts in progress in one process. */
const AT_ONCE = 2;
/** A process that stored no progress for so long has died; ms. */
const LEASE_MS = 120_000;
/** Time of one part; ms. */
const PART_MS = 60_000;
/** Parts before accounts of other tenants have their turn. */
const PARTS_PER_TURN = 10;
const RETRY_MS = 2_000;
const MAX_RETRY_MS = 600_000;
/** Most characters of a stored error. */
const MAX_ERROR = 500;

/** Time until the next attempt, ms. */
export function retryAfterMs(attempts: number, random = Math.random()): number {
  return waitAfter(attempts, { baseMs: RETRY_MS, maxMs: MAX_RETRY_MS, random: () => random });
}

/** The progress after a part of a step. */
export function progressAfter(
  deletion: AccountDeletion,
  { removed, cursor, more }: { readonly removed: number; readonly cursor: string; readonly more: boolean },
  steps: readonly string[],
  now: number,
): DeletionProgress {
  const { step } = deletion;
  const counts = { ...deletion.removed, [step]: (deletion.removed[step] ?? 0) + removed };
  const tried = { removed: counts, attempts: 0, error: '' };
  if (more) return { ...tried, cursor };
  const next = steps[steps.indexOf(step) + 1];
  if (next !== undefined) return { ...tried, step: next, cursor: '' };
  return { ...tried, step: '', cursor: '', state: 'done', finished: now };
}

/** Deletes accounts in the background. */
export function createAccountDeletions(deps: AccountDeletionsDeps): TenantRounds {
  const { repo, steps, log } = deps;
  const names = [...steps.keys()];
  const done = deps.metrics.counter(
    'openim_user_account_deletions_total',
    'Deletions of accounts by outcome',
    ['outcome'],
  );

  /** Works on one account for a while. @returns whether there was one. */
  async function turn(tenant: TenantId, signal: AbortSignal): Promise<boolean> {
    let claimed = Date.now() + LEASE_MS;
    const taken = await repo.claim(tenant, Date.now(), claimed);
    if (!taken) return false;
    let deletion: AccountDeletion = taken;
    const { userID, admin } = deletion;
    const store = async (progress: DeletionProgress, until: number) => {
      if (!(await repo.save(tenant, userID, claimed, progress, until))) return false;
      deletion = { ...deletion, ...progress };
      claimed = until;
      return true;
    };
    try {
      for (let part = 1; part <= PARTS_PER_TURN && deletion.state === 'running'; part++) {
        signal.throwIfAborted();
        const system = systemContext(tenant, `delete-account-${userID}`, { timeoutMs: PART_MS, signal });
        const ctx = withCaller(system, { opUserID: admin, opPlatformID: 0, opAdmin: true });
        const step = steps.get(deletion.step);
        if (!step) throw new Error(`this version has no step ${deletion.step}`);
        const progress = progressAfter(deletion, await step(ctx, deletion), names, Date.now());
        const last = part === PARTS_PER_TURN;
        // After the last part of its turn it waits again, behind other accounts of the tenant.
        if (!(await store(progress, last ? Date.now() : Date.now() + LEASE_MS))) return true;
      }
      if (deletion.state === 'done') {
        done.inc({ outcome: 'done' });
        log.info({ tenant, userID, removed: deletion.removed }, 'account deleted');
      }
    } catch (error) {
      // What a stop interrupts is gone on with by another process, once the claim has ended.
      if (signal.aborted) return false;
      const attempts = deletion.attempts + 1;
      done.inc({ outcome: 'failed' });
      log.warn({ tenant, userID, step: deletion.step, attempts, err: error }, 'account not deleted yet');
      const failure = { attempts, error: messageOf(error).slice(0, MAX_ERROR) };
      await store(failure, Date.now() + retryAfterMs(attempts));
    }
    return true;
  }

  return tenantRounds({
    name: 'account-deletions',
    what: 'deletions of accounts',
    atOnce: AT_ONCE,
    ...deps,
    turn,
  });
}
