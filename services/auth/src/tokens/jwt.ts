import { ERR, ImError } from '@im/protocol';
import { createSigner, createVerifier, TOKEN_ERROR_CODES, TokenError } from 'fast-jwt';

/** What a token says of its bearer. */
export interface TokenClaims {
  readonly userID: string;
  readonly platformID: number;
  /** When it expires, seconds since the epoch. */
  readonly expires: number;
  /** Of a token of a backend: its id and role. */
  readonly backend?: BackendClaims;
}

/** What distinguishes the token of a backend from that of an administrator. */
export interface BackendClaims {
  readonly id: string;
  readonly role: string;
}

/** The claims of a token that was verified. */
export interface SignedClaims extends TokenClaims {
  /** Claim `iat`, seconds since the epoch; 0 without one. */
  readonly issuedAt: number;
}

/** Signs and verifies the tokens of one key. */
export interface TokenKey {
  /** @param issuedAt seconds since the epoch. */
  sign(claims: TokenClaims, issuedAt: number): string;
  /**
   * The claims of a well-signed token that has not expired; it may have been kicked.
   * @throws ImError 1503 malformed, 1501 expired, 1504 not yet valid, 1505 signature or algorithm.
   */
  verify(token: string): SignedClaims;
}

/** The wire's claims; OpenIM's tokens have exactly these, tokens of backends also the last two. */
interface Payload {
  UserID: string;
  PlatformID: number;
  exp: number;
  iat: number;
  Role?: string;
  jti?: string;
}

/** JWT HS256 with header `{"alg":"HS256","typ":"JWT"}`; no other algorithm passes. */
export function tokenKey(secret: string): TokenKey {
  const sign = createSigner({ key: secret, algorithm: 'HS256' });
  const verify = createVerifier({ key: secret, algorithms: ['HS256'], cache: false });
  return {
    sign: ({ userID, platformID, expires, backend }, issuedAt) =>
      sign({
        ...{ UserID: userID, PlatformID: platformID, exp: expires, iat: issuedAt },
        ...(backend && { Role: backend.role, jti: backend.id }),
      }),
    verify(token) {
      try {
        return toClaims(verify(token));
      } catch (error) {
        throw tokenError(error);
      }
    },
  };
}

function toClaims(payload: unknown): SignedClaims {
  const { UserID, PlatformID, exp, iat, Role, jti } = (payload ?? {}) as Partial<Payload>;
  if (
    typeof UserID !== 'string' ||
    UserID === '' ||
    !Number.isInteger(PlatformID) ||
    typeof exp !== 'number'
  ) {
    throw new ImError(ERR.TokenMalformedError, 'the claims are not UserID, PlatformID, exp');
  }
  const issuedAt = typeof iat === 'number' ? iat : 0;
  const claims = { userID: UserID, platformID: Number(PlatformID), expires: exp, issuedAt };
  if (Role === undefined && jti === undefined) return claims;
  // Never taken for an administrator's: a version that reads no role gives all rights.
  if (typeof Role !== 'string' || typeof jti !== 'string')
    throw new ImError(ERR.TokenMalformedError, 'the claims are not Role and jti');
  return { ...claims, backend: { id: jti, role: Role } };
}

function tokenError(error: unknown): ImError {
  if (error instanceof ImError) return error;
  const code = error instanceof TokenError ? error.code : '';
  switch (code) {
    case TOKEN_ERROR_CODES.expired:
      return new ImError(ERR.TokenExpiredError, 'token is expired', undefined, { cause: error });
    case TOKEN_ERROR_CODES.inactive:
      return new ImError(ERR.TokenNotValidYetError, '', undefined, { cause: error });
    case TOKEN_ERROR_CODES.invalidSignature:
    case TOKEN_ERROR_CODES.missingSignature:
      return new ImError(ERR.TokenUnknownError, '', 'signature is invalid', { cause: error });
    case TOKEN_ERROR_CODES.invalidAlgorithm:
      return new ImError(ERR.TokenUnknownError, 'the algorithm is not HS256', undefined, { cause: error });
    default:
      return new ImError(ERR.TokenMalformedError, '', undefined, { cause: error });
  }
}
