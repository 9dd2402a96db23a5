import { ERR, ImError } from '@im/protocol';
import { type Ban, isInForce } from '@im/store';

/** @throws ImError 1508 while a ban is in force. @param now ms since the epoch. */
export function refuseBanned(ban: Ban | undefined, now: number): void {
  if (!ban || !isInForce(ban, now)) return;
  if (ban.deleted) throw new ImError(ERR.UserBannedError, 'the account was deleted');
  const until = ban.until === 0 ? '' : ` until ${new Date(ban.until).toISOString()}`;
  const reason = ban.reason === '' ? '' : `: ${ban.reason}`;
  throw new ImError(ERR.UserBannedError, `the user is banned${until}${reason}`);
}
