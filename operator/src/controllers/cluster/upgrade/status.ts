import { type ConditionUpdate, timestamp } from '@im/kube';
import type { OpenIMClusterStatus } from '../../../gen/openimcluster.ts';
import type { Revision } from '../../../resources/revision.ts';
import { namedVersion } from '../../../resources/settings-level.ts';
import type { UpgradeProof, UpgradeRecord } from '../../../resources/upgrade-record.ts';
import { endedUpgrades } from '../revisions.ts';
import type { Rollback } from './target.ts';
import type { UpgradeStep } from './upgrades.ts';

type UpgradeStatus = NonNullable<OpenIMClusterStatus['upgrade']>;

/** What the status of upgrades is made of. */
export interface UpgradeStatusInput {
  /** Newest first. */
  readonly revisions: readonly Revision[];
  /** Undefined when it could not be determined. */
  readonly step?: UpgradeStep | undefined;
  readonly rollback?: Rollback | undefined;
  /** Name of the wanted revision. */
  readonly update?: string | undefined;
  readonly before: OpenIMClusterStatus | undefined;
}

/** Upgrades in the history of a status. */
const HISTORY = 10;

/** The parts of a status about upgrades; a pure function. */
export function upgradeStatus(
  input: UpgradeStatusInput,
): Pick<OpenIMClusterStatus, 'upgrade' | 'upgradeHistory'> {
  const { revisions, before, step } = input;
  // Nothing was looked at: the spec was refused, or the cluster waits.
  if (step === undefined && input.rollback === undefined) {
    return {
      ...(before?.upgrade && { upgrade: before.upgrade }),
      ...(before?.upgradeHistory && { upgradeHistory: before.upgradeHistory }),
    };
  }
  const upgrade = presentUpgrade(input);
  const history = endedUpgrades(revisions).slice(0, HISTORY);
  return {
    ...(upgrade && { upgrade }),
    ...(history.length > 0 && {
      upgradeHistory: history.map(({ name, content: { effective }, upgrade: record }) => ({
        revision: name,
        version: namedVersion(effective),
        image: effective.image,
        outcome: record.outcome ?? '',
        startedAt: timestamp(new Date(record.startedAt)),
        finishedAt: timestamp(new Date(record.finishedAt ?? record.startedAt)),
        ...(record.failure && { message: record.failure.message }),
        ...(record.proof && { proof: proofStatus(record.proof) }),
        plan: { ...record.plan },
        ...(record.fact && { fact: { ...record.fact } }),
      })),
    }),
  };
}

function presentUpgrade({
  revisions,
  step,
  rollback,
  update,
}: UpgradeStatusInput): UpgradeStatus | undefined {
  const named = (name: string | undefined) => revisions.find((revision) => revision.name === name);
  if (rollback) {
    const { failed, to } = rollback;
    const { upgrade } = failed;
    return {
      ...between(to, failed),
      ...recordStatus(upgrade),
      phase: upgrade.outcome ?? 'RollingBack',
    };
  }
  const target = named(update);
  if (step?.kind === 'waits') {
    const { phase, state } = step.wait;
    return {
      ...between(step.from, target),
      ...(update && { revision: update }),
      phase,
      message: state.message,
    };
  }
  if (step?.kind === 'runs') {
    const { judgement, from } = step;
    const { record, gates, message, step: name } = judgement;
    const isVerifying = gates.length > 0;
    return {
      ...between(from, target),
      ...(update && { revision: update }),
      ...recordStatus(record),
      phase: record.failure ? 'RollingBack' : isVerifying ? 'Verifying' : 'RollingOut',
      message: record.failure?.message ?? message,
      ...(name !== undefined && { step: name }),
      ...(gates.length > 0 && { gates: gates.map((gate) => ({ ...gate })) }),
    };
  }
  const [last] = endedUpgrades(revisions);
  if (!last) return undefined;
  return {
    ...between(named(last.upgrade.from), last),
    ...recordStatus(last.upgrade),
    phase: last.upgrade.outcome ?? 'Succeeded',
  };
}

function between(from: Revision | undefined, to: Revision | undefined): UpgradeStatus {
  return {
    ...(to && {
      revision: to.name,
      version: namedVersion(to.content.effective),
      image: to.content.effective.image,
    }),
    ...(from && {
      fromRevision: from.name,
      fromVersion: namedVersion(from.content.effective),
      fromImage: from.content.effective.image,
    }),
  };
}

function recordStatus({
  startedAt,
  finishedAt,
  steps,
  plan,
  fact,
  proof,
  failure,
}: UpgradeRecord): UpgradeStatus {
  return {
    startedAt: timestamp(new Date(startedAt)),
    ...given('finishedAt', finishedAt),
    ...given('failedAt', failure?.at),
    ...(failure && { failure: failure.reason, step: failure.step, message: failure.message }),
    steps: steps.map((step) => ({
      name: step.name,
      ...given('startedAt', step.startedAt),
      ...given('settledAt', step.settledAt),
      ...given('passedAt', step.passedAt),
    })),
    plan: { ...plan },
    ...(fact && { fact: { ...fact } }),
    ...(proof && { proof: proofStatus(proof) }),
  };
}

function proofStatus({ from, until, longestGapMs, ...counts }: UpgradeProof) {
  return {
    ...given('from', from),
    ...given('until', until),
    ...counts,
    longestGapMilliseconds: Math.round(longestGapMs),
  };
}

/** A time as a field, if it is known. */
function given(name: string, ms: number | undefined): Readonly<Record<string, string>> {
  return ms ? { [name]: timestamp(new Date(ms)) } : {};
}

/** Whether the last upgrade succeeded, with the reason. */
export function upgradeSucceeded(upgrade: UpgradeStatus | undefined): ConditionUpdate {
  const type = 'UpgradeSucceeded';
  const {
    phase = '',
    version = '',
    fromVersion = '',
    failure,
    message = '',
    proof,
    revision = '',
  } = upgrade ?? {};
  switch (phase) {
    case '':
    case 'Superseded':
      return { type, status: 'True', reason: 'NoUpgrade', message: 'No upgrade has failed.' };
    case 'Succeeded': {
      if (!proof) {
        const text = `Upgraded to ${version} without a proof, because the prober was not enabled (spec.prober.enabled).`;
        return { type, status: 'True', reason: 'NotVerified', message: text };
      }
      const { acknowledged, lost, duplicated, reordered } = proof;
      const text = `Upgraded to ${version}: of ${acknowledged} acknowledged messages ${lost} lost, ${duplicated} duplicated, ${reordered} reordered.`;
      return { type, status: 'True', reason: 'Verified', message: text };
    }
    case 'RollingBack':
    case 'RolledBack': {
      const back =
        phase === 'RolledBack' ? 'The cluster was rolled back' : 'The cluster is being rolled back';
      const text = `The upgrade to ${version} failed at ${upgrade?.step} (${failure}): ${message}. ${back} to ${fromVersion} (${upgrade?.fromImage}). It is not tried again until the spec changes, or openimctl upgrade resume is run; revision ${revision}.`;
      return { type, status: 'False', reason: phase, message: text };
    }
    default:
      return { type, status: 'Unknown', reason: phase, message: `${message}.` };
  }
}
