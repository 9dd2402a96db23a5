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

/** Who bears a token. */
export interface Bearer {
  readonly userID: string;
  readonly platformID: number;
}

/** Tells who bears a token, and remembers it for a moment. */
export interface TokenGate {
  /**
   * @throws ImError 1001 without a token, 1501-1507 for one that does not pass, 90004 when nobody can tell,
   * 429 for an unknown token of an address whose tokens failed too often.
   */
  bearer(ctx: CallContext, token: string, address: string): Promise<Bearer>;
  close(): void;
}

/** Parts of {@link createTokenGate}. */
export interface TokenGateDeps {
  readonly rpc: Pick<RpcRegistry, 'client'>;
  readonly invalidations: Invalidations;
  readonly metrics: Metrics;
  /** Tokens that did not pass. */
  readonly attempts: FailedAttempts;
}

/** Whether an error says that a token does not pass. */
export function isTokenRefusal(error: unknown): error is ImError {
  return (
    error instanceof ImError && error.code >= ERR.TokenExpiredError && error.code <= ERR.TokenNotExistError
  );
}

/** The refusal of an address that failed too often. */
export function tooManyAttempts(kind: 'logins' | 'tokens'): ImError {
  return new ImError(
    ERR.TooManyRequests,
    `attempts.${kind}: too many attempts of this address failed; try later`,
  );
}

/** How long an answer is remembered, should the news of a kicked token get lost. */
const REMEMBERED_MS = 10_000;

/** A gate over the auth domain. */
export function createTokenGate({ rpc, invalidations, metrics, attempts }: TokenGateDeps): TokenGate {
  const client = rpc.client('auth');
  const known: Cache<auth.ParseTokenResp> = createCache({
    name: `${TOKEN_CACHE}-api`,
    max: 50_000,
    ttlMs: REMEMBERED_MS,
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
          return await client.parseToken(ctx, make('auth.ParseTokenReq', { token }));
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
