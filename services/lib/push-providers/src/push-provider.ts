import type { PushKind } from '@im/contract';

/** How a device is reached: a registered token, or the user id as alias at a vendor that knows devices by it. */
export type AddressKind = PushKind | 'alias';

/** A device, or all devices of a user behind an alias. */
export interface Device {
  readonly userID: string;
  /** 0 behind an alias. */
  readonly platformID: number;
  readonly kind: AddressKind;
  /** The vendor's token without prefix; the user id behind an alias. */
  readonly token: string;
  /** Number on the app's icon; undefined leaves it. */
  readonly badge?: number;
}

/** What is shown, and how; the same for all devices. Texts are in the tenant's content mode already. */
export interface Notification {
  readonly tenant: string;
  readonly operationID: string;
  readonly title: string;
  readonly body: string;
  /** Sound on iOS; empty is silent. */
  readonly sound: string;
  /** Seconds that the vendor keeps it while a device is unreachable. */
  readonly ttlSeconds: number;
  /** At most 32 characters of A-Z a-z 0-9 - _: a later notification with the same value replaces this one. */
  readonly collapseID: string;
  /** Names the message among all of the tenant, the same in every attempt: 32 hexadecimal digits. */
  readonly id: string;
  /** Data for the app. */
  readonly data: Readonly<Record<string, string>>;
}

/**
 * What became of one device.
 * - `taken`: the vendor accepted the notification.
 * - `gone`: the token is invalid for good; `sinceMs` (ms since the epoch) when the vendor says since when.
 * - `later`: not taken; another attempt may succeed after `afterMs`. `provider` when it concerns all devices.
 * - `refused`: not taken, and another attempt would not be either.
 */
export type Outcome =
  | { readonly kind: 'taken'; readonly id?: string }
  | { readonly kind: 'gone'; readonly reason: string; readonly sinceMs?: number }
  | { readonly kind: 'later'; readonly reason: string; readonly afterMs: number; readonly provider?: true }
  | { readonly kind: 'refused'; readonly reason: string };

/** A vendor with the credentials of one tenant. */
export interface PushProvider {
  /** Low-cardinality name, such as `fcm`. */
  readonly name: string;
  /** Most devices of one call. */
  readonly maxDevices: number;
  /**
   * Hands a notification over for 1 to `maxDevices` devices.
   * @returns one outcome per device, in order.
   * @throws when it is unknown whether it was taken: no answer in time, a broken connection.
   */
  push(
    notification: Notification,
    devices: readonly Device[],
    signal: AbortSignal,
  ): Promise<readonly Outcome[]>;
  /** Ends connections; calls in progress may fail. */
  close(): void;
}

/** The same outcome for all devices of a call. */
export function allOf(devices: readonly Device[], outcome: Outcome): readonly Outcome[] {
  return devices.map(() => outcome);
}
