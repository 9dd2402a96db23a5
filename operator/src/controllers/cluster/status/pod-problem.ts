import { isPodReady, type Pod, type Stored } from '@im/kube';

/** Reasons of a waiting container that are transient. */
const TRANSIENT = new Set(['ContainerCreating', 'PodInitializing']);

/** Whether a pod is ready and not terminating. */
export function isReady(pod: Stored<Pod>): boolean {
  return pod.metadata.deletionTimestamp === undefined && isPodReady(pod);
}

/** Whether a pod is being deleted. */
export function isTerminating(pod: Stored<Pod>): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

/** Why a pod is not ready, for messages; undefined for a ready pod. */
export function podProblem(pod: Stored<Pod>): string | undefined {
  if (isTerminating(pod)) return 'is terminating';
  if (isReady(pod)) return undefined;
  const fault = podFault(pod);
  if (fault !== undefined) return fault;
  for (const { state, lastState, restartCount } of pod.status?.containerStatuses ?? []) {
    if (state?.running && restartCount > 0) {
      const code = lastState?.terminated?.exitCode;
      return `is restarting${code === undefined ? '' : ` after exit code ${code}`}`;
    }
  }
  if (pod.status?.phase === 'Pending') return 'is being created';
  return pod.status?.reason ?? 'is not ready yet';
}

/** What keeps a pod from running and needs an intervention: no node, no image, a process that exits. */
export function podFault(pod: Stored<Pod>): string | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False')
    return `cannot be scheduled: ${scheduled.message ?? scheduled.reason ?? ''}`;
  for (const { state, lastState } of pod.status?.containerStatuses ?? []) {
    if (state?.waiting?.reason !== undefined && !TRANSIENT.has(state.waiting.reason)) {
      const last = lastState?.terminated;
      const ended = last === undefined ? '' : `, last exit code ${last.exitCode}`;
      return `${state.waiting.reason}${ended}${detail(state.waiting.message ?? last?.message)}`;
    }
    if (state?.terminated)
      return `exited with code ${state.terminated.exitCode}${detail(state.terminated.message)}`;
  }
  return undefined;
}

/** Most characters of a container's termination message that are shown. */
const DETAIL_LENGTH = 300;

function detail(message: string | undefined): string {
  if (message === undefined || message.trim() === '') return '';
  return `: ${message.trim().replace(/\s+/g, ' ').slice(-DETAIL_LENGTH)}`;
}
