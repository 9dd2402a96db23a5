import type { ProcessStatus } from '@im/contract';
import { FRESH_MS } from '../observation/reports.ts';

/** Why a gateway is to go. */
export type VictimReason = 'Revision' | 'ScaleIn' | 'Cordoned' | 'Evicted' | 'Spot' | 'Manual';

/** What the node of a pod announces. */
export interface NodeNotice {
  /** `Spot`: the machine ends within seconds; `Cordoned`: the node is being emptied. */
  readonly reason: 'Cordoned' | 'Spot';
  /** For messages, such as `node n1 is cordoned`. */
  readonly message: string;
  /** Time that its pods have, ms. @default the drain deadline */
  readonly withinMs?: number | undefined;
}

/** A gateway pod as the plan sees it. */
export interface GatewayPod {
  readonly name: string;
  readonly uid: string;
  readonly revision: string;
  readonly ready: boolean;
  /** Its process cannot hold a connection: it is not scheduled, has exited, or is still starting. */
  readonly idle: boolean;
  /** It is being deleted: it drains by itself, until this time in ms since the epoch at the latest. */
  readonly terminatingUntil?: number | undefined;
  /** Created at, ms since the epoch. */
  readonly createdAt: number;
  /** Start of its drain by the operator, ms since the epoch; from its annotation. */
  readonly drainSince?: number | undefined;
  /** End of its drain, ms since the epoch; from its annotation, which versions before did not write. */
  readonly drainUntil?: number | undefined;
  /** Why the operator drains it; from its annotation. */
  readonly drainReason?: string | undefined;
  /** Reason for which a person asked to drain it; from its annotation. */
  readonly manual?: string | undefined;
  readonly node?: NodeNotice | undefined;
  /** Whether its deletion cost was read back, so that its ReplicaSet prefers it when the number decreases. */
  readonly marked: boolean;
  /** Its last status. */
  readonly status?: ProcessStatus | undefined;
  /** When it reported that status, ms since the epoch. */
  readonly reportedAt?: number | undefined;
}

/** A Deployment of one revision. */
export interface GatewayDeployment {
  readonly revision: string;
  readonly replicas: number;
  /** Pods that exist, as the Deployment's controller counts them; terminating ones are not counted. */
  readonly existing: number;
  /** Whether its controller has observed the newest spec. */
  readonly observed: boolean;
}

/** Observed and wanted state. */
export interface GatewayState {
  /** Wanted revision. */
  readonly target: string;
  /** Wanted number of pods. */
  readonly replicas: number;
  readonly deployments: readonly GatewayDeployment[];
  readonly pods: readonly GatewayPod[];
  /** Revision that the Service sends new connections to. */
  readonly selected?: string | undefined;
  /** Whether gateways of other revisions keep their connections for now. @default false */
  readonly holdsDrains?: boolean;
  readonly now: number;
  /** Longest time of a drain, ms. */
  readonly drainDeadlineMs: number;
  /** Gateways that may drain at a time. */
  readonly maxConcurrent: number;
  /** Pods of a new revision that may run in addition to the old ones. */
  readonly maxSurge: number;
  /** Since when this operator polls the gateways, ms since the epoch. */
  readonly observingSince: number;
}

/** A gateway that is to go. */
export interface Victim {
  readonly pod: GatewayPod;
  readonly reason: VictimReason;
  /** For people. */
  readonly why: string;
}

/** What a plan waits for. Past `until` the operator warns, and the plan takes the way out if there is one. */
export interface GatewayWait {
  /** CamelCase, for conditions and events. */
  readonly reason: string;
  readonly message: string;
  /** Pod or revision that it is about. */
  readonly subject: string;
  /** Ms since the epoch. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** One action. After its execution the plan is made again from the observed state. */
export type GatewayAction =
  | { readonly kind: 'scale'; readonly revision: string; readonly replicas: number; readonly why: string }
  | { readonly kind: 'select'; readonly revision: string }
  | {
      readonly kind: 'drain';
      readonly pod: string;
      readonly reason: VictimReason;
      /** Ms since the epoch. */
      readonly until: number;
      readonly why: string;
    }
  | { readonly kind: 'undrain'; readonly pod: string; readonly why: string }
  | { readonly kind: 'mark'; readonly pod: string; readonly why: string }
  | {
      /** Lowers the number of a revision, and deletes exactly these pods. */
      readonly kind: 'deletePods';
      readonly revision: string;
      readonly pods: readonly GatewayPod[];
      /** Number of pods that the decision is based on. */
      readonly replicas: number;
      readonly why: string;
    }
  | { readonly kind: 'deleteRevision'; readonly revision: string };

/** The next actions, and what is waited for. */
export interface GatewayPlan {
  readonly actions: readonly GatewayAction[];
  /** What keeps the gateways from the wanted state; the first is the one that matters most. */
  readonly waiting: readonly GatewayWait[];
  /** What is overdue without keeping anything else from going on. */
  readonly overdue: readonly GatewayWait[];
  /** Gateways that drain, terminating ones included. */
  readonly draining: readonly Victim[];
  /** Whether all pods are of the target revision and none is to be removed. */
  readonly complete: boolean;
}

/** Time after the end of a drain, and without an answer, until a pod is removed, ms. */
export const GIVE_UP_MS = 30_000;
/** Time without an answer from a ready gateway after which it may drain without its figures, ms. */
export const BLIND_MS = 60_000;

/** End of the drain of a pod, ms since the epoch. */
export function drainEnd(pod: GatewayPod, { now, drainDeadlineMs }: GatewayState): number {
  return pod.drainUntil ?? (pod.drainSince ?? now) + drainDeadlineMs;
}

/** Connections that a pod holds; undefined when unknown. */
export function connectionsOf(pod: GatewayPod): number | undefined {
  return pod.idle ? 0 : pod.status?.gateway?.connections;
}

/** Whether the pod has answered lately. */
export function answers({ status, reportedAt }: GatewayPod, { now }: GatewayState): boolean {
  return status !== undefined && reportedAt !== undefined && now - reportedAt <= FRESH_MS;
}

/** Since when the pod has not answered, ms since the epoch. */
export function silentSince(pod: GatewayPod, { observingSince }: GatewayState): number {
  return Math.max(pod.reportedAt ?? 0, pod.createdAt, observingSince);
}

/** Whether a pod that is being deleted should be gone: its node is dead, most likely. */
export function isHanging({ terminatingUntil }: GatewayPod, now: number): boolean {
  return terminatingUntil !== undefined && now > terminatingUntil + GIVE_UP_MS;
}
