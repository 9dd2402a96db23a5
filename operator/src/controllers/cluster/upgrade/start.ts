import type { OpenIMClusterSpec } from '../../../gen/openimcluster.ts';
import type { RolloutState } from '../observation/observation.ts';
import { isOpen, nextOpening } from './windows.ts';

/** Stage of a cluster whose upgrade has not started. */
export const UPGRADE_WAITS = 'upgrade';

/** Why an upgrade does not start yet. */
export interface StartWait {
  readonly phase: 'Paused' | 'WaitingForApproval' | 'WaitingForWindow' | 'Queued';
  readonly state: RolloutState;
  readonly againAfterMs: number;
}

/** Time until the next look at what a person decides, or a process reports, ms; a change is noticed at once. */
const LOOK_MS = 60_000;

/** An operator that has just become leader does not know yet what the processes report. */
export const UNOBSERVED: StartWait = {
  phase: 'Queued',
  state: {
    stage: UPGRADE_WAITS,
    message: 'waiting for the first report of the processes',
    reason: 'Queued',
  },
  againAfterMs: LOOK_MS,
};

/**
 * What an upgrade waits for before its first pod is replaced; a pure function.
 * @param approved revision that a person has approved.
 */
export function startWait(
  { paused, mode = 'Automatic', windows }: NonNullable<OpenIMClusterSpec['upgrade']>,
  revision: string,
  approved: string | undefined,
  now: number,
): StartWait | undefined {
  const wait = (phase: StartWait['phase'], message: string, againAfterMs = LOOK_MS): StartWait => ({
    phase,
    state: { stage: UPGRADE_WAITS, message, reason: phase },
    againAfterMs,
  });
  if (paused) {
    return wait('Paused', 'paused; remove spec.upgrade.paused, or run openimctl upgrade resume');
  }
  if (mode === 'Supervised' && approved !== revision) {
    const message = `waiting for approval; see openimctl upgrade plan, then run openimctl upgrade approve, or annotate the cluster with openim.io/approve=${revision}`;
    return wait('WaitingForApproval', message);
  }
  if (isOpen(windows, now)) return undefined;
  const opens = nextOpening(windows ?? [], now);
  const when =
    opens === undefined
      ? 'none opens within eight days'
      : `the next one opens at ${new Date(opens).toISOString()}`;
  return wait(
    'WaitingForWindow',
    `waiting for a window of spec.upgrade.windows: ${when}`,
    Math.min(LOOK_MS, (opens ?? now + LOOK_MS) - now),
  );
}
