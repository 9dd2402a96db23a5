import type { AuditRepo } from '@im/store';
import type { Job } from './job.ts';

const DAY_MS = 24 * 3600 * 1000;

/** Removes old records of what administrators did. @param days that they are kept; 0 for ever. */
export function expireAuditRecords(
  { schedule, days }: { readonly schedule: string; readonly days: number },
  audit: Pick<AuditRepo, 'removeBefore'>,
  now = Date.now,
): Job {
  return {
    name: 'expire-audit-records',
    description:
      days === 0
        ? "keeps records of administrators' acts for ever"
        : `removes records of administrators' acts that are older than ${days} days`,
    schedule,
    run: async (tenant) => (days === 0 ? 0 : audit.removeBefore(tenant.id, now() - days * DAY_MS)),
  };
}
