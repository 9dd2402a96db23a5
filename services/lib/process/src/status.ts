import { type CallerProof, type ProcessStatus, SETTINGS_LEVEL, type StatusParts } from '@im/contract';
import { type EventLoopDelay, measureEventLoopDelay } from './event-loop-delay.ts';
import type { Readiness } from './service.ts';

/** Where services tell of themselves. */
export interface StatusRegistry {
  /** Adds one part; `report` is called at every look and must not wait. @throws when there is one already. */
  add<K extends keyof StatusParts>(name: K, report: () => StatusParts[K]): void;
  /** The status now. */
  read(): ProcessStatus;
}

/** Facts about a process other than its services. */
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
        time: Date.now(),
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
