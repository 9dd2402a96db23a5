import type { Pod, Stored } from '@im/kube';

/** Reasons of a waiting container that are no fault as long as they pass. */
const PASSING = new Set(['ContainerCreating', 'PodInitializing']);

/** Whether a pod takes part: it runs, is ready, and nobody has asked it to go. */
export function isReady(pod: Stored<Pod>): boolean {
  return pod.metadata.deletionTimestamp === undefined && hasCondition(pod, 'Ready');
}

/** Whether somebody has asked a pod to go. */
export function isTerminating(pod: Stored<Pod>): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

/** Why a pod is not ready, in words for a person; undefined for one that is. */
export function podProblem(pod: Stored<Pod>): string | undefined {
  if (isTerminating(pod)) return 'is being stopped';
  if (isReady(pod)) return undefined;
  const fault = podFault(pod);
  if (fault !== undefined) return fault;
  for (const { state, lastState, restartCount } of pod.status?.containerStatuses ?? []) {
    if (state?.running && restartCount > 0) {
      const code = lastState?.terminated?.exitCode;
      return `starts again${code === undefined ? '' : ` after exit code ${code}`}`;
    }
  }
  if (pod.status?.phase === 'Pending') return 'is being created';
  return pod.status?.reason ?? 'is not ready yet';
}

/** What keeps a pod from running, where more than time is needed: no node, no image, a process that ends. */
export function podFault(pod: Stored<Pod>): string | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False')
    return `cannot be placed: ${scheduled.message ?? scheduled.reason ?? ''}`;
  for (const { state, lastState } of pod.status?.containerStatuses ?? []) {
    if (state?.waiting?.reason !== undefined && !PASSING.has(state.waiting.reason)) {
      const last = lastState?.terminated;
      const ended = last === undefined ? '' : `, ended last with exit code ${last.exitCode}`;
      return `${state.waiting.reason}${ended}${detail(state.waiting.message ?? last?.message)}`;
    }
    if (state?.terminated)
      return `ended with exit code ${state.terminated.exitCode}${detail(state.terminated.message)}`;
  }
  return undefined;
}

/** Longest part of a container's last words that is told. */
const DETAIL_LENGTH = 300;

function detail(message: string | undefined): string {
  if (message === undefined || message.trim() === '') return '';
  return `: ${message.trim().replace(/\s+/g, ' ').slice(-DETAIL_LENGTH)}`;
}

function hasCondition(pod: Stored<Pod>, type: string): boolean {
  return (
    pod.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ??
    false
  );
}
