import type { TenantId, VerificationSettings } from '@im/contract';
import { ERR, ImError } from '@im/protocol';
import type { CodeCount, VerificationCodeRepo } from '@im/store';

const DAY_MS = 86_400_000;
const DAY_CHARACTERS = 10;

/** For whom a code is counted; names are hashed. */
export interface Counted {
  readonly address: string;
  /** Undefined when it is not known. */
  readonly ip: string | undefined;
}

/** A code that was counted. */
export interface Reservation {
  /** The code was certainly not sent: it counts for its IP address alone, and the next one may be sent at once. */
  takeBack(): Promise<void>;
}

type Limits = Pick<VerificationSettings, 'intervalSeconds' | 'perAddressPerDay' | 'perIPPerDay' | 'perDay'>;

/**
 * Counts a code. What is counted before a limit is met is taken back.
 * @throws ImError 10006 too soon after the last one, 429 when there were too many today.
 */
export async function reserve(
  repo: VerificationCodeRepo,
  tenant: TenantId,
  limits: Limits,
  { address, ip }: Counted,
  now: number,
): Promise<Reservation> {
  const gap = ['gap', address];
  const until = now + limits.intervalSeconds * 1_000;
  const waitMs = await repo.hold(tenant, gap, now, until);
  if (waitMs > 0) {
    const seconds = Math.ceil(waitMs / 1_000);
    throw new ImError(ERR.RepeatSendCode, `a code was sent a moment ago; ask again in ${seconds} s`);
  }
  const day = new Date(now).toISOString().slice(0, DAY_CHARACTERS);
  const ofDay = (key: readonly string[], most: number): CodeCount => ({
    key: [...key, day],
    most,
    expires: now + 2 * DAY_MS,
  });
  const wanted = [
    ...(ip === undefined
      ? []
      : [{ limit: 'perIPPerDay', kept: true, ...ofDay(['ip', ip], limits.perIPPerDay) }]),
    { limit: 'perAddressPerDay', kept: false, ...ofDay(['address', address], limits.perAddressPerDay) },
    { limit: 'perDay', kept: false, ...ofDay(['all'], limits.perDay) },
  ];
  const counted: (typeof wanted)[number][] = [];
  const takeBack = async () => {
    await repo.release(tenant, gap, until);
    for (const { key, kept } of counted) if (!kept) await repo.uncount(tenant, key);
  };
  for (const one of wanted) {
    if (await repo.count(tenant, one)) {
      counted.push(one);
      continue;
    }
    await takeBack();
    throw new ImError(
      ERR.TooManyRequests,
      `verification.${one.limit}: too many codes today; try again tomorrow`,
    );
  }
  return { takeBack };
}
