import type { ProcessStatus } from '@im/contract';
import type { CheckResult } from '../../checks/index.ts';

/** The stores, as status and checks call them. */
export const STORE_KEYS = ['nats', 'mongodb', 'redis', 'objectStorage'] as const;
export type StoreKey = (typeof STORE_KEYS)[number];

/** What pods and stores last told. What is absent could not be asked, or not yet. */
export interface Observation {
  /** By name of the pod. */
  readonly processes: ReadonlyMap<string, ProcessStatus>;
  readonly stores: Readonly<Partial<Record<StoreKey, CheckResult>>>;
}

export const NOTHING_SEEN: Observation = { processes: new Map(), stores: {} };
