import type { MultiLogin } from '@im/contract';
import { PLATFORM_CLASS } from '@im/protocol';

/** A live token as the policy sees it. */
export interface Login {
  readonly platformID: number;
  readonly hash: string;
  readonly issue: number;
}

const PC = 'PC';
const ANDROID = 2;

function classOf(platformID: number): string {
  return PLATFORM_CLASS[platformID] ?? `platform ${platformID}`;
}

function newest(a: Login, b: Login): number {
  return b.issue - a.issue;
}

/** All but the `keep` newest of each group. */
function overflow(logins: readonly Login[], groupOf: (login: Login) => string, keep: number): Login[] {
  const seen = new Map<string, number>();
  return [...logins].sort(newest).filter((login) => {
    const group = groupOf(login);
    const count = (seen.get(group) ?? 0) + 1;
    seen.set(group, count);
    return count > keep;
  });
}

/** Policy 5: PC is free, of all others one stays: the newest login, but Android's when the newest of all is a PC. */
function besidePC(logins: readonly Login[]): Login[] {
  const sorted = [...logins].sort(newest);
  const others = sorted.filter(({ platformID }) => classOf(platformID) !== PC);
  const pcCameLast = sorted[0] !== undefined && sorted[0] !== others[0];
  const android = others.find(({ platformID }) => platformID === ANDROID);
  const kept = pcCameLast && android ? android : others[0];
  return others.filter((login) => login !== kept);
}

/**
 * Of all live logins of a user, those that end under the tenant's policy. Decided from issue numbers alone, so the
 * order in which concurrent logins are evaluated does not matter: the newest always stays.
 */
export function superseded({ policy, maxNumOneEnd }: MultiLogin, logins: readonly Login[]): Login[] {
  switch (policy) {
    case 0:
      return overflow(logins, ({ platformID }) => String(platformID), maxNumOneEnd);
    case 1:
      return overflow(logins, ({ platformID }) => String(platformID), 1);
    case 4:
      return overflow(logins, ({ platformID }) => classOf(platformID), 1);
    case 5:
      return besidePC(logins);
    default:
      return policy satisfies never;
  }
}

/** Platforms whose older connections a new connection of `platformID` ends. */
export function rivalPlatforms({ policy }: MultiLogin, platformID: number): number[] {
  const known = Object.keys(PLATFORM_CLASS).map(Number);
  switch (policy) {
    case 0:
      return [];
    case 1:
      return [platformID];
    case 4:
      return known.filter((id) => classOf(id) === classOf(platformID));
    case 5:
      return classOf(platformID) === PC ? [] : known.filter((id) => classOf(id) !== PC);
    default:
      return policy satisfies never;
  }
}
