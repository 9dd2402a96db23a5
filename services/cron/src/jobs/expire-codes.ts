import type { VerificationCodeRepo } from '@im/store';
import type { Job } from './job.ts';

/** Removes verification codes that have expired, which are refused anyway, and counts of days that are over. */
export function expireCodes(schedule: string, codes: Pick<VerificationCodeRepo, 'removeExpired'>): Job {
  return {
    name: 'expire-codes',
    description: 'removes verification codes that have expired, and counts of days that are over',
    schedule,
    run: ({ id }) => codes.removeExpired(id, Date.now()),
  };
}
