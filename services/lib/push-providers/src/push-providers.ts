import type { PushProviders, PushSettings } from '@im/contract';
import { apnsProvider } from './apns.ts';
import { fcmProvider } from './fcm.ts';
import { getuiProvider } from './getui.ts';
import { hmsProvider } from './hms.ts';
import { hosProvider } from './hos.ts';
import { type HttpSend, vendorHttp } from './http.ts';
import { jpushProvider } from './jpush.ts';
import { miProvider } from './mi.ts';
import type { AddressKind, PushProvider } from './push-provider.ts';
import { webPushProvider } from './web-push.ts';
import { webhookProvider } from './webhook.ts';

/** A provider that addresses users by their ids, and which of them. */
export interface AliasProvider {
  readonly provider: PushProvider;
  readonly users: 'all' | 'withoutToken';
}

/** The providers of one tenant. */
export interface ProviderSet {
  readonly all: readonly PushProvider[];
  /** The provider that delivers tokens of this kind; undefined when no provider does. */
  ofKind(kind: AddressKind): PushProvider | undefined;
  /** Whether any provider takes tokens. */
  readonly takesTokens: boolean;
  readonly aliases: readonly AliasProvider[];
  /** Providers whose credentials cannot be used, with the fault. */
  readonly faults: readonly { readonly provider: string; readonly fault: string }[];
  close(): void;
}

/** What providers use of their process. */
export interface ProviderDeps {
  /** @default connections to public addresses, and to those in `allowedNetworks` */
  readonly send?: HttpSend;
  /** Internal networks in which vendors and webhook receivers may be. @default none */
  readonly allowedNetworks?: readonly string[];
}

/**
 * Makes the providers that the settings name; nothing is connected yet. One whose credentials cannot be used is left out
 * and reported: the others work.
 */
export function createProviders(
  { providers }: Pick<PushSettings, 'providers'>,
  { send: sendBy, allowedNetworks = [] }: ProviderDeps = {},
): ProviderSet {
  const http = vendorHttp(allowedNetworks);
  const send = sendBy ?? http.send;
  const all: PushProvider[] = [];
  const faults: { provider: string; fault: string }[] = [];
  const kinds = new Map<AddressKind, PushProvider>();
  const aliases: AliasProvider[] = [];

  function add<K extends keyof PushProviders>(
    name: K,
    create: (settings: NonNullable<PushProviders[K]>) => PushProvider,
    use: (provider: PushProvider, settings: NonNullable<PushProviders[K]>) => void,
  ): void {
    const settings = providers[name];
    if (settings === undefined) return;
    try {
      const provider = create(settings);
      use(provider, settings);
      all.push(provider);
    } catch (error) {
      faults.push({ provider: name, fault: error instanceof Error ? error.message : String(error) });
    }
  }
  const forKinds =
    (...list: readonly AddressKind[]) =>
    (provider: PushProvider) => {
      for (const kind of list) kinds.set(kind, provider);
    };
  const byAlias = (provider: PushProvider, { users }: { readonly users: 'all' | 'withoutToken' }) => {
    aliases.push({ provider, users });
  };

  add('fcm', (settings) => fcmProvider(settings, send), forKinds('fcm'));
  add('apns', (settings) => apnsProvider(settings, { allowedNetworks }), forKinds('apns', 'apns-sandbox'));
  add('hms', (settings) => hmsProvider(settings, send), forKinds('hms'));
  add('hos', (settings) => hosProvider(settings, send), forKinds('hos'));
  add('mi', (settings) => miProvider(settings, send), forKinds('mi'));
  add('webPush', (settings) => webPushProvider(settings, send), forKinds('web'));
  add('getui', (settings) => getuiProvider(settings, send), byAlias);
  add('jpush', (settings) => jpushProvider(settings, send), byAlias);
  add(
    'webhook',
    (settings) => webhookProvider(settings, allowedNetworks),
    (provider, settings) => {
      forKinds(...settings.kinds)(provider);
      if (settings.users !== 'none') byAlias(provider, { users: settings.users });
    },
  );

  return {
    all,
    ofKind: (kind) => kinds.get(kind),
    takesTokens: kinds.size > 0,
    aliases,
    faults,
    close() {
      for (const provider of all) provider.close();
      http.close();
    },
  };
}
