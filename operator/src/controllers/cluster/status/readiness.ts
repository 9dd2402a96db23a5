import type { ConditionUpdate } from '@im/kube';
import { isRefused } from '../objects.ts';
import type { StatusInput } from '../observation/observation.ts';
import { isTerminating, podFault } from './pod-problem.ts';

/** Age of a fault from which on a rollout counts as stalled, ms. */
export const STALLED_MS = 120_000;

/** Whether the cluster serves, whatever is being rolled out: by stores, workloads and the flow of messages. */
export function available(parts: readonly ConditionUpdate[]): ConditionUpdate {
  const type = 'Available';
  const bad = parts.filter(({ status }) => status !== 'True');
  const [first] = bad;
  if (!first)
    return { type, status: 'True', reason: 'AllAvailable', message: 'All components are available.' };
  // Stores come first: other failures are often only their consequence.
  const others = bad.slice(1).map((part) => part.type);
  const message = `${first.type}: ${first.message}${others.length === 0 ? '' : ` (also: ${others.join(', ')})`}`;
  const status = bad.some((part) => part.status === 'False') ? 'False' : 'Unknown';
  return { type, status, reason: first.reason, message };
}

/** What the condition Ready is made of. */
export interface ReadyInput {
  readonly input: StatusInput;
  /** The condition Available; undefined during deletion. */
  readonly serving: ConditionUpdate | undefined;
  readonly rolling: ConditionUpdate;
  /** The condition Stalled. */
  readonly fault: ConditionUpdate;
  /** Generation of the spec that was rolled out last. */
  readonly completed: number | undefined;
}

/**
 * True when the observed generation of the spec is rolled out and the cluster is available. Unknown while the
 * generation is being rolled out, as kstatus and the health checks of GitOps tools expect it; False for a fault.
 */
export function ready({ input, serving, rolling, fault, completed }: ReadyInput): ConditionUpdate {
  const type = 'Ready';
  if (!serving) return { type, status: 'False', reason: 'Deleting', message: rolling.message };
  if (fault.status === 'True') return { ...fault, type, status: 'False' };
  if (serving.status === 'False' && completed !== undefined) return { ...serving, type };
  if (completed !== input.generation) {
    const message = `The spec is being rolled out: ${rolling.message}`;
    return { type, status: 'Unknown', reason: rolling.reason, message };
  }
  return { ...serving, type };
}

/** True, as in kstatus, while the operator works on the cluster and is not stalled. */
export function reconciling(rolling: ConditionUpdate, fault: ConditionUpdate): ConditionUpdate {
  const type = 'Reconciling';
  if (fault.status === 'True') return { ...fault, type, status: 'False' };
  return { ...rolling, type };
}

/** True, as in kstatus, when the spec will not be reached without an intervention. */
export function stalled(input: StatusInput, rolling: ConditionUpdate): ConditionUpdate {
  const type = 'Stalled';
  const { refusal, rollout, pods, missing = {}, now, deleting } = input;
  if (refusal && !deleting) return { type, status: 'True', ...refusal };
  for (const name of ['objects', 'rollout', 'gateways'] as const) {
    const report = deleting ? undefined : input.aspects?.[name];
    if (!report?.stalled) continue;
    const { reason, message } = report.problems.find(isRefused) ?? report.waiting ?? rolling;
    return { type, status: 'True', reason, message };
  }
  const since = now.getTime() - STALLED_MS;
  const isStuck =
    rollout.stage !== undefined &&
    ((rolling.reason === 'PodsRefused' && Object.values(missing).some((each) => each.since < since)) ||
      (rolling.reason === 'PodsFailing' &&
        pods.some(
          (pod) =>
            !isTerminating(pod) &&
            podFault(pod) !== undefined &&
            Date.parse(pod.metadata.creationTimestamp ?? '') < since,
        )));
  if (isStuck) return { ...rolling, type, status: 'True' };
  return { type, status: 'False', reason: 'NoFault', message: 'No intervention is needed.' };
}
