import type { TenantId, TenantSettings } from '@im/contract';
import { randomId, TOKEN_CACHE, tokenHash } from '@im/kit';
import type { Logger } from '@im/process';
import { ERR, ImError, PLATFORM } from '@im/protocol';
import {
  type BackendToken,
  type BackendTokenRepo,
  isInForce,
  type LiveToken,
  loginCommit,
  type Store,
  type TokenRepo,
  type TokenSet,
} from '@im/store';
import { refuseBanned } from './banned.ts';
import type { CommitWriters } from './commit-writers.ts';
import type { TokenClaims } from './jwt.ts';
import type { LoginRequest } from './login-batches.ts';
import { createLogins, type IssuedToken, type MadeToken } from './logins.ts';
import { type Login, superseded } from './multi-login.ts';
import { type TenantKeys, tenantKeys } from './tenant-keys.ts';
import type { TokenCopies } from './token-copies.ts';
import { endTokens, loginsOf, validUntil } from './token-set.ts';

/** A token that passes now. */
export interface VerifiedToken extends TokenClaims {
  readonly hash: string;
  readonly issue: number;
  /** When it expires, ms since the epoch. */
  readonly validUntil: number;
}

/** Issues, checks and ends tokens. The repository is the source of truth, everything else is a copy of it. */
export interface Tokens {
  /** A token for a user's login; ends older ones as the tenant's policy says. */
  issue(request: LoginRequest): Promise<IssuedToken>;
  /**
   * A token for an administrator; the former ones pass for five more minutes. Logins within one second get
   * the same token, as the claims have no finer time: some programs log in before each of their calls.
   */
  issueAdmin(tenant: TenantSettings, userID: string): Promise<IssuedToken>;
  /**
   * The claims of a token that passes. Positive answers may come from copies that are seconds old.
   * @param hash of the token, where it is known. @default computed
   * @throws ImError 1501-1507, the last two only when the truth says so; 1508 instead of these two while the user is
   * banned; 90004 when no store could be read.
   */
  verify(tenant: TenantSettings, token: string, hash?: string): Promise<VerifiedToken>;
  /**
   * As {@link verify}, for a login that begins: from the truth, and whatever the tenant's policy ends is ended now.
   * Only when the truth cannot be read is a copy enough.
   */
  register(tenant: TenantSettings, token: string): Promise<VerifiedToken>;
  /** A token for a backend, in the name of an administrator. @param lifeSeconds until it expires. */
  issueBackend(
    tenant: TenantSettings,
    admin: string,
    given: Pick<BackendToken, 'role' | 'description'>,
    lifeSeconds: number,
  ): Promise<{ readonly token: string; readonly issued: BackendToken }>;
  /** Revokes a token of a backend everywhere. @returns it; undefined when there is none. */
  revokeBackend(tenant: TenantId, id: string): Promise<BackendToken | undefined>;
  /**
   * Ends all tokens of the user on the platform.
   * @returns their hashes, and an issue number above all of theirs.
   */
  endAll(
    tenant: TenantSettings,
    userID: string,
    platformID: number,
  ): Promise<{ hashes: string[]; issue: number }>;
  /** As {@link endAll}, on all platforms. */
  endEverywhere(tenant: TenantSettings, userID: string): Promise<{ hashes: string[]; issue: number }>;
}

/** A login of an administrator, which others within the same second share. */
interface AdminLogin {
  readonly second: number;
  readonly tenant: TenantSettings;
  readonly issued: Promise<IssuedToken>;
}

export interface TokensDeps {
  readonly store: Store;
  readonly repo: TokenRepo;
  readonly backends: BackendTokenRepo;
  readonly copies: TokenCopies;
  readonly writers: CommitWriters;
  readonly log: Logger;
  /** Clock in ms; for tests. */
  readonly now?: () => number;
}

/** A token that passed, and the keys that it passed with. */
interface KnownToken {
  keys: TenantKeys;
  token: VerifiedToken;
}

const CACHE = { name: TOKEN_CACHE, max: 100_000, ttlMs: 30_000 };
/** How long a replaced administrator's token still passes, so that its holders have time to refresh. */
const ADMIN_GRACE_MS = 5 * 60_000;
/** Most tokens of one administrator that pass at once. */
const MAX_ADMIN_TOKENS = 256;
/** `iat` lies this far back, against clocks that run behind. */
const ISSUED_BEFORE_SECONDS = 5;
/** Tokens of one second differ in `iat`, as the claims leave nothing else to tell two logins apart. */
const ISSUES_PER_SECOND = 60;
const DAY_SECONDS = 86_400;

/** The tokens of a process. */
export function createTokens({
  store,
  repo,
  backends,
  copies,
  writers,
  log,
  now = Date.now,
}: TokensDeps): Tokens {
  const verified = store.cached<KnownToken>(CACHE);
  /** Goes with the settings, and so with a tenant that is removed. */
  const keys = new WeakMap<TenantSettings, TenantKeys>();
  /** Logins of administrators within the current second. */
  const adminLogins = new Map<string, AdminLogin>();

  function keysOf(tenant: TenantSettings): TenantKeys {
    let found = keys.get(tenant);
    if (!found) {
      found = tenantKeys(tenant);
      keys.set(tenant, found);
    }
    return found;
  }

  const nextIssue: TokenRepo['nextIssue'] = (...args) => writers.watched(repo.nextIssue(...args));
  const change: TokenRepo['change'] = (...args) => writers.watched(repo.change(...args));

  function make(tenant: TenantSettings, userID: string, platformID: number, issue: number): MadeToken {
    const seconds = Math.floor(now() / 1000);
    const lifeSeconds = Math.round(tenant.tokenExpireDays * DAY_SECONDS);
    const { sign, notBefore } = keysOf(tenant);
    const uniqueSeconds = issue % ISSUES_PER_SECOND;
    let expires = seconds + lifeSeconds;
    let issuedAt = seconds - ISSUED_BEFORE_SECONDS - uniqueSeconds;
    if (issuedAt < notBefore) {
      // It would end with those that were revoked just now.
      issuedAt = notBefore;
      expires += uniqueSeconds;
    }
    const token = sign({ userID, platformID, expires }, issuedAt);
    const live: LiveToken = { hash: tokenHash(token), issue, expires: expires * 1000 };
    return { issued: { token, issue, lifeSeconds }, live };
  }

  /** What was verified lately, and passes with the keys of now. @throws ImError when these refuse it. */
  function recent(tenant: TenantSettings, hash: string, token: string): VerifiedToken | undefined {
    const known = verified.peek(tenant.id, hash).value;
    if (!known) return undefined;
    const current = keysOf(tenant);
    if (known.keys !== current) {
      const { expires } = current.verify(token, now());
      const until = Math.min(known.token.validUntil, expires * 1000);
      known.token = { ...known.token, expires, validUntil: until };
      known.keys = current;
    }
    return known.token.validUntil > now() ? known.token : undefined;
  }

  async function spread(tenant: TenantId, set: TokenSet, ended: readonly string[]): Promise<void> {
    await copies.put(tenant, set);
    await verified.invalidate(tenant, ended);
  }

  async function end(tenant: TenantId, userID: string, logins: readonly Login[]): Promise<void> {
    const platforms = new Set(logins.map(({ platformID }) => platformID));
    for (const platformID of platforms) {
      const hashes = new Set(logins.filter((l) => l.platformID === platformID).map(({ hash }) => hash));
      const set = await change(tenant, userID, platformID, (current) =>
        current.live.some(({ hash }) => hashes.has(hash)) ? endTokens(current, hashes, now()) : undefined,
      );
      await spread(tenant, set, [...hashes]);
    }
  }

  /** Ends what the policy ends among all live logins of a user. @returns hashes of those. */
  async function applyPolicy(
    tenant: TenantSettings,
    userID: string,
    sets: readonly TokenSet[],
  ): Promise<ReadonlySet<string>> {
    const losers = superseded(
      tenant.multiLogin,
      sets.flatMap((set) => loginsOf(set, now())),
    );
    await end(tenant.id, userID, losers);
    return new Set(losers.map(({ hash }) => hash));
  }

  function find(set: TokenSet, hash: string, claims: TokenClaims): VerifiedToken | undefined {
    const live = set.live.find((token) => token.hash === hash);
    if (!live || validUntil(live) <= now()) return undefined;
    const until = Math.min(validUntil(live), claims.expires * 1000);
    return { ...claims, hash, issue: live.issue, validUntil: until };
  }

  /** The token in the repository. @throws ImError 1506, 1507. */
  function findTrue(set: TokenSet | undefined, hash: string, claims: TokenClaims): VerifiedToken {
    const found = set && find(set, hash, claims);
    if (found) return found;
    if (set?.kicked.some((token) => token.hash === hash)) throw new ImError(ERR.TokenKickedError);
    throw new ImError(ERR.TokenNotExistError);
  }

  /** A token of a backend. @throws ImError 1506, 1507. */
  async function ofBackend(tenant: TenantId, hash: string, claims: TokenClaims): Promise<VerifiedToken> {
    const found = await backends.get(tenant, claims.backend?.id ?? '');
    if (found?.hash !== hash) throw new ImError(ERR.TokenNotExistError);
    if (found.revoked !== undefined) throw new ImError(ERR.TokenKickedError, 'the token was revoked');
    const until = Math.min(found.expires, claims.expires * 1000);
    if (until <= now()) throw new ImError(ERR.TokenExpiredError, 'token is expired');
    return { ...claims, hash, issue: 0, validUntil: until };
  }

  async function fromTruth(tenant: TenantId, hash: string, claims: TokenClaims): Promise<VerifiedToken> {
    if (claims.backend) return ofBackend(tenant, hash, claims);
    const set = await repo.get(tenant, claims.userID, claims.platformID);
    await copies.put(tenant, set);
    try {
      return findTrue(set, hash, claims);
    } catch (error) {
      // Bans end all tokens, so only refused ones need this look.
      refuseBanned((await repo.issueState(tenant, claims.userID)).ban, now());
      throw error;
    }
  }

  async function fromCopy(
    tenant: TenantId,
    hash: string,
    claims: TokenClaims,
  ): Promise<VerifiedToken | undefined> {
    if (claims.backend) return undefined;
    const copy = await copies.get(tenant, claims.userID, claims.platformID);
    return copy && find(copy, hash, claims);
  }

  async function issueToAdmin(tenant: TenantSettings, userID: string): Promise<IssuedToken> {
    const { issued, live } = make(tenant, userID, PLATFORM.Admin, await nextIssue(tenant.id, userID));
    let former: string[] = [];
    const set = await change(tenant.id, userID, PLATFORM.Admin, (current) => {
      const until = now() + ADMIN_GRACE_MS;
      const others = endTokens(current, new Set(), now()).live.filter(({ hash }) => hash !== live.hash);
      former = others.map(({ hash }) => hash);
      const graced = others.map((token): LiveToken => ({ ...token, until: token.until ?? until }));
      return { live: [...graced, live].slice(-MAX_ADMIN_TOKENS), kicked: current.kicked };
    });
    await spread(tenant.id, set, former);
    return issued;
  }

  async function issueAlone(
    tenant: TenantSettings,
    userID: string,
    platformID: number,
  ): Promise<IssuedToken> {
    refuseBanned((await repo.issueState(tenant.id, userID)).ban, now());
    const { issued, live } = make(tenant, userID, platformID, await nextIssue(tenant.id, userID));
    // What ends on the same platform ends in the same write.
    let ended: string[] = [];
    const set = await change(tenant.id, userID, platformID, (current) => {
      const all = { ...current, live: [...current.live.filter(({ hash }) => hash !== live.hash), live] };
      ended = superseded(tenant.multiLogin, loginsOf(all, now())).map(({ hash }) => hash);
      return endTokens(all, new Set(ended), now());
    });
    await spread(tenant.id, set, ended);
    // Looked at after the own token was written, so of two logins at once the second one to look sees both.
    await applyPolicy(tenant, userID, await repo.getAll(tenant.id, userID));
    const { ban } = await repo.issueState(tenant.id, userID);
    if (ban && isInForce(ban, now())) {
      // It came between the first look and the write, and may not have seen this token.
      await end(tenant.id, userID, [{ platformID, hash: live.hash, issue: live.issue }]);
      refuseBanned(ban, now());
    }
    return issued;
  }

  const issue = createLogins({
    repo,
    commits: loginCommit(store),
    writers,
    metrics: store.metrics,
    now,
    make,
    issueAlone,
    spread,
    applyPolicy,
  });

  /** Errors about the token stay as they are; a failed read of the repository becomes the retryable code. */
  function unreadable(error: unknown): ImError {
    if (error instanceof ImError && error.code !== ERR.DatabaseError) return error;
    log.warn({ err: error }, 'token lookup failed');
    return new ImError(ERR.NetworkError, 'tokens cannot be looked up now', undefined, { cause: error });
  }

  return {
    issue,
    async issueAdmin(tenant, userID) {
      const key = `${tenant.id}/${userID}`;
      const second = Math.floor(now() / 1000);
      const last = adminLogins.get(key);
      if (last?.second === second && last.tenant === tenant) return last.issued;
      for (const [other, login] of adminLogins) if (login.second !== second) adminLogins.delete(other);
      const issued = issueToAdmin(tenant, userID);
      adminLogins.set(key, { second, tenant, issued });
      try {
        return await issued;
      } catch (error) {
        if (adminLogins.get(key)?.issued === issued) adminLogins.delete(key);
        throw error;
      }
    },
    async verify(tenant, token, hash = tokenHash(token)) {
      const known = recent(tenant, hash, token);
      if (known) return known;
      const tenantKeys = keysOf(tenant);
      const claims = tenantKeys.verify(token, now());
      try {
        const load = async () =>
          (await fromCopy(tenant.id, hash, claims)) ?? (await fromTruth(tenant.id, hash, claims));
        const found = await verified.get(tenant.id, hash, async () => ({
          keys: tenantKeys,
          token: await load(),
        }));
        return found?.keys === tenantKeys && found.token.validUntil > now() ? found.token : await load();
      } catch (error) {
        throw unreadable(error);
      }
    },
    async register(tenant, token) {
      const hash = tokenHash(token);
      // The handshake has just verified the signature, which does not change.
      const claims = recent(tenant, hash, token) ?? keysOf(tenant).verify(token, now());
      if (claims.backend)
        throw new ImError(ERR.TokenNotExistError, 'a token of a backend opens no connection');
      try {
        const sets = await repo.getAll(tenant.id, claims.userID);
        const own = findTrue(
          sets.find(({ platformID }) => platformID === claims.platformID),
          hash,
          claims,
        );
        if (tenant.adminUserIDs.includes(claims.userID)) return own;
        const ended = await applyPolicy(tenant, claims.userID, sets);
        if (ended.has(hash)) throw new ImError(ERR.TokenKickedError);
        return own;
      } catch (error) {
        const failure = unreadable(error);
        if (failure.code !== ERR.NetworkError) throw failure;
        const copy = await fromCopy(tenant.id, hash, claims);
        if (!copy) throw failure;
        return copy;
      }
    },
    async issueBackend(tenant, admin, { role, description }, lifeSeconds) {
      const time = now();
      const id = randomId();
      const { sign, notBefore } = keysOf(tenant);
      const expires = Math.floor(time / 1000) + lifeSeconds;
      const issuedAt = Math.max(Math.floor(time / 1000) - ISSUED_BEFORE_SECONDS, notBefore);
      const claims = { userID: admin, platformID: PLATFORM.Admin, expires, backend: { id, role } };
      const token = sign(claims, issuedAt);
      const issued = { id, role, description, admin, time, hash: tokenHash(token), expires: expires * 1000 };
      await backends.add(tenant.id, issued);
      return { token, issued };
    },
    async revokeBackend(tenant, id) {
      const ended = await backends.revoke(tenant, id, now());
      if (ended) await verified.invalidate(tenant, [ended.hash]);
      return ended;
    },
    async endEverywhere(tenant, userID) {
      const issue = await nextIssue(tenant.id, userID);
      const sets = await repo.getAll(tenant.id, userID);
      const logins = sets.flatMap(({ platformID, live }) => live.map((token) => ({ platformID, ...token })));
      await end(tenant.id, userID, logins);
      return { hashes: logins.map(({ hash }) => hash), issue };
    },
    async endAll(tenant, userID, platformID) {
      const issue = await nextIssue(tenant.id, userID);
      let hashes: string[] = [];
      const set = await change(tenant.id, userID, platformID, (current) => {
        hashes = current.live.map(({ hash }) => hash);
        return hashes.length === 0 ? undefined : endTokens(current, new Set(hashes), now());
      });
      // Not before: a login meanwhile may have been ended with the others, and must not be shared.
      adminLogins.delete(`${tenant.id}/${userID}`);
      await spread(tenant.id, set, hashes);
      return { hashes, issue };
    },
  };
}
