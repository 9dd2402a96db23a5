import { type TokenKeySettings, timeOf } from '@im/contract';
import { ERR, ImError } from '@im/protocol';
import { type SignedClaims, type TokenClaims, type TokenKey, tokenKey } from './jwt.ts';

/** The keys of a tenant as its settings have them. */
export interface TenantKeys extends Pick<TokenKey, 'sign'> {
  /** No token that was issued before passes, seconds since the epoch; 0 without such a time. */
  readonly notBefore: number;
  /**
   * The claims of a well-signed token that has not expired; they expire with the key at the latest.
   * @param now ms
   * @throws ImError as {@link TokenKey.verify}; 1501 after the end of its key, 1506 for one issued before `notBefore`.
   */
  verify(token: string, now: number): TokenClaims;
}

/** The signing key, and the second one as long as its tokens pass. */
export function tenantKeys(settings: TokenKeySettings): TenantKeys {
  const { tokenSecret, secondTokenSecret } = settings;
  const first = tokenKey(tokenSecret);
  const second = secondTokenSecret === undefined ? undefined : tokenKey(secondTokenSecret);
  const secondUntil = timeOf(settings.secondTokenSecretUntil, Infinity);
  const notBefore = Math.ceil(timeOf(settings.tokensNotBefore, 0) / 1000);

  function signed(token: string, now: number): SignedClaims {
    if (!second) return first.verify(token);
    try {
      return first.verify(token);
    } catch (error) {
      if (!(error instanceof ImError && error.code === ERR.TokenUnknownError)) throw error;
    }
    const claims = second.verify(token);
    if (secondUntil <= now)
      throw new ImError(ERR.TokenExpiredError, 'the key that signed the token has ended');
    return { ...claims, expires: Math.min(claims.expires, Math.ceil(secondUntil / 1000)) };
  }

  return {
    sign: first.sign,
    notBefore,
    verify(token, now) {
      const { issuedAt, ...claims } = signed(token, now);
      if (issuedAt < notBefore)
        throw new ImError(ERR.TokenKickedError, 'all tokens of its time were revoked');
      return claims;
    },
  };
}
