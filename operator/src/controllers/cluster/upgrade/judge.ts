import type { ProberStatus } from '@im/contract';
import type {
  StepRecord,
  UpgradeFailure,
  UpgradeProof,
  UpgradeRecord,
} from '../../../resources/upgrade-record.ts';
import type { Observation } from '../observation/observation.ts';
import { faultOf, type Gate, gatesOf, lookAt, proberOf, proofSince } from './gates.ts';
import { movedConnections } from './moved-connections.ts';
import { GATEWAYS } from './step-names.ts';

/** A step as it is observed. */
export interface ObservedStep {
  readonly name: string;
  readonly state: 'pending' | 'running' | 'settled';
  /** What it waits for. */
  readonly message: string;
  /** What keeps one of its new pods from running; undefined when nothing does. */
  readonly podFault?: string | undefined;
}

/** Times of an upgrade that the spec sets. */
export interface UpgradeLimits {
  /** Time that the prober must be without a finding after each step, s. */
  readonly soakSeconds: number;
  /** Time for the new pods of a step to be available, and for the gates behind it to open, s. */
  readonly stepDeadlineSeconds: number;
}

/** What is known of an upgrade that has started. */
export interface UpgradeObservation {
  readonly record: UpgradeRecord;
  /** In the order of the rollout; steps of the record alone count. */
  readonly steps: readonly ObservedStep[];
  readonly observation: Pick<Observation, 'processes' | 'reports' | 'stores'>;
  /** Pods of the gateways before. */
  readonly oldGateways: readonly string[];
  readonly isProbed: boolean;
  readonly limits: UpgradeLimits;
  /** No further step begins. */
  readonly paused: boolean;
  readonly specKey: string;
  /** A person asked for the rollback. */
  readonly rollbackAsked: boolean;
  readonly now: number;
}

/** What is to become of an upgrade. */
export interface UpgradeJudgement {
  /** The record with what is new. */
  readonly record: UpgradeRecord;
  /** Step in progress; undefined when all are passed. */
  readonly step: string | undefined;
  /** Gates behind the step in progress, once it has settled. */
  readonly gates: readonly Gate[];
  /** What is waited for, for people. */
  readonly message: string;
  /** Steps that may begin. */
  readonly mayRun: ReadonlySet<string>;
}

/** Share of the deadline of a step for which new pods may crash, or their image be missing. */
const FAULT_SHARE = 0.2;

/**
 * The state of an upgrade, and which of its steps may run; a pure function. A step begins when all gates behind the one
 * before are passed. It fails when its pods do not become available in time, when a gate does not open in time, and when
 * the prober finds anything at all.
 */
export function judgeUpgrade(input: UpgradeObservation): UpgradeJudgement {
  const { observation, isProbed, limits, now } = input;
  const prober = proberOf(observation);
  const known = isProbed ? withBaseline(input.record, prober) : input.record;
  const proof = prober && isProbed ? proofSince(known, prober) : known.proof;
  const steps: StepRecord[] = [];
  const mayRun = new Set<string>();
  let current: { step: StepRecord; observed: ObservedStep; gates: readonly Gate[] } | undefined;
  for (const recorded of known.steps) {
    const observed = input.steps.find(({ name }) => name === recorded.name);
    if (current || !observed) {
      steps.push(recorded);
      continue;
    }
    const isHeld = input.paused && recorded.startedAt === undefined;
    const started: StepRecord =
      recorded.startedAt === undefined && !isHeld ? { ...recorded, startedAt: now } : recorded;
    const settled: StepRecord =
      observed.state === 'settled' && started.startedAt !== undefined
        ? { ...started, settledAt: started.settledAt ?? now }
        : withoutSettled(started);
    const gates =
      settled.settledAt === undefined || settled.passedAt !== undefined
        ? []
        : gatesOf({
            observation,
            step: settled,
            proof,
            prober,
            isProbed,
            soakSeconds: limits.soakSeconds,
          });
    const isPassed =
      settled.passedAt !== undefined ||
      (gates.length > 0 && gates.every(({ state }) => state === 'Passed' || state === 'Skipped'));
    const step = isPassed ? { ...settled, passedAt: settled.passedAt ?? now } : settled;
    steps.push(step);
    if (!isHeld) mayRun.add(step.name);
    if (!isPassed) current = { step, observed, gates };
  }
  const moved = movedConnections(known, input.oldGateways, observation.reports);
  const record: UpgradeRecord = {
    ...{ ...known, steps },
    ...(proof === undefined ? {} : { proof }),
    ...(moved === undefined ? {} : { moved }),
  };
  const failure = failureOf(input, proof, prober, current);
  const message = current ? messageOf(current, input.paused) : 'all steps are complete';
  return {
    record: failure ? { ...record, failure } : record,
    step: current?.step.name,
    gates: current?.gates ?? [],
    message,
    mayRun,
  };
}

/**
 * A record whose proof begins at the first look at the prober, when it did not answer at the start: what it found long before
 * says nothing about the upgrade.
 */
function withBaseline(record: UpgradeRecord, prober: ProberStatus | undefined): UpgradeRecord {
  if (record.baseline || !prober || prober.since >= record.startedAt) return record;
  return { ...record, baseline: lookAt(prober) };
}

/** A step whose pods are replaced once more has to settle again. */
function withoutSettled(step: StepRecord): StepRecord {
  if (step.passedAt !== undefined) return step;
  const { settledAt: _, ...rest } = step;
  return rest;
}

function messageOf(
  { step, observed, gates }: { step: StepRecord; observed: ObservedStep; gates: readonly Gate[] },
  paused: boolean,
): string {
  if (step.startedAt === undefined && paused)
    return `paused before ${step.name}; remove spec.upgrade.paused, or run openimctl upgrade resume`;
  const waiting = gates.filter(({ state }) => state === 'Waiting');
  return waiting.length === 0
    ? `${step.name}: ${observed.message}`
    : `${step.name}: ${waiting.map(({ message }) => message).join('; ')}`;
}

function failureOf(
  { limits, specKey, rollbackAsked, now }: UpgradeObservation,
  proof: UpgradeProof | undefined,
  prober: ProberStatus | undefined,
  current: { step: StepRecord; observed: ObservedStep; gates: readonly Gate[] } | undefined,
): UpgradeFailure | undefined {
  const step = current?.step.name ?? 'verification';
  const failure = (reason: string, message: string) => ({ at: now, step, reason, message, specKey });
  if (rollbackAsked) return failure('RollbackRequested', 'a person asked for the rollback');
  const fault = proof && faultOf(proof);
  if (fault !== undefined) {
    const example = prober?.findings.at(-1)?.text;
    return failure('MessagesHarmed', `${fault}${example === undefined ? '' : `, the last one: ${example}`}`);
  }
  if (!current) return undefined;
  const { startedAt, settledAt } = current.step;
  const { stepDeadlineSeconds } = limits;
  const since = settledAt ?? startedAt;
  if (since === undefined) return undefined;
  const seconds = (now - since) / 1_000;
  const { podFault, message } = current.observed;
  if (podFault !== undefined && settledAt === undefined && seconds > stepDeadlineSeconds * FAULT_SHARE) {
    return failure('PodsFailing', podFault);
  }
  if (settledAt === undefined) {
    // Connections move at the pace of their receivers, which has other deadlines.
    if (current.step.name === GATEWAYS || seconds <= stepDeadlineSeconds) return undefined;
    return failure('StepDeadlineExceeded', `not complete after ${stepDeadlineSeconds} s: ${message}`);
  }
  const closed = current.gates.find(({ state }) => state === 'Waiting');
  if (!closed || seconds <= stepDeadlineSeconds + limits.soakSeconds) return undefined;
  return failure(`${closed.name}Timeout`, `not passed after ${Math.round(seconds)} s: ${closed.message}`);
}
