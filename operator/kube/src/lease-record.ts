import { isApiError } from './errors.ts';
import type { KubeClient } from './kube-client.ts';
import type { Stored } from './objects.ts';
import { LEASE } from './resource-types.ts';
import type { Lease } from './wire.ts';

/** Result of an attempt to hold a lease. */
export type LeaseAttempt =
  /** Acquired or renewed by a request sent at `sentAt` (monotonic ms). */
  | { readonly held: true; readonly sentAt: number }
  /** Held by another candidate. */
  | { readonly held: false; readonly holder: string | undefined };

/** A Lease as one candidate sees it. */
export interface LeaseRecord {
  /** Acquires or renews the lease when it is free, expired or held by this candidate. @throws when the API server does not answer. */
  hold(deadlineMs: number, signal?: AbortSignal): Promise<LeaseAttempt>;
  /** Releases the lease, if it is still held by this candidate. */
  release(deadlineMs: number): Promise<void>;
  /** The holder as last seen. */
  holder(): string | undefined;
}

/** Options of {@link createLeaseRecord}. */
export interface LeaseRecordOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly leaseDurationMs: number;
}

/** A Lease compatible with client-go, so that candidates can be Go programs. */
export function createLeaseRecord(options: LeaseRecordOptions): LeaseRecord {
  const { client, namespace, name, identity } = options;
  const key = { namespace, name };
  let seen: Stored<Lease> | undefined;
  /** When {@link seen} was first seen, on the monotonic clock: the holder's own clock is not trusted. */
  let seenAt = 0;

  function see(lease: Stored<Lease> | undefined): void {
    const changed = seen?.metadata.resourceVersion !== lease?.metadata.resourceVersion;
    seen = lease;
    if (changed) seenAt = performance.now();
  }

  /** Whether another candidate holds the lease and has renewed it in time, as observed here. */
  function heldByAnother(): boolean {
    const spec = seen?.spec;
    if (!spec?.holderIdentity || spec.holderIdentity === identity) return false;
    const durationMs = (spec.leaseDurationSeconds ?? 0) * 1_000 || options.leaseDurationMs;
    return performance.now() < seenAt + durationMs;
  }

  function mine(before: Stored<Lease> | undefined): Lease {
    const now = microTime();
    const spec = before?.spec;
    const isRenewal = spec?.holderIdentity === identity;
    return {
      metadata: { ...key, resourceVersion: before?.metadata.resourceVersion },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(options.leaseDurationMs / 1_000),
        acquireTime: isRenewal ? (spec?.acquireTime ?? now) : now,
        renewTime: now,
        leaseTransitions: (spec?.leaseTransitions ?? 0) + (before && !isRenewal ? 1 : 0),
      },
    };
  }

  return {
    async hold(deadlineMs, signal) {
      const request = { deadlineMs, signal };
      // A holder knows what it wrote; other candidates read the lease first.
      if (seen?.spec?.holderIdentity !== identity) see(await client.get(LEASE, key, request));
      if (heldByAnother()) return { held: false, holder: seen?.spec?.holderIdentity };
      const sentAt = performance.now();
      const lease = mine(seen);
      try {
        see(await (seen ? client.replace(LEASE, lease, request) : client.create(LEASE, lease, request)));
        return { held: true, sentAt };
      } catch (error) {
        if (!isApiError(error, 404, 409)) throw error;
      }
      // Another candidate was faster, or the response was lost and the retry of the same write was refused.
      see(await client.get(LEASE, key, request));
      const { holderIdentity, renewTime } = seen?.spec ?? {};
      if (holderIdentity === identity && renewTime === lease.spec?.renewTime) return { held: true, sentAt };
      return { held: false, holder: seen?.spec?.holderIdentity };
    },
    async release(deadlineMs) {
      if (seen?.spec?.holderIdentity !== identity) return;
      const free = mine(seen);
      const lease = { ...free, spec: { ...free.spec, holderIdentity: '', leaseDurationSeconds: 1 } };
      see(await client.replace(LEASE, lease, { deadlineMs }));
    },
    holder: () => seen?.spec?.holderIdentity || undefined,
  };
}

/** The time with microseconds, as the API server requires. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}
