import { requireSelf } from '@im/kit';
import { argsError, make, type third } from '@im/protocol';
import type { QuietHours } from '@im/store';
import type { ThirdDeps, ThirdMethods } from '../deps.ts';

const MINUTES = 24 * 60;

/** The daily time in which a user wants no offline notification. */
export function quietHoursMethods({
  preferences,
}: ThirdDeps): ThirdMethods<'setQuietHours' | 'getQuietHours'> {
  return {
    async setQuietHours(ctx, { userID, quietHours }) {
      requireSelf(ctx, userID);
      await preferences.setQuietHours(ctx.tenant, userID, quietHours ? timesOf(quietHours) : undefined);
      return make('third.SetQuietHoursResp');
    },
    async getQuietHours(ctx, { userID }) {
      requireSelf(ctx, userID);
      const quiet = (await preferences.quietHoursOf(ctx.tenant, [userID])).get(userID);
      return make('third.GetQuietHoursResp', {
        quietHours: quiet
          ? make('third.QuietHours', {
              startMinute: quiet.start,
              endMinute: quiet.end,
              timeZone: quiet.timeZone,
            })
          : null,
      });
    },
  };
}

function timesOf({ startMinute, endMinute, timeZone }: third.QuietHours): QuietHours {
  for (const [field, minute] of Object.entries({ startMinute, endMinute }))
    if (minute < 0 || minute >= MINUTES)
      throw argsError(`quietHours.${field} must be 0 to ${MINUTES - 1}: minutes after midnight`);
  if (startMinute === endMinute)
    throw argsError('quietHours.endMinute equals startMinute; leave out quietHours to have none');
  try {
    // One spelling of each, so that they can be counted.
    const { timeZone: name } = new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions();
    return { start: startMinute, end: endMinute, timeZone: name };
  } catch {
    throw argsError('quietHours.timeZone is not an IANA time zone, such as Europe/Berlin');
  }
}
