import {
  type AddressKind,
  allOf,
  type Device,
  type Notification,
  type Outcome,
  type ProviderSet,
  type PushProvider,
} from '@im/push-providers';

/** What a provider was given, one entry per call. */
export interface Pushed {
  readonly notification: Notification;
  readonly devices: readonly Device[];
}

/** What a fake provider answers; calls are counted from 1. */
export type FakeAnswer = (pushed: Pushed, call: number) => Promise<readonly Outcome[]> | readonly Outcome[];

/** A provider that keeps what it gets, and answers as the test wants. */
export function fakeProvider(
  options: { readonly name?: string; readonly maxDevices?: number; readonly answer?: FakeAnswer } = {},
): PushProvider & { readonly pushed: Pushed[]; readonly users: string[] } {
  const pushed: Pushed[] = [];
  return {
    name: options.name ?? 'fake',
    maxDevices: options.maxDevices ?? 1,
    pushed,
    get users() {
      return pushed.flatMap(({ devices }) => devices.map(({ userID }) => userID));
    },
    async push(notification, devices) {
      const one = { notification, devices };
      pushed.push(one);
      return options.answer?.(one, pushed.length) ?? allOf(devices, { kind: 'taken' });
    },
    close() {},
  };
}

/** Providers of a tenant: one for aliases, or some by the kind of tokens. */
export function fakeSet(
  alias: PushProvider | undefined,
  kinds: Partial<Record<AddressKind, PushProvider>> = {},
): ProviderSet {
  return {
    all: [...new Set([...(alias ? [alias] : []), ...Object.values(kinds)])],
    ofKind: (kind) => kinds[kind],
    takesTokens: Object.keys(kinds).length > 0,
    aliases: alias ? [{ provider: alias, users: 'all' }] : [],
    faults: [],
    close() {},
  };
}
