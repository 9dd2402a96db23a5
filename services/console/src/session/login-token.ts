/**
 * Takes the token of a login link out of the address, so that it stays neither there nor in the history. It is in the
 * fragment, which browsers send to no server.
 */
export function takeLoginToken(): string | undefined {
  const { hash, pathname, search } = window.location;
  const [, token] = /^#login=([\w-]{1,256})$/.exec(hash) ?? [];
  if (token !== undefined) window.history.replaceState(null, '', pathname + search);
  return token;
}

/** Why the server refused a login by an identity provider. */
export const LOGIN_FAILURES = [
  'expired',
  'denied',
  'invalid',
  'noRole',
  'overage',
  'unavailable',
  'busy',
] as const;

/** Why the server refused a login by an identity provider. */
export type LoginFailure = (typeof LOGIN_FAILURES)[number];

/** Takes out of the address why a login was refused. */
export function takeLoginFailure(): LoginFailure | undefined {
  const { hash, pathname, search } = window.location;
  const [, failure] = /^#login-failed=(\w{1,32})$/.exec(hash) ?? [];
  if (failure === undefined) return undefined;
  window.history.replaceState(null, '', pathname + search);
  return LOGIN_FAILURES.find((known) => known === failure) ?? 'invalid';
}
