import type { TenantId } from '@im/contract';
import {
  type Cache,
  type CallContext,
  createCache,
  type FailedAttempts,
  type Invalidations,
  type Metrics,
  TOKEN_CACHE,
  tokenHash,
  tokenInvalidationKey,
} from '@im/kit';
import { argsError, type auth, ERR, ImError, make } from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';

/** The user and platform that a token was issued for. */
export interface Bearer {
  readonly userID: string;
  readonly platformID: number;
  /** Role of the token of a backend; absent for all others. */
  readonly role?: string | null | undefined;
}

/** Authenticates requests by their token; answers are cached. */
export interface TokenGate {
  /**
   * @throws ImError 1001 without a token, 1501-1507 for one that does not pass, 90004 when auth is unavailable,
   * 429 for an unknown token of an address whose tokens failed too often.
   */
  bearer(ctx: CallContext, token: string, address: string): Promise<Bearer>;
  close(): void;
}

export interface TokenGateDeps {
  readonly rpc: Pick<RpcRegistry, 'client'>;
  readonly invalidations: Invalidations;
  readonly metrics: Metrics;
  /** Counts refused tokens by address. */
  readonly attempts: FailedAttempts;
}

/** Whether an error is the refusal of a token. */
export function isTokenRefusal(error: unknown): error is ImError {
  return (
    error instanceof ImError && error.code >= ERR.TokenExpiredError && error.code <= ERR.TokenNotExistError
  );
}

/** The error for an address with too many failed attempts. */
export function tooManyAttempts(kind: 'logins' | 'tokens'): ImError {
  return new ImError(
    ERR.TooManyRequests,
    `attempts.${kind}: too many failed attempts from this address; try again later`,
  );
}

/** How long an answer is cached, in case the invalidation of a kicked token gets lost. */
const CACHED_MS = 10_000;

/** Asks the auth domain. */
export function createTokenGate({ rpc, invalidations, metrics, attempts }: TokenGateDeps): TokenGate {
  const client = rpc.client('auth');
  const known: Cache<auth.ParseTokenResp> = createCache({
    name: `${TOKEN_CACHE}-api`,
    max: 50_000,
    ttlMs: CACHED_MS,
    metrics,
  });
  const keyOf = (tenant: TenantId, key: string) => `${tenant} ${key}`;
  const close = invalidations.subscribe({
    onKeys(tenant, keys) {
      for (const key of keys) known.invalidate(keyOf(tenant, key));
    },
    onMissed: () => known.clear(),
  });

  return {
    async bearer(ctx, token, address) {
      if (token === '') throw argsError('header must have token');
      const key = keyOf(ctx.tenant, tokenInvalidationKey(tokenHash(token)));
      if (!known.peek(key).known && !attempts.allows(ctx.tenant, address)) throw tooManyAttempts('tokens');
      const parse = async () => {
        try {
          return await client.parseToken(ctx, make('auth.ParseTokenReq', { token, acceptRoles: true }));
        } catch (error) {
          if (isTokenRefusal(error)) attempts.failed(ctx.tenant, address);
          throw error;
        }
      };
      const found = (await known.get(key, parse)) ?? (await parse());
      return found.expireTimeSeconds * 1000 > Date.now() ? found : await parse();
    },
    close,
  };
}
