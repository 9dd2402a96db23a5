import type { OfflineNotification } from '../notification.ts';

/** Brings notifications to phones. */
export interface PushProvider {
  readonly name: string;
  /**
   * Hands a notification over. Resolves when the provider has taken it; rejects when it may be tried
   * again. Users without a registered device are the provider's to skip.
   */
  push(notification: OfflineNotification, signal: AbortSignal): Promise<void>;
}
