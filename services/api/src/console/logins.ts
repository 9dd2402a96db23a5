import { endpointOf, type ServerConfig, tenantURL } from '@im/contract';
import { type IdentityProvider, identityProvider } from './oidc/identity-provider.ts';

/** A way to log in that the page offers. */
export interface LoginOffer {
  readonly name: string;
  /** On the button. */
  readonly displayName: string;
  readonly url: string;
}

/** The ways to log in to the console besides links. */
export interface ConsoleLogins {
  readonly offers: readonly LoginOffer[];
  /** Whether the admin secret of a tenant logs in. */
  readonly bySecret: boolean;
  /** The console, as browsers have it; without `publicURL` only its path. */
  readonly consoleURL: string;
  /** At which it is served, such as `/console/`. */
  readonly path: string;
  /** The console of a tenant, as browsers have it; without `publicURL` only its path, below the address of the tenant. */
  addressOf(tenant: string): string;
  provider(name: string): IdentityProvider | undefined;
  /** Where a browser logs out at the provider as well; empty: nowhere. */
  logoutURL(provider: string, idToken: string): Promise<string>;
}

/** The ways to log in that the config names. */
export function consoleLogins(config: ServerConfig['api']['console']): ConsoleLogins {
  const { path } = config;
  const endpoint = endpointOf(config.publicURL);
  const consoleURL = config.publicURL.replace(/\/$/, '') + path;
  const providers = new Map(
    config.oidc.map((settings) => [
      settings.name,
      identityProvider(settings, `${consoleURL}_login/${settings.name}/back`),
    ]),
  );
  return {
    offers: config.oidc.map(({ name, displayName }) => ({
      name,
      displayName: displayName || name,
      url: `${consoleURL}_login/${name}`,
    })),
    bySecret: config.adminSecretLogin,
    consoleURL,
    path,
    addressOf: (tenant) => tenantURL(endpoint, tenant) + path,
    provider: (name) => providers.get(name),
    async logoutURL(name, idToken) {
      const provider = providers.get(name);
      return (await provider?.logoutURL(idToken, consoleURL))?.href ?? '';
    },
  };
}
