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
