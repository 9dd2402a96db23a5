import { credentialsRefused, type HttpAnswer, type HttpSend, jsonOf, outcomeByStatus } from './http.ts';
import type { Outcome } from './push-provider.ts';

/** A vendor's access token and its lifetime. */
export interface IssuedToken {
  readonly token: string;
  readonly lifetimeMs: number;
}

/** The vendor issues no token now; carries the outcome of what needed it. */
export class NoAccessToken extends Error {
  override readonly name = 'NoAccessToken';
  readonly outcome: Outcome;

  constructor(outcome: Outcome, options?: ErrorOptions) {
    super('the vendor issues no access token', options);
    this.outcome = outcome;
  }
}

/** What a vendor answers in place of a token: overload and faults are temporary, all else is about the credentials. */
export function noToken(answer: HttpAnswer): NoAccessToken {
  const isTemporary = answer.status === 429 || answer.status >= 500;
  return new NoAccessToken(isTemporary ? outcomeByStatus(answer) : credentialsRefused());
}

/** Requests a token by OAuth 2.0 (RFC 6749). @throws NoAccessToken */
export async function oauthToken(
  send: HttpSend,
  url: string,
  form: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IssuedToken> {
  const answer = await send(url, {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
    signal,
  });
  const { access_token, expires_in } = jsonOf(answer);
  if (answer.status !== 200 || typeof access_token !== 'string') throw noToken(answer);
  return { token: access_token, lifetimeMs: Number(expires_in ?? 3_600) * 1_000 };
}

/** Renewed this long before it expires, at most half its lifetime. */
const AHEAD_MS = 300_000;
/** After a refusal none is asked for during this time: vendors limit these requests. */
const PAUSE_MS = 10_000;
/** Time limit of a request for a token, which callers share. */
const REQUEST_MS = 10_000;

/** A vendor's access token, requested once for all calls that need it. */
export class AccessToken {
  readonly #request: (signal: AbortSignal) => Promise<IssuedToken>;
  readonly #now: () => number;
  #current: { readonly token: string; readonly until: number } | undefined;
  #pending: Promise<string> | undefined;
  #refused: { readonly error: unknown; readonly until: number } | undefined;

  constructor(request: (signal: AbortSignal) => Promise<IssuedToken>, now: () => number = Date.now) {
    this.#request = request;
    this.#now = now;
  }

  /** A valid token. @throws NoAccessToken, or what the request failed with. */
  async get(): Promise<string> {
    const now = this.#now();
    if (this.#current && this.#current.until > now) return this.#current.token;
    if (this.#refused && this.#refused.until > now) throw this.#refused.error;
    this.#pending ??= this.#renew().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** Forgets a token that the vendor refused; the next {@link get} requests another one. */
  drop(token: string): void {
    if (this.#current?.token === token) this.#current = undefined;
  }

  async #renew(): Promise<string> {
    try {
      const { token, lifetimeMs } = await this.#request(AbortSignal.timeout(REQUEST_MS));
      this.#current = { token, until: this.#now() + lifetimeMs - Math.min(AHEAD_MS, lifetimeMs / 2) };
      this.#refused = undefined;
      return token;
    } catch (error) {
      if (error instanceof NoAccessToken) this.#refused = { error, until: this.#now() + PAUSE_MS };
      throw error;
    }
  }
}
