import type { OidcProvider } from '@im/contract';
import * as oidc from 'openid-client';
import { boundedFetch } from './bounded-fetch.ts';
import { type Claims, type Grant, grantsOf, isOverage, nameOf, wantedClaims } from './grants.ts';
import type { Transaction } from './transaction.ts';

/** Who logged in, and with which rights. */
export interface Identity {
  /** `<provider>:<name>` */
  readonly name: string;
  readonly subject: string;
  readonly idToken: string;
  readonly grants: readonly Grant[];
}

/** Why a login is refused; the page has a text for each. */
export type LoginFailure = 'expired' | 'denied' | 'invalid' | 'noRole' | 'overage' | 'unavailable';

/** A login that is refused. */
export class LoginError extends Error {
  override readonly name = 'LoginError';
  readonly failure: LoginFailure;

  constructor(failure: LoginFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

/** An identity provider, as the console uses it. */
export interface IdentityProvider {
  readonly settings: OidcProvider;
  /** Where the browser goes to log in, and what must come back. @throws LoginError `unavailable`. */
  begin(): Promise<{ readonly url: URL; readonly transaction: Transaction }>;
  /**
   * Exchanges what came back for an identity.
   * @param answer the query of the redirect
   * @throws LoginError
   */
  finish(answer: URLSearchParams, transaction: Transaction): Promise<Identity>;
  /** Where the browser goes to log out; undefined when the provider has no such page or does not answer. */
  logoutURL(idToken: string, back: string): Promise<URL | undefined>;
}

/** How long a login may take at the provider. */
export const LOGIN_MS = 10 * 60_000;
/** What a provider says of itself is asked for again after this. */
const FRESH_MS = 60 * 60_000;
/** A provider that did not answer is left alone for as long. */
const RETRY_MS = 5_000;
const CLOCK_TOLERANCE_S = 30;
const TIMEOUT_S = 10;

/** Uses an identity provider. @param redirectURI where it sends browsers back to. */
export function identityProvider(
  settings: OidcProvider,
  redirectURI: string,
  now: () => number = Date.now,
): IdentityProvider {
  let known: oidc.Configuration | undefined;
  let asked: Promise<oidc.Configuration> | undefined;
  let askAgainAt = 0;

  async function discover(): Promise<oidc.Configuration> {
    const { issuer, clientID, clientSecret } = settings;
    const isLocal = issuer.startsWith('http:');
    return await oidc.discovery(
      new URL(issuer),
      clientID,
      { [oidc.clockTolerance]: CLOCK_TOLERANCE_S },
      clientSecret === '' ? oidc.None() : oidc.ClientSecretBasic(clientSecret),
      {
        [oidc.customFetch]: boundedFetch,
        timeout: TIMEOUT_S,
        // Signatures of tokens are checked although they come by TLS from the provider.
        execute: [oidc.enableNonRepudiationChecks, ...(isLocal ? [oidc.allowInsecureRequests] : [])],
      },
    );
  }

  /** @throws LoginError `unavailable`. */
  async function configuration(): Promise<oidc.Configuration> {
    if (now() >= askAgainAt) {
      askAgainAt = now() + RETRY_MS;
      asked = discover();
      asked.then(
        (found) => {
          known = found;
          askAgainAt = now() + FRESH_MS;
        },
        () => {},
      );
    }
    if (known) return known;
    try {
      if (asked !== undefined) return await asked;
    } catch (error) {
      throw new LoginError('unavailable', `${settings.issuer} does not answer`, { cause: error });
    }
    throw new LoginError('unavailable', `${settings.issuer} was not asked`);
  }

  async function allClaims(config: oidc.Configuration, tokens: Tokens): Promise<Claims> {
    const claims: Claims = { ...tokens.claims() };
    const missing = wantedClaims(settings).some((claim) => !Object.hasOwn(claims, claim));
    if (!missing || config.serverMetadata().userinfo_endpoint === undefined) return claims;
    const more = await oidc.fetchUserInfo(config, tokens.access_token, String(claims.sub));
    // What is signed wins.
    return { ...more, ...claims };
  }

  return {
    settings,
    async begin() {
      const config = await configuration();
      const [state, nonce, verifier] = [
        oidc.randomState(),
        oidc.randomNonce(),
        oidc.randomPKCECodeVerifier(),
      ];
      const url = oidc.buildAuthorizationUrl(config, {
        redirect_uri: redirectURI,
        scope: settings.scopes.join(' '),
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...{ state, nonce },
      });
      const transaction = { provider: settings.name, state, nonce, verifier, expires: now() + LOGIN_MS };
      return { url, transaction };
    },
    async finish(answer, { state, nonce, verifier }) {
      const config = await configuration();
      const url = new URL(redirectURI);
      url.search = answer.toString();
      let claims: Claims;
      let tokens: Tokens;
      try {
        tokens = await oidc.authorizationCodeGrant(config, url, {
          ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier },
          idTokenExpected: true,
        });
        claims = await allClaims(config, tokens);
      } catch (error) {
        throw failureOf(error);
      }
      const subject = String(claims.sub);
      const grants = grantsOf(claims, settings.rules);
      if (grants.length === 0) {
        if (isOverage(claims, settings.rules))
          throw new LoginError('overage', 'the provider left the groups out, since there are too many');
        throw new LoginError('noRole', `no rule gives ${subject} a role`);
      }
      return { name: nameOf(claims, settings, subject), subject, idToken: tokens.id_token ?? '', grants };
    },
    async logoutURL(idToken, back) {
      try {
        const config = await configuration();
        if (config.serverMetadata().end_session_endpoint === undefined) return undefined;
        const parameters = new URLSearchParams({ post_logout_redirect_uri: back });
        if (idToken !== '') parameters.set('id_token_hint', idToken);
        return oidc.buildEndSessionUrl(config, parameters);
      } catch {
        return undefined;
      }
    },
  };
}

type Tokens = Awaited<ReturnType<typeof oidc.authorizationCodeGrant>>;

/** @returns why a login failed: the person or provider refused, the provider does not answer, or what it says is not valid. */
function failureOf(error: unknown): LoginError {
  if (error instanceof oidc.AuthorizationResponseError)
    return new LoginError('denied', `the provider refused: ${error.error}`, { cause: error });
  const isSilent = error instanceof oidc.ClientError && error.code === 'OAUTH_TIMEOUT';
  if (isSilent || error instanceof TypeError)
    return new LoginError('unavailable', 'the provider does not answer', { cause: error });
  return new LoginError('invalid', 'what came back from the provider is not valid', { cause: error });
}
