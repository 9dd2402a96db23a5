import type { ServerConfig } from '@im/contract';
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
  /** The console, as browsers have it; with providers alone. */
  readonly consoleURL: string;
  provider(name: string): IdentityProvider | undefined;
  /** Where a browser logs out at the provider as well; empty: nowhere. */
  logoutURL(provider: string, idToken: string): Promise<string>;
}

/** The ways to log in that the config names. */
export function consoleLogins(config: ServerConfig['api']['console']): ConsoleLogins {
  const consoleURL = `${config.publicURL.replace(/\/$/, '')}/console/`;
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
    provider: (name) => providers.get(name),
    async logoutURL(name, idToken) {
      const provider = providers.get(name);
      return (await provider?.logoutURL(idToken, consoleURL))?.href ?? '';
    },
  };
}
