import { createHash } from 'node:crypto';
import type { PushProviders } from '@im/contract';
import { guardedClient, signedHeaders } from '@im/webhooks';
import { outcomeByStatus } from './http.ts';
import type { Device, Notification, Outcome, PushProvider } from './push-provider.ts';
import { tokenText } from './push-token.ts';

/** Devices of one request: a body stays small. */
const MAX_DEVICES = 500;
const MAX_ANSWER_BYTES = 262_144;
const TIMEOUT_MS = 10_000;
const CONNECTIONS = 16;

/**
 * A receiver of the tenant, which delivers by itself. One request for several devices, signed after the Standard Webhooks
 * specification; its id is the same in every attempt for the same message and devices.
 * @param allowedNetworks internal networks in which receivers may be.
 */
export function webhookProvider(
  settings: NonNullable<PushProviders['webhook']>,
  allowedNetworks: readonly string[],
): PushProvider {
  const url = new URL(settings.url);
  const client = guardedClient(allowedNetworks, CONNECTIONS);
  return {
    name: 'webhook',
    maxDevices: MAX_DEVICES,
    async push(notification, devices, signal) {
      const tokens = devices.map(tokenOf);
      const id = createHash('sha256')
        .update([notification.id, ...tokens].join('\n'))
        .digest('hex')
        .slice(0, 32);
      const body = JSON.stringify(bodyOf(id, notification, devices));
      const answer = await client.post(url, {
        headers: { 'content-type': 'application/json', ...signedHeaders(id, body, [settings.secret]) },
        body,
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_ANSWER_BYTES,
        whenLarger: 'cut',
        signal,
      });
      if (answer.status >= 200 && answer.status < 300) {
        const dropped = droppedOf(answer.body);
        return tokens.map(
          (token): Outcome =>
            dropped.has(token) ? { kind: 'gone', reason: 'dropped' } : { kind: 'taken', id },
        );
      }
      const headers = new Headers({ 'retry-after': answer.headers['retry-after'] ?? '' });
      const outcome = outcomeByStatus({ status: answer.status, headers });
      return devices.map(() => outcome);
    },
    close: () => client.close(),
  };
}

/** A token as it was registered; the user id behind an alias. */
function tokenOf({ kind, token }: Device): string {
  return kind === 'alias' ? token : tokenText({ kind, token });
}

function bodyOf(id: string, notification: Notification, devices: readonly Device[]): object {
  const { title, body, sound, ttlSeconds, collapseID, data, tenant, operationID } = notification;
  return {
    id,
    tenant,
    operationID,
    title,
    body,
    sound,
    ttlSeconds,
    collapseID,
    data,
    devices: devices.map((device) => ({
      userID: device.userID,
      platformID: device.platformID,
      kind: device.kind,
      ...(device.kind !== 'alias' && { token: tokenOf(device) }),
      ...(device.badge !== undefined && { badge: device.badge }),
    })),
  };
}

/** The tokens that the receiver reports as gone. */
function droppedOf(body: string): ReadonlySet<string> {
  try {
    const { dropTokens } = JSON.parse(body) as { dropTokens?: unknown };
    return new Set(Array.isArray(dropTokens) ? dropTokens.map(String) : []);
  } catch {
    return new Set();
  }
}
