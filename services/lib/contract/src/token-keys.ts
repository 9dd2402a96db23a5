import { createHash } from 'node:crypto';
import type { TenantSettings } from './tenant-settings.ts';

/** The settings of a tenant that decide which tokens pass. */
export type TokenKeySettings = Pick<
  TenantSettings,
  'tokenSecret' | 'secondTokenSecret' | 'secondTokenSecretUntil' | 'tokensNotBefore'
>;

const ID_DIGITS = 12;
const DIGEST_DIGITS = 16;

/** Names a key without telling it: 12 hex digits. */
export function keyID(secret: string): string {
  return createHash('sha256').update(`openim-key:${secret}`).digest('hex').slice(0, ID_DIGITS);
}

/** The secrets whose tokens pass at `now` (ms), the signing one first. */
export function acceptedTokenSecrets(settings: TokenKeySettings, now: number): readonly string[] {
  const { tokenSecret, secondTokenSecret, secondTokenSecretUntil } = settings;
  if (secondTokenSecret === undefined || timeOf(secondTokenSecretUntil, Infinity) <= now)
    return [tokenSecret];
  return [tokenSecret, secondTokenSecret];
}

/** Whether a secret is one of the administrators' at `now` (ms). @param isSame compares two secrets. */
export function isAdminSecret(
  { adminSecret, secondAdminSecret, secondAdminSecretUntil }: TenantSettings,
  given: string,
  now: number,
  isSame: (given: string, wanted: string) => boolean,
): boolean {
  const isFirst = isSame(given, adminSecret);
  const isSecond = secondAdminSecret !== undefined && isSame(given, secondAdminSecret);
  return isFirst || (isSecond && timeOf(secondAdminSecretUntil, Infinity) > now);
}

/** Identifies what decides which tokens pass: two processes with the same digest take the same tokens. */
export function tokenKeysDigest(settings: TokenKeySettings): string {
  const { tokenSecret, secondTokenSecret, secondTokenSecretUntil, tokensNotBefore } = settings;
  const facts = [tokenSecret, secondTokenSecret, secondTokenSecretUntil, tokensNotBefore];
  return createHash('sha256')
    .update(JSON.stringify(facts.map((fact) => fact ?? null)))
    .digest('hex')
    .slice(0, DIGEST_DIGITS);
}

/** Whether tokens that passed before a change of the settings may pass no more, now or earlier than they would have. */
export function endsTokens(before: TokenKeySettings, after: TokenKeySettings): boolean {
  const ends = endsOf(after);
  const isEarlier = [...endsOf(before)].some(([secret, end]) => (ends.get(secret) ?? 0) < end);
  return isEarlier || timeOf(after.tokensNotBefore, 0) > timeOf(before.tokensNotBefore, 0);
}

/** ms since 1970 of a time in settings. */
export function timeOf(text: string | undefined, absent: number): number {
  return text === undefined ? absent : Date.parse(text);
}

/** By secret the time until which its tokens pass, ms. */
function endsOf(settings: TokenKeySettings): ReadonlyMap<string, number> {
  const { tokenSecret, secondTokenSecret, secondTokenSecretUntil } = settings;
  const ends = new Map<string, number>();
  if (secondTokenSecret !== undefined) ends.set(secondTokenSecret, timeOf(secondTokenSecretUntil, Infinity));
  return ends.set(tokenSecret, Infinity);
}
