import { NO_PROBER_COUNTS, type ProberCounts, type ProberStatus, type ProberTotals } from '@im/contract';
import type { StepRecord, UpgradeProof, UpgradeRecord } from '../../../resources/upgrade-record.ts';
import { type Observation, STORE_KEYS } from '../observation/observation.ts';

/** A condition that must hold before an upgrade goes on. */
export interface Gate {
  readonly name: 'StoresReachable' | 'LogLag' | 'ProberClean';
  readonly state: 'Passed' | 'Waiting' | 'Failed' | 'Skipped';
  readonly message: string;
}

/** Most records of the message log that may wait to be stored. */
export const LAG_RECORDS = 1_000;

/**
 * The prober as far as it has answered lately; undefined when there is none, it does not answer, or has yet to read what
 * the one before it counted.
 */
export function proberOf({ processes }: Pick<Observation, 'processes'>): ProberStatus | undefined {
  return [...processes.values()].find(({ prober }) => prober && prober.since > 0)?.prober;
}

/** What the prober has found so far. */
export function lookAt(prober: ProberStatus): ProberTotals {
  const { since, judgedUntil, sent, acknowledged, received, lost, duplicated, reordered, refused, other } =
    prober;
  return { since, judgedUntil, sent, acknowledged, received, lost, duplicated, reordered, refused, other };
}

/** Messages between a look and now. Counts that started over since then count as they are. */
export function proofSince(
  { startedAt, baseline }: Pick<UpgradeRecord, 'startedAt' | 'baseline'>,
  prober: ProberStatus,
): UpgradeProof {
  const before = baseline && baseline.since === prober.since ? baseline : NO_PROBER_COUNTS;
  const between = (name: keyof ProberCounts) => Math.max(0, prober[name] - before[name]);
  const gaps = prober.gaps.filter(({ at }) => at > startedAt).map(({ ms }) => ms);
  return {
    // Counts that started over have no messages from before.
    from: before === baseline ? baseline.judgedUntil : prober.since,
    until: prober.judgedUntil,
    sent: between('sent'),
    acknowledged: between('acknowledged'),
    received: between('received'),
    // What must not be at all counts as the loss of its order.
    lost: between('lost'),
    duplicated: between('duplicated'),
    reordered: between('reordered') + between('other'),
    longestGapMs: Math.max(0, ...gaps),
  };
}

/** What a proof says against an upgrade; undefined when it is clean. */
export function faultOf({ lost, duplicated, reordered }: UpgradeProof): string | undefined {
  if (lost + duplicated + reordered === 0) return undefined;
  return `the prober found ${lost} lost, ${duplicated} duplicated and ${reordered} reordered messages`;
}

/** What the gates behind a step depend on. */
export interface GateInput {
  readonly observation: Pick<Observation, 'processes' | 'stores'>;
  readonly step: StepRecord;
  readonly proof: UpgradeProof | undefined;
  readonly prober: ProberStatus | undefined;
  /** Whether the spec enables the prober. */
  readonly isProbed: boolean;
  readonly soakSeconds: number;
}

/** The gates behind a step whose pods are all available; a pure function. */
export function gatesOf(input: GateInput): readonly Gate[] {
  return [storesGate(input), lagGate(input), proberGate(input)];
}

function storesGate({ observation: { stores } }: GateInput): Gate {
  const name = 'StoresReachable';
  for (const key of STORE_KEYS) {
    const result = stores[key];
    if (result === undefined) return { name, state: 'Waiting', message: `${key} has not been checked yet` };
    if (!result.ok) return { name, state: 'Waiting', message: `${key}: ${result.message}` };
  }
  return { name, state: 'Passed', message: 'all stores are usable' };
}

function lagGate({ observation: { processes } }: GateInput): Gate {
  const name = 'LogLag';
  const transfers = [...processes.values()].flatMap(({ transfer }) => transfer ?? []);
  const lag = transfers.reduce((sum, { lagRecords }) => sum + lagRecords, 0);
  if (transfers.length === 0) return { name, state: 'Waiting', message: 'no transfer process answers' };
  const message = `${lag} of at most ${LAG_RECORDS} records of the log wait to be stored`;
  return { name, state: lag > LAG_RECORDS ? 'Waiting' : 'Passed', message };
}

function proberGate({ step, proof, prober, isProbed, soakSeconds }: GateInput): Gate {
  const name = 'ProberClean';
  if (!isProbed) {
    const message = 'without a prober nothing is proven; set spec.prober.enabled';
    return { name, state: 'Skipped', message };
  }
  if (!prober || !proof) return { name, state: 'Waiting', message: 'the prober does not answer' };
  const fault = faultOf(proof);
  if (fault !== undefined) return { name, state: 'Failed', message: fault };
  const until = (step.settledAt ?? 0) + soakSeconds * 1_000;
  if (prober.judgedUntil < until) {
    const waiting = prober.waiting === undefined ? '' : ` (it waits for ${prober.waiting})`;
    const message = `the prober has to be without a finding for ${soakSeconds} s after this step${waiting}`;
    return { name, state: 'Waiting', message };
  }
  return { name, state: 'Passed', message: `clean for ${soakSeconds} s, ${proof.acknowledged} messages` };
}
