import type { CallerProof } from './cluster-key.ts';
import { type EventLoopDelay, measureEventLoopDelay } from './event-loop-delay.ts';
import type { Readiness } from './lifecycle.ts';
import { SETTINGS_LEVEL } from './settings-level.ts';

/** What a gateway tells of itself. */
export interface GatewayStatus {
  /** Connections now, those that are being closed included. */
  readonly connections: number;
  /** Users with at least one connection. */
  readonly users: number;
  /** Handshakes that arrived, refused ones included, as an average of the last 10 s. */
  readonly handshakesPerSecond: number;
  /** It refuses handshakes and closes its connections. */
  readonly draining: boolean;
  /** Connections that are still to go; 0 when it is not draining. */
  readonly drainRemaining: number;
  /** Time until the last one is gone at the present pace; 0 when none is left or it is not draining. */
  readonly drainEtaSeconds: number;
}

/** What transfer tells of itself. */
export interface TransferStatus {
  /** Partitions of the log that this process folds. */
  readonly partitions: number;
  /** Records of these partitions that are not folded yet, as of what was read last. */
  readonly lagRecords: number;
  /** Tenants whose records wait, since they cannot be folded. */
  readonly parkedTenants: number;
  /** Conversations whose records wait, since the database contradicts the log. */
  readonly parkedConversations: number;
  /** Records that wait. */
  readonly parkedRecords: number;
}

/** One fault of an entry of `tenants` in the config file. */
export interface InvalidTenantStatus {
  /** Undefined when the entry names no tenant that could exist. */
  readonly id?: string;
  /** Place of the entry in the list, from 0; undefined when the fault is a clash with what is in force. */
  readonly index?: number;
  readonly field: string;
  readonly reason: string;
  /** Whether the tenant is served nevertheless, with its last valid settings or by its first entry. */
  readonly served: boolean;
}

/** Tenants of the config file that are refused, all others being served. */
export interface InvalidTenantsStatus {
  /** Entries at fault. */
  readonly count: number;
  /** Their faults, the first ones alone when there are many. */
  readonly faults: readonly InvalidTenantStatus[];
}

/** What services add to the status of their process. */
export interface StatusParts {
  readonly gateway: GatewayStatus;
  readonly transfer: TransferStatus;
  readonly invalidTenants: InvalidTenantsStatus;
}

/** Answer of `GET /status` on the ops port. */
export interface ProcessStatus extends Partial<StatusParts> {
  readonly version: string;
  /** Name of the process among its peers, new at every start. */
  readonly instance: string;
  readonly roles: readonly string[];
  readonly ready: boolean;
  /** Why it is not ready. */
  readonly reason?: string;
  /** Time of the start, ms since the epoch. */
  readonly startedAt: number;
  /** Which config is in force; see `configHash`. */
  readonly configHash: string;
  /** Which settings it knows; see {@link SETTINGS_LEVEL}. Versions from before it report none. */
  readonly settingsLevel?: number;
  /** What it asks of its callers; versions that take no key over while they run say nothing. */
  readonly rpcKey?: CallerProof;
  /** How late the event loop was of late: 99th percentile in ms. */
  readonly eventLoopDelayMs: number;
  readonly rssBytes: number;
}

/** Where services tell of themselves. */
export interface StatusRegistry {
  /** Adds one part; `report` is called at every look and must not wait. @throws when there is one already. */
  add<K extends keyof StatusParts>(name: K, report: () => StatusParts[K]): void;
  /** The status now. */
  read(): ProcessStatus;
}

/** What is known of a process beside its services. */
export interface ProcessFacts {
  readonly version: string;
  readonly instance: string;
  readonly roles: readonly string[];
  readonly readiness: () => Readiness;
  readonly configHash: () => string;
  readonly rpcKey?: () => CallerProof;
  /** For tests. */
  readonly delay?: EventLoopDelay;
}

/** The status of one process. */
export interface Status extends StatusRegistry {
  stop(): void;
}

/** Begins to keep the status of this process. */
export function createStatus(facts: ProcessFacts): Status {
  const startedAt = Math.round(performance.timeOrigin);
  const delay = facts.delay ?? measureEventLoopDelay();
  const parts = new Map<string, () => unknown>();
  return {
    add(name, report) {
      if (parts.has(name)) throw new Error(`status part ${name} exists already`);
      parts.set(name, report);
    },
    read() {
      const { version, instance, roles } = facts;
      const own: Partial<StatusParts> = Object.fromEntries(
        [...parts].map(([name, report]) => [name, report()]),
      );
      return {
        version,
        instance,
        roles,
        ...facts.readiness(),
        startedAt,
        configHash: facts.configHash(),
        settingsLevel: SETTINGS_LEVEL,
        ...(facts.rpcKey && { rpcKey: facts.rpcKey() }),
        eventLoopDelayMs: Math.round(delay.p99() * 10) / 10,
        rssBytes: process.memoryUsage.rss(),
        ...own,
      };
    },
    stop: () => delay.stop(),
  };
}
