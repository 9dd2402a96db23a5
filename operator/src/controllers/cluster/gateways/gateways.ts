import type { Metrics } from '@im/kit';
import { type Deployment, keyOf, type Stored } from '@im/kube';
import type { Logger } from '@im/process';
import type { EffectiveSpec } from '../../../resources/effective.ts';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import { nameOf } from '../../../resources/names.ts';
import { numberOrShare } from '../../../resources/quantity.ts';
import { gatewayService } from '../../../resources/services.ts';
import { gatewayDeployment, gatewayRevision, type WorkloadInput } from '../../../resources/workloads.ts';
import type { NodeNotices } from '../observation/nodes.ts';
import type { Observation } from '../observation/observation.ts';
import type { ObservedCluster } from '../observation/observed-cluster.ts';
import { deploymentState, hasEnded, podState } from '../observation/observed-gateways.ts';
import type { Observer } from '../observation/observer.ts';
import { Warnings } from '../status/warnings.ts';
import { DrainLeases } from './drain-leases.ts';
import { type ActionDeps, GatewayActions, needsPause } from './gateway-actions.ts';
import { planGateways } from './gateway-plan.ts';
import type { GatewayPlan, GatewayState } from './gateway-state.ts';
import { Rebalancer } from './rebalancer.ts';

/** Dependencies of {@link GatewayReconciler}. */
export interface GatewayDeps extends ActionDeps {
  readonly observer: Observer;
  readonly nodes: Pick<NodeNotices, 'of'>;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** What one step of the gateways is about. */
export interface GatewayStep {
  readonly cluster: Stored<OpenIMCluster>;
  readonly observed: ObservedCluster;
  readonly input: WorkloadInput;
  /** Key of the cluster, which drains need. */
  readonly rpcKey: string;
  /** Whether all other stages of the rollout are complete; until then the serving revision is kept. */
  readonly othersComplete: boolean;
  /** Whether gateways of the revision before keep their connections for now. @default false */
  readonly holdsDrains?: boolean;
}

/** What is kept about a cluster between steps; losing it costs requests alone. */
interface Memory {
  /**
   * Revision that the Service was switched to, until the local copy shows the change: an apply with the revision before
   * would disconnect clients twice.
   */
  selection?: string | undefined;
  /** Since when its gateways are polled, ms since the epoch. */
  observingSince: number;
  /** Deployments whose number of pods has its own field manager, by uid. */
  readonly claimed: Set<string>;
  /** Pods whose last request failed, by name. */
  readonly failing: Set<string>;
}

/** What setting Deployments back is about. */
interface Restoration {
  /** Revision of the spec. */
  readonly wanted: string;
  readonly deployments: readonly Stored<Deployment>[];
  readonly input: WorkloadInput;
  readonly memory: Memory;
  readonly actions: GatewayActions;
}

/** Takes the gateways of clusters towards the wanted state, one step per call. */
export class GatewayReconciler {
  readonly #deps: GatewayDeps;
  readonly #memories = new Map<string, Memory>();
  readonly #warnings: Warnings;
  readonly #leases: DrainLeases;
  readonly #rebalancer: Rebalancer;

  constructor(deps: GatewayDeps) {
    this.#deps = deps;
    this.#warnings = new Warnings(deps.events);
    this.#leases = new DrainLeases(deps.processes);
    this.#rebalancer = new Rebalancer(deps);
  }

  /** Takes one step. @returns the plan, and the revision that it works towards. */
  async reconcile(
    { cluster, observed, input, rpcKey, othersComplete, holdsDrains = false }: GatewayStep,
    signal: AbortSignal,
  ): Promise<{ plan: GatewayPlan; revision: string }> {
    const { applier, observer, nodes } = this.#deps;
    const { owner, effective } = input;
    const key = keyOf(cluster);
    const observation = observer.observationOf(key);
    const memory = this.#memoryOf(key, observation);
    const selected = selectedRevision(memory, observed);
    const wanted = gatewayRevision(input);
    // The revision in the selector changes step by step; the rest of the Service at once.
    if (selected !== undefined) await applier.apply(gatewayService(owner, effective, selected), signal);
    const deployments = observed.gatewayDeployments();
    const pods = observed.gatewayPods().filter((pod) => !hasEnded(pod));
    for (const name of memory.failing) {
      if (!pods.some(({ metadata }) => metadata.name === name)) memory.failing.delete(name);
    }
    const { failing } = memory;
    const actions = new GatewayActions(this.#deps, { cluster, input, rpcKey, deployments, pods, failing });
    const restored = await this.#restore({ wanted, deployments, input, memory, actions }, signal);
    const serving = deployments.some(
      ({ metadata }) => metadata.name === nameOf.gatewayRevision(owner.name, selected ?? ''),
    );
    const target = othersComplete || !serving || selected === undefined ? wanted : selected;
    const now = Date.now();
    const state: GatewayState = {
      target,
      ...limitsOf(effective),
      deployments: restored.map(deploymentState),
      pods: pods.map((pod) => podState(pod, observation.reports, nodes.of(pod.spec?.nodeName))),
      selected,
      holdsDrains,
      now,
      observingSince: memory.observingSince,
    };
    const plan = planGateways(state);
    for (const action of plan.actions) {
      await actions.execute(action, signal);
      if (action.kind === 'select') memory.selection = action.revision;
    }
    const hostOf = (name: string) => pods.find(({ metadata }) => metadata.name === name)?.status?.podIP;
    const { draining } = plan;
    await this.#leases.renew({ key, state, draining, gateway: effective.gateway, rpcKey, hostOf }, signal);
    this.#warnings.update(cluster, [...plan.overdue, ...plan.waiting], now);
    await this.#rebalancer.step({ cluster, observed, settings: effective.gateway.rebalance, rpcKey }, signal);
    return { plan: target === wanted ? plan : { ...plan, complete: false }, revision: target };
  }

  /** Drops what is kept about a deleted cluster. */
  forget(key: string): void {
    this.#memories.delete(key);
    this.#warnings.forget(key);
    this.#leases.forget(key);
    this.#rebalancer.forget(key);
  }

  /**
   * Sets Deployments back when others have changed them: that of the wanted revision as a whole, of which only the number
   * is the plan's; the others are paused, so that no change of their template replaces a pod.
   * @returns them as they are then: their controller has to observe a change before a rollout is complete.
   */
  async #restore(
    { wanted, deployments, input, memory, actions }: Restoration,
    signal: AbortSignal,
  ): Promise<readonly Stored<Deployment>[]> {
    const restored: Stored<Deployment>[] = [];
    for (const deployment of deployments) {
      const { uid } = deployment.metadata;
      let current: Stored<Deployment> | undefined = deployment;
      if (!memory.claimed.has(uid) || needsPause(deployment)) {
        current = await actions.claim(deployment, signal);
        // It has changed since the copy was made, and is claimed by the next step.
        if (!current) {
          restored.push({ ...deployment, status: { ...deployment.status, observedGeneration: 0 } });
          continue;
        }
        memory.claimed.add(uid);
      }
      if (deployment.metadata.name === nameOf.gatewayRevision(input.owner.name, wanted)) {
        const { object, outcome } = await this.#deps.applier.apply(gatewayDeployment(input), signal);
        if (outcome === 'changed') current = object;
      }
      restored.push(current);
    }
    return restored;
  }

  #memoryOf(key: string, { observedAt }: Observation): Memory {
    let memory = this.#memories.get(key);
    if (!memory) {
      memory = { observingSince: Date.now(), claimed: new Set(), failing: new Set() };
      this.#memories.set(key, memory);
    }
    // A new leader has no reports yet, whatever it knew when it led before.
    if (observedAt === undefined) memory.observingSince = Date.now();
    return memory;
  }
}

function selectedRevision(memory: Memory, observed: ObservedCluster): string | undefined {
  const shown = observed.selectedRevision();
  if (shown === memory.selection) memory.selection = undefined;
  return memory.selection ?? shown;
}

/** Numbers of the spec for the plan. */
function limitsOf({
  gateway,
}: EffectiveSpec): Pick<GatewayState, 'replicas' | 'drainDeadlineMs' | 'maxConcurrent' | 'maxSurge'> {
  const { replicas, drain, rollout } = gateway;
  return {
    replicas,
    drainDeadlineMs: drain.deadlineSeconds * 1_000,
    maxConcurrent: Math.max(1, Math.floor(numberOrShare(drain.maxConcurrentPods, replicas))),
    maxSurge: Math.max(1, Math.ceil(numberOrShare(rollout.maxSurge, replicas))),
  };
}
