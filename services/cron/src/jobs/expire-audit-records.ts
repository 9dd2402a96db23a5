import type { AuditRepo } from '@im/store';
import type { Job } from './job.ts';

const DAY_MS = 24 * 3600 * 1000;
/** More than a year, so that what happens once a year can be compared. */
const KEPT_DAYS = 400;

/** Removes old records of what administrators did. */
export function expireAuditRecords(
  schedule: string,
  audit: Pick<AuditRepo, 'removeBefore'>,
  now = Date.now,
): Job {
  return {
    name: 'expire-audit-records',
    description: `removes records of administrators' acts that are older than ${KEPT_DAYS} days`,
    schedule,
    run: (tenant) => audit.removeBefore(tenant.id, now() - KEPT_DAYS * DAY_MS),
  };
}
