import {
  answers,
  BLIND_MS,
  connectionsOf,
  drainEnd,
  type GatewayAction,
  type GatewayDeployment,
  type GatewayPlan,
  type GatewayPod,
  type GatewayState,
  type GatewayWait,
  GIVE_UP_MS,
  isHanging,
  silentSince,
  type Victim,
} from './gateway-state.ts';
import { chooseVictims, evicted, incomplete, targetSize } from './gateway-victims.ts';

/** Time for pods to become ready until the operator warns, ms; as the progress deadline of Deployments. */
const READY_MS = 600_000;
/** Time for the replacement of a gateway until that gateway drains without one, ms. */
const REPLACEMENT_MS = 300_000;
/** Deadlines after which a gateway whose drain does not start is removed. */
const ATTEMPTS = 3;

/**
 * The next step towards the wanted gateways, such that no connection is cut without a drain: the new revision is
 * created next to the old one; the Service is switched; then old pods are drained and deleted, a few at a time. Pods
 * that are too many, or that have to leave their node, go in the same way, the latter after their replacement is ready.
 * No wait is endless: a pod that does not drain by its deadline is deleted, and one that hangs holds up no other.
 */
export function planGateways(state: GatewayState): GatewayPlan {
  const own = state.deployments.find(({ revision }) => revision === state.target);
  return own ? new Planner(state, own).plan() : firstStep(state);
}

function firstStep(state: GatewayState): GatewayPlan {
  const { target, deployments, selected } = state;
  const isFirst = deployments.length === 0;
  const why = isFirst ? 'first revision' : 'new revision';
  return {
    actions: [
      { kind: 'scale', revision: target, replicas: targetSize(state), why },
      ...(isFirst || selected === undefined ? [{ kind: 'select', revision: target } as const] : []),
    ],
    waiting: [{ reason: 'Creating', message: `creating gateways of revision ${target}`, subject: target }],
    overdue: hanging(state),
    draining: evicted(state),
    complete: false,
  };
}

/** Makes one plan. */
class Planner {
  readonly #state: GatewayState;
  readonly #own: GatewayDeployment;
  readonly #actions: GatewayAction[] = [];
  readonly #waiting: GatewayWait[] = [];
  readonly #overdue: GatewayWait[];

  constructor(state: GatewayState, own: GatewayDeployment) {
    this.#state = state;
    this.#own = own;
    this.#overdue = hanging(state);
  }

  plan(): GatewayPlan {
    const { deployments, pods, target, selected } = this.#state;
    const victims = chooseVictims(this.#state, this.#own);
    this.#scaleTarget(victims.size);

    const isVictim = new Set(victims.list.map(({ pod }) => pod));
    const staying = pods.filter(
      (pod) => pod.revision === target && pod.terminatingUntil === undefined && !isVictim.has(pod),
    );
    const readyCount = staying.filter(({ ready }) => ready).length;
    const targetReady = this.#own.observed && readyCount >= targetSize(this.#state);
    const selectedExists = deployments.some(({ revision }) => revision === selected);
    if (selected !== target && (targetReady || !selectedExists)) {
      this.#actions.push({ kind: 'select', revision: target });
    }
    const useless = this.#deleteUseless();
    const old = victims.list.filter(({ pod }) => !useless.has(pod.revision));
    for (const pod of pods) if (!isVictim.has(pod)) this.#undrain(pod);

    const { draining, drained } = this.#drain(old, targetReady, readyCount);
    for (const deployment of deployments) this.#deleteDrained(deployment, drained);
    if (!targetReady) this.#waiting.unshift(notReady(this.#state, staying, readyCount));
    this.#waiting.push(...victims.waiting);
    return {
      actions: this.#actions,
      waiting: this.#waiting,
      overdue: this.#overdue,
      draining: [...draining, ...evicted(this.#state)],
      complete:
        this.#actions.length === 0 &&
        this.#waiting.length === 0 &&
        targetReady &&
        victims.list.length === 0 &&
        deployments.length === 1,
    };
  }

  /** Pods that are missing; pods that are too many but were never made need no drain. */
  #scaleTarget(size: number): void {
    const { replicas, revision, observed, existing } = this.#own;
    const pods = this.#state.pods.filter(
      (pod) => pod.revision === revision && pod.terminatingUntil === undefined,
    );
    const made = Math.max(size, pods.length, existing);
    if (replicas < size) {
      this.#actions.push({ kind: 'scale', revision, replicas: size, why: 'scale-out' });
    } else if (observed && replicas > made) {
      this.#actions.push({ kind: 'scale', revision, replicas: made, why: 'pods that do not exist yet' });
    }
  }

  /** Revisions without clients: those without pods, and those that never served. */
  #deleteUseless(): Set<string> {
    const { deployments, pods, target, selected } = this.#state;
    const useless = new Set<string>();
    for (const { revision, replicas, existing } of deployments) {
      if (revision === target) continue;
      if (replicas === 0) {
        useless.add(revision);
        if (existing === 0) this.#actions.push({ kind: 'deleteRevision', revision });
        continue;
      }
      if (revision === selected) continue;
      const alive = pods.filter((pod) => pod.revision === revision && pod.terminatingUntil === undefined);
      if (!alive.every((pod) => this.#isWithoutClients(pod))) continue;
      useless.add(revision);
      const why = 'no pod of it serves a client, and none is to';
      this.#actions.push({ kind: 'scale', revision, replicas: 0, why });
    }
    return useless;
  }

  #isWithoutClients(pod: GatewayPod): boolean {
    return pod.idle || (!pod.ready && answers(pod, this.#state) && connectionsOf(pod) === 0);
  }

  /** Cancels the drain of a pod that stays, also one whose cancellation was lost. */
  #undrain(pod: GatewayPod): void {
    if (pod.terminatingUntil !== undefined) return;
    if (pod.drainSince !== undefined || (pod.status?.gateway?.draining && answers(pod, this.#state))) {
      this.#actions.push({ kind: 'undrain', pod: pod.name, why: 'it is to stay' });
    }
  }

  /** Starts and repeats drains within the budget. @returns those that drain, and those that are done. */
  #drain(victims: readonly Victim[], targetReady: boolean, readyCount: number) {
    const isStarted = ({ pod }: Victim) => pod.drainSince !== undefined;
    const draining = victims.filter((victim) => isStarted(victim) && !victim.pod.idle);
    const drained: Victim[] = [];
    let budget = this.#state.maxConcurrent - draining.length - evicted(this.#state).length;
    for (const victim of victims) {
      if (isStarted(victim)) {
        if (this.#isDrained(victim)) drained.push(victim);
        else this.#continueDrain(victim);
      } else if (this.#mayGo(victim, targetReady, readyCount)) {
        if (victim.pod.idle) drained.push(victim);
        else if (budget > 0 || victim.reason === 'Spot') {
          budget--;
          draining.push(victim);
          const end = this.#newEnd(victim.pod);
          this.#actions.push(drainAction(victim, end));
          this.#waiting.push(waitFor(victim, end, 'starts draining'));
        }
      }
    }
    return { draining, drained };
  }

  /** Whether the others suffice without a pod. */
  #mayGo(victim: Victim, targetReady: boolean, readyCount: number): boolean {
    const { pod, reason } = victim;
    const { selected, target } = this.#state;
    if (pod.revision !== target) {
      // Those that leave their node go anyway; a revision that has not proven itself gets no connection by a drain.
      if (reason === 'Revision' && this.#state.holdsDrains) {
        this.#waiting.push({
          reason: 'UpgradeGate',
          message: `${pod.name} keeps its connections until the gates behind the gateway canary are passed`,
          subject: pod.name,
        });
        return false;
      }
      const isReplaced = (selected === target && targetReady) || reason === 'Spot';
      return isReplaced && (reason !== 'Revision' || this.#isKnown(pod));
    }
    if (reason === 'ScaleIn') return targetReady || pod.idle;
    return targetReady || reason === 'Spot' || this.#isReplacementOverdue(victim, readyCount);
  }

  /** Whether the replacement of a pod of the target revision takes so long that the pod drains without it. */
  #isReplacementOverdue({ pod, why }: Victim, readyCount: number): boolean {
    const { pods, target, now } = this.#state;
    const replacements = pods.filter(
      (each) => each.revision === target && each.terminatingUntil === undefined && !each.ready,
    );
    const since = Math.min(...replacements.map(({ createdAt }) => createdAt), now);
    const until = since + REPLACEMENT_MS;
    const overdue = now > until && readyCount > 0;
    const [first] = replacements;
    const missing = first ? `waiting for ${first.name}` : 'waiting for a replacement';
    const message = `${pod.name} is to leave (${why}); ${missing}, then it drains`;
    const wait = { reason: 'ReplacementNotReady', message, subject: pod.name, since, until };
    if (overdue) this.#overdue.push(wait);
    else this.#waiting.push(wait);
    return overdue;
  }

  /** Whether an old gateway reports its connections, or has not for so long that it does not matter. */
  #isKnown(pod: GatewayPod): boolean {
    if (!pod.ready || answers(pod, this.#state)) return true;
    const wait = incomplete(this.#state, [pod]);
    if (this.#state.now > silentSince(pod, this.#state) + BLIND_MS) {
      this.#overdue.push(wait);
      return true;
    }
    this.#waiting.push(wait);
    return false;
  }

  /** Repeats the request to a pod that does not drain although it should. */
  #continueDrain(victim: Victim): void {
    const { now, drainDeadlineMs } = this.#state;
    const { pod } = victim;
    const end = drainEnd(pod, this.#state);
    const gateway = answers(pod, this.#state) ? pod.status?.gateway : undefined;
    if (gateway && !gateway.draining) {
      // Another operator may have stopped between annotation and request: then the drain starts only now.
      const renewed = now < end ? end : Math.min(now + drainDeadlineMs, this.#lastEnd(pod));
      this.#actions.push(drainAction(victim, renewed));
    } else if (end > this.#newEnd(pod)) {
      this.#actions.push(drainAction(victim, this.#newEnd(pod)));
    }
    const left = gateway
      ? `is draining: ${gateway.connections} connections left, about ${Math.ceil(gateway.drainEtaSeconds)} s`
      : 'is draining, but does not answer';
    this.#waiting.push(waitFor(victim, end + GIVE_UP_MS, left));
  }

  /** Whether a victim holds no connection, or is past its deadline. */
  #isDrained({ pod }: Victim): boolean {
    if (pod.idle) return true;
    const { now } = this.#state;
    const gateway = pod.status?.gateway;
    if (gateway?.draining && gateway.connections === 0) return true;
    const end = drainEnd(pod, this.#state);
    if (answers(pod, this.#state)) {
      const last = gateway?.draining ? end : this.#lastEnd(pod);
      return now > last + GIVE_UP_MS;
    }
    return now > Math.max(end, silentSince(pod, this.#state)) + GIVE_UP_MS;
  }

  /** Deletes the victims of a revision that are drained; before that they are marked for its ReplicaSet. */
  #deleteDrained(deployment: GatewayDeployment, victims: readonly Victim[]): void {
    const { revision, replicas } = deployment;
    const drained = victims.filter(({ pod }) => pod.revision === revision);
    if (drained.length === 0) return;
    for (const victim of drained) this.#warnIfCut(victim);
    const alive = this.#state.pods.filter(
      (pod) => pod.revision === revision && pod.terminatingUntil === undefined,
    ).length;
    const unmarked = drained.filter(({ pod }) => !pod.marked);
    for (const { pod, why } of unmarked) this.#actions.push({ kind: 'mark', pod: pod.name, why });
    const names = drained.map(({ pod }) => pod.name).join(', ');
    this.#waiting.push({ reason: 'Deleting', message: `deleting ${names}`, subject: names });
    // More pods than replicas: an earlier deletion is not over, or not seen yet, and must not be counted twice.
    if (unmarked.length > 0 || !deployment.observed || alive > replicas) return;
    // The replacement of a pod that is asked to leave is not there without the number that includes both.
    if (this.#actions.some((action) => action.kind === 'scale' && action.revision === revision)) return;
    const pods = drained.map(({ pod }) => pod);
    const reasons = [...new Set(drained.map(({ why }) => why))].join('; ');
    this.#actions.push({ kind: 'deletePods', revision, pods, replicas, why: reasons });
  }

  #warnIfCut({ pod, why }: Victim): void {
    if (pod.idle || connectionsOf(pod) === 0) return;
    const until = drainEnd(pod, this.#state);
    const state = answers(pod, this.#state) ? 'still holds connections' : 'does not answer';
    const message = `${pod.name} ${state} past the deadline of its drain and is deleted: ${why}`;
    this.#overdue.push({
      reason: 'DrainDeadlineExceeded',
      message,
      subject: pod.name,
      since: pod.drainSince,
      until,
    });
  }

  /** End of a drain that starts now, ms since the epoch. */
  #newEnd({ node }: GatewayPod): number {
    const { now, drainDeadlineMs } = this.#state;
    return now + Math.min(drainDeadlineMs, node?.withinMs ?? drainDeadlineMs);
  }

  /** Time up to which the drain of a pod that does not start is tried again, ms since the epoch. */
  #lastEnd({ drainSince }: GatewayPod): number {
    const { now, drainDeadlineMs } = this.#state;
    return (drainSince ?? now) + ATTEMPTS * drainDeadlineMs;
  }
}

function drainAction({ pod, reason, why }: Victim, until: number): GatewayAction {
  return { kind: 'drain', pod: pod.name, reason, until, why };
}

function waitFor({ pod, why }: Victim, until: number, state: string): GatewayWait {
  const message = `${pod.name} ${state} (${why})`;
  return { reason: 'Draining', message, subject: pod.name, since: pod.drainSince, until };
}

function notReady(state: GatewayState, staying: readonly GatewayPod[], ready: number): GatewayWait {
  const unready = staying.filter((pod) => !pod.ready);
  const since = unready.length === 0 ? undefined : Math.min(...unready.map(({ createdAt }) => createdAt));
  const named = unready[0] ? `; waiting for ${unready[0].name}` : '';
  return {
    reason: 'GatewaysNotReady',
    message: `${ready} of ${targetSize(state)} gateways of revision ${state.target} ready${named}`,
    subject: unready[0]?.name ?? state.target,
    since,
    until: since === undefined ? undefined : since + READY_MS,
  };
}

/** Pods that should have stopped by now. */
function hanging({ pods, now }: GatewayState): GatewayWait[] {
  return pods
    .filter((pod) => isHanging(pod, now))
    .map(({ name, terminatingUntil }) => ({
      reason: 'TerminationOverdue',
      message: `${name} does not stop, its node is probably dead; the others go on without it. If the node is gone for good: kubectl delete pod ${name} --force`,
      subject: name,
      until: terminatingUntil,
    }));
}
