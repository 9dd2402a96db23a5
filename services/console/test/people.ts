import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

/** An identity provider with some people. */
export interface People extends AsyncDisposable {
  readonly issuer: string;
}

export const CLIENT = { id: 'console', secret: 'a secret of the client' };

/**
 * Starts a certified OpenID Connect provider at localhost, which is another site than 127.0.0.1. Any password will do.
 * @param console URL of the console
 * @param groups of each person; others may log in, and are in none
 */
export async function startPeople(
  console: string,
  groups: Readonly<Record<string, readonly string[]>>,
): Promise<People> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, 'localhost', resolve);
  await promise;
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [`${console}_login/people/back`],
        post_logout_redirect_uris: [console],
      },
    ],
    pkce: { required: () => true },
    cookies: { keys: ['of the test'] },
    scopes: ['openid', 'profile', 'groups'],
    claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: async () => ({ sub: id, preferred_username: id, groups: groups[id] ?? [] }),
    }),
  });
  server.on('request', provider.callback());
  return {
    issuer,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
