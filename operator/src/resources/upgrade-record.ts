import type { ProberTotals } from '@im/contract';

/** Messages of the prober during an upgrade. */
export interface UpgradeProof {
  /** The messages were sent after this time, ms since the epoch; absent in records of earlier versions, as is `until`. */
  readonly from?: number | undefined;
  /** The messages were sent until this time, ms since the epoch. */
  readonly until?: number | undefined;
  readonly sent: number;
  readonly acknowledged: number;
  readonly received: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Longest time without an arrival, as far as it was over a second, ms. */
  readonly longestGapMs: number;
}

/** One step of an upgrade. Times are ms since the epoch. */
export interface StepRecord {
  readonly name: string;
  /** Pods that it replaces, as planned; absent in records of earlier versions. */
  readonly pods?: number;
  /** Its first pod was to be replaced. */
  readonly startedAt?: number;
  /** All of its pods were replaced and available. */
  readonly settledAt?: number;
  /** All gates behind it were passed. */
  readonly passedAt?: number;
}

/** Why an upgrade was stopped. */
export interface UpgradeFailure {
  readonly at: number;
  readonly step: string;
  /** One word. */
  readonly reason: string;
  readonly message: string;
  /** The spec that led to it; see `specKey`. */
  readonly specKey: string;
}

/** What an upgrade changes, and about how long it takes. */
export interface UpgradeEstimate {
  /** Pods that are replaced. */
  readonly restarts: number;
  /** Client connections that move to another gateway. */
  readonly reconnects: number;
  readonly seconds: number;
}

/** What an upgrade has done, and at what pace. */
export interface UpgradeFact extends Omit<UpgradeEstimate, 'reconnects'> {
  /** Absent in records of earlier versions. */
  readonly reconnects?: number;
  /** Time that a pod took to be replaced, gateways excluded; absent when none was. */
  readonly secondsPerPod?: number;
  /** Time that the gates behind a step took in addition to the soak; absent without steps. */
  readonly gateSeconds?: number;
}

/**
 * An upgrade, as it is recorded at the revision that it goes to: all that the next operator needs to go on with it, and
 * its history afterwards.
 */
export interface UpgradeRecord {
  /** The revision before, which a rollback goes back to. */
  readonly from: string;
  readonly startedAt: number;
  /** What the prober had found before the first pod was replaced; undefined without one. */
  readonly baseline?: ProberTotals | undefined;
  readonly steps: readonly StepRecord[];
  readonly plan: UpgradeEstimate;
  readonly proof?: UpgradeProof | undefined;
  readonly failure?: UpgradeFailure | undefined;
  /** When it was complete, rolled back, or replaced by another change. */
  readonly finishedAt?: number | undefined;
  readonly outcome?: 'Succeeded' | 'RolledBack' | 'Superseded' | undefined;
  /** What happened, as opposed to `plan`. */
  readonly fact?: UpgradeFact | undefined;
  /** Connections that old gateways have closed, or are about to, by name of the pod. */
  readonly moved?: Readonly<Record<string, number>> | undefined;
}

/** The record in an annotation; undefined for none, and for one that this operator cannot read. */
export function parseRecord(text: string | undefined): UpgradeRecord | undefined {
  if (text === undefined) return undefined;
  try {
    const record = JSON.parse(text) as Partial<UpgradeRecord>;
    const isReadable =
      typeof record.from === 'string' && typeof record.startedAt === 'number' && Array.isArray(record.steps);
    return isReadable ? (record as UpgradeRecord) : undefined;
  } catch {
    return undefined;
  }
}
