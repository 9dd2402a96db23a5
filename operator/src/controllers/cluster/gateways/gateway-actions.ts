import { messageOf } from '@im/kit';
import {
  DEPLOYMENT,
  type Deployment,
  type EventRecorder,
  isConflict,
  type KubeClient,
  POD,
  type Pod,
  type Stored,
} from '@im/kube';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import { ANNOTATION, FIELD_MANAGER, nameOf } from '../../../resources/names.ts';
import { gatewayService } from '../../../resources/services.ts';
import { gatewayDeployment, type WorkloadInput } from '../../../resources/workloads.ts';
import type { ManifestApplier } from '../children.ts';
import { DELETION_COST } from '../observation/observed-gateways.ts';
import type { ProcessApi } from '../observation/process-api.ts';
import type { GatewayAction, GatewayPod } from './gateway-state.ts';

/**
 * Field manager of the number of gateways, and of the pause that keeps their Deployments from replacing pods: an apply
 * of the rest must not set a number that has changed in the meantime.
 */
const SCALE_MANAGER = `${FIELD_MANAGER}-scale`;
const CHEAPEST = '-1000';
/** Attempts to lower a number while the status of the Deployment changes. */
const ATTEMPTS = 5;

/** What the execution of actions needs. */
export interface ActionDeps {
  readonly client: KubeClient;
  readonly applier: ManifestApplier;
  readonly processes: ProcessApi;
  readonly events: EventRecorder;
}

/** What the actions of one step are about. */
export interface ActionContext {
  readonly cluster: Stored<OpenIMCluster>;
  readonly input: WorkloadInput;
  readonly rpcKey: string;
  readonly deployments: readonly Stored<Deployment>[];
  readonly pods: readonly Stored<Pod>[];
  /** Names of pods whose last request failed; kept between steps, so that a repeated failure makes no further event. */
  readonly failing: Set<string>;
}

/** Executes actions of a plan on one cluster. Every one may be interrupted and repeated at any point. */
export class GatewayActions {
  readonly #deps: ActionDeps;
  readonly #context: ActionContext;
  readonly #namespace: string;

  constructor(deps: ActionDeps, context: ActionContext) {
    this.#deps = deps;
    this.#context = context;
    this.#namespace = context.input.owner.namespace;
  }

  async execute(action: GatewayAction, signal: AbortSignal): Promise<void> {
    const { client, applier } = this.#deps;
    const { input } = this.#context;
    switch (action.kind) {
      case 'scale':
        return this.#scale(action, signal);
      case 'select': {
        await applier.apply(gatewayService(input.owner, input.effective, action.revision), signal);
        const message = `The Service selects gateways of revision ${action.revision} for new connections.`;
        return this.#record('GatewaysSelected', message);
      }
      case 'drain':
        return this.#drain(action, signal);
      case 'undrain':
        return this.#undrain(action, signal);
      case 'mark':
        return this.#annotate(action.pod, { [DELETION_COST]: CHEAPEST }, signal);
      case 'deletePods':
        return this.#deletePods(action, signal);
      case 'deleteRevision': {
        const name = nameOf.gatewayRevision(input.owner.name, action.revision);
        await client.delete(DEPLOYMENT, { namespace: this.#namespace, name }, { signal });
        const message = `Deleted revision ${action.revision}, which has no gateways left.`;
        return this.#record('GatewayRevisionRemoved', message);
      }
      default:
        throw new TypeError(`unknown action ${action satisfies never}`);
    }
  }

  /**
   * Makes the scale manager an owner of the number as it is, so that others may leave the field out, and pauses the
   * Deployment. @returns it as it is then; undefined when it has changed in the meantime.
   */
  async claim(deployment: Stored<Deployment>, signal: AbortSignal): Promise<Stored<Deployment> | undefined> {
    try {
      return await this.#setReplicas(deployment, deployment.spec?.replicas ?? 1, signal);
    } catch (error) {
      if (isConflict(error)) return undefined;
      throw error;
    }
  }

  async #scale(
    { revision, replicas, why }: Extract<GatewayAction, { kind: 'scale' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const { input, deployments } = this.#context;
    const name = nameOf.gatewayRevision(input.owner.name, revision);
    const existing = deployments.find(({ metadata }) => metadata.name === name);
    // The resourceVersion of the copy makes the API server refuse a decision that was based on stale state.
    if (existing) await this.#setReplicas(existing, replicas, signal);
    else await this.#deps.applier.apply(gatewayDeployment(input, replicas), signal);
    this.#record('GatewaysScaled', `Scaled revision ${revision} to ${replicas} gateways: ${why}.`);
  }

  async #drain(
    { pod, until, reason, why }: Extract<GatewayAction, { kind: 'drain' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const known = this.#pod(pod)?.metadata.annotations ?? {};
    const isNew = known[ANNOTATION.drainSince] === undefined;
    // A drain in progress keeps its start.
    const since: Record<string, string> = isNew ? { [ANNOTATION.drainSince]: new Date().toISOString() } : {};
    const end = { [ANNOTATION.drainUntil]: new Date(until).toISOString(), [ANNOTATION.drainReason]: reason };
    await this.#annotate(pod, { ...since, ...end }, signal);
    const drain = (host: string, key: string) => this.#deps.processes.drain({ host, key }, { until }, signal);
    await this.#ask(pod, drain, signal);
    if (isNew) this.#record('GatewayDraining', `${pod} started draining its connections: ${why}.`);
  }

  /** Asks first: as long as the annotation is there, a request that was lost is repeated. */
  async #undrain(
    { pod, why }: Extract<GatewayAction, { kind: 'undrain' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, processes } = this.#deps;
    const live = await client.get(POD, { namespace: this.#namespace, name: pod }, { signal });
    // It drains because it is being deleted, which the local copy does not show yet.
    if (!live || live.metadata.deletionTimestamp !== undefined) return;
    const undrain = (host: string, key: string) => processes.undrain({ host, key }, signal);
    const isDone = await this.#ask(pod, undrain, signal);
    if (!isDone) return;
    const none = [ANNOTATION.drainSince, ANNOTATION.drainUntil, ANNOTATION.drainReason, DELETION_COST];
    await this.#annotate(pod, Object.fromEntries(none.map((key) => [key, null])), signal);
    this.#record('GatewayKept', `${pod} accepts connections again: ${why}.`);
  }

  /**
   * Lowers the number, then deletes the pods by uid. The ReplicaSet would choose the same ones, which are marked; should
   * it choose others because a pod is not scheduled yet, it makes up for them.
   */
  async #deletePods(
    { revision, pods, replicas, why }: Extract<GatewayAction, { kind: 'deletePods' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const { client } = this.#deps;
    const namespace = this.#namespace;
    const name = nameOf.gatewayRevision(this.#context.input.owner.name, revision);
    const present: GatewayPod[] = [];
    for (const pod of pods) {
      const live = await client.get(POD, { namespace, name: pod.name }, { signal });
      if (live?.metadata.uid === pod.uid && live.metadata.deletionTimestamp === undefined) present.push(pod);
    }
    if (present.length === 0) return;
    for (let attempt = 1; ; attempt++) {
      const live = await client.get(DEPLOYMENT, { namespace, name }, { signal });
      // The number has changed since the decision, which is therefore void.
      if (live?.spec?.replicas !== replicas) return;
      try {
        await this.#setReplicas(live, replicas - present.length, signal);
        break;
      } catch (error) {
        if (!isConflict(error) || attempt === ATTEMPTS) throw error;
      }
    }
    const names = present.map((pod) => pod.name).join(', ');
    this.#record('GatewaysScaled', `Deleted ${names} of revision ${revision}: ${why}.`);
    for (const pod of present) {
      await client.delete(POD, { namespace, name: pod.name }, { uid: pod.uid, signal });
    }
  }

  async #setReplicas(
    deployment: Stored<Deployment>,
    replicas: number,
    signal: AbortSignal,
  ): Promise<Stored<Deployment>> {
    const { name, resourceVersion } = deployment.metadata;
    const scale: Deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace: this.#namespace, name, resourceVersion },
      // The rest of the spec belongs to others.
      spec: { replicas, ...(hasPods(deployment) ? { paused: true } : {}) } as Deployment['spec'],
    };
    return await this.#deps.client.apply(DEPLOYMENT, scale, { fieldManager: SCALE_MANAGER, signal });
  }

  async #annotate(
    name: string,
    annotations: Readonly<Record<string, string | null>>,
    signal: AbortSignal,
  ): Promise<void> {
    const known = this.#pod(name)?.metadata.annotations ?? {};
    const changed = Object.entries(annotations).filter(([key, value]) => (known[key] ?? null) !== value);
    if (changed.length === 0) return;
    const patch = { metadata: { annotations: Object.fromEntries(changed) } };
    await this.#deps.client.patch(POD, { namespace: this.#namespace, name }, patch, { signal });
  }

  /** Sends a request to a pod. @returns false when it failed; the next step repeats it. */
  async #ask(
    name: string,
    request: (host: string, key: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const pod = this.#pod(name);
    const host = pod?.status?.podIP;
    // Without a process there is nothing to cancel.
    if (host === undefined || pod?.status?.phase !== 'Running') return true;
    try {
      await request(host, this.#context.rpcKey);
      this.#context.failing.delete(name);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (this.#context.failing.has(name)) return false;
      this.#context.failing.add(name);
      const message = `${name} does not accept a request: ${messageOf(error)}. It is repeated.`;
      this.#deps.events.event(this.#context.cluster, {
        type: 'Warning',
        reason: 'GatewayRequestFailed',
        message,
      });
      return false;
    }
  }

  #pod(name: string): Stored<Pod> | undefined {
    return this.#context.pods.find(({ metadata }) => metadata.name === name);
  }

  #record(reason: string, message: string): void {
    this.#deps.events.event(this.#context.cluster, { type: 'Normal', reason, message });
  }
}

/** Whether a Deployment is to be paused and is not, or the other way round. */
export function needsPause(deployment: Stored<Deployment>): boolean {
  return (deployment.spec?.paused ?? false) !== hasPods(deployment);
}

/** A Deployment without pods may have no ReplicaSet, and makes none while it is paused. */
function hasPods({ status }: Stored<Deployment>): boolean {
  return (status?.replicas ?? 0) > 0;
}
