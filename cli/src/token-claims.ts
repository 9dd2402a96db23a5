import { usageError } from './exit-codes.ts';

/** What a login token says; `iat` and `exp` are seconds since the epoch. */
export interface TokenClaims {
  readonly UserID: string;
  readonly PlatformID: number;
  readonly exp: number;
  readonly iat: number;
  /** Of a token of a backend. */
  readonly Role?: string;
  /** ID of a token of a backend. */
  readonly jti?: string;
}

/** Reads a token without checking its signature. @throws CommandError `usage` when it is none. */
export function tokenClaims(token: string): TokenClaims {
  try {
    const claims: TokenClaims = JSON.parse(
      Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'),
    );
    if (typeof claims.UserID === 'string' && typeof claims.PlatformID === 'number') return claims;
  } catch {
    // What is not JSON is no token, like JSON without the claims.
  }
  throw usageError('that is not a login token: three base64url parts joined by dots are expected');
}
