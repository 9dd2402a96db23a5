import type { Device, PushProvider } from './push-provider.ts';
import type { ProviderSet } from './push-providers.ts';
import { parseToken } from './push-token.ts';

/** A token that a user registered. */
export interface RegisteredToken {
  readonly userID: string;
  readonly platformID: number;
  /** With the prefix of its kind. */
  readonly token: string;
}

/** A device, and the provider that reaches it. */
export interface Addressed<T extends RegisteredToken> {
  readonly provider: PushProvider;
  readonly device: Device;
  /** Undefined behind an alias. */
  readonly registered: T | undefined;
}

/**
 * All devices of these users that some provider of the tenant reaches: their tokens, each by the provider of its kind,
 * and the users themselves where a provider knows them by alias.
 */
export function addressDevices<T extends RegisteredToken>(
  providers: ProviderSet,
  userIDs: readonly string[],
  tokens: readonly T[],
): Addressed<T>[] {
  const addressed = tokens.flatMap((registered): Addressed<T>[] => {
    const { kind, token } = parseToken(registered.token);
    const provider = providers.ofKind(kind);
    const { userID, platformID } = registered;
    return provider ? [{ provider, device: { userID, platformID, kind, token }, registered }] : [];
  });
  const withToken = new Set(addressed.map(({ device }) => device.userID));
  for (const { provider, users } of providers.aliases) {
    for (const userID of userIDs) {
      if (users === 'withoutToken' && withToken.has(userID)) continue;
      const device: Device = { userID, platformID: 0, kind: 'alias', token: userID };
      addressed.push({ provider, device, registered: undefined });
    }
  }
  return addressed;
}
