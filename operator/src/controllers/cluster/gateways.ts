import type { ProcessStatus } from '@im/contract';
import {
  DEPLOYMENT,
  type Deployment,
  type EventRecorder,
  type KubeClient,
  keyOf,
  POD,
  type Pod,
  type Stored,
} from '@im/kube';
import type { OpenIMCluster } from '../../resources/kinds.ts';
import { ANNOTATION, nameOf, REVISION_LABEL } from '../../resources/names.ts';
import { gatewayService } from '../../resources/services.ts';
import { gatewayDeployment, gatewayRevision, type WorkloadInput } from '../../resources/workloads.ts';
import type { ManifestApplier } from './children.ts';
import {
  type GatewayAction,
  type GatewayDeployment,
  type GatewayPlan,
  type GatewayPod,
  planGateways,
} from './gateway-plan.ts';
import type { ObservedCluster } from './observed-cluster.ts';
import type { Observer, ProcessApi } from './observer.ts';
import { isReady, isTerminating } from './pod-problem.ts';

/** Annotation by which a ReplicaSet chooses which pod to delete when replicas decrease: the cheapest first. */
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const CHEAPEST = '-1000';

/** Dependencies of {@link GatewayReconciler}. */
export interface GatewayDeps {
  readonly client: KubeClient;
  readonly applier: ManifestApplier;
  readonly processes: ProcessApi;
  readonly observer: Observer;
  readonly events: EventRecorder;
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
}

/** The gateways as observed. */
interface ObservedGateways {
  readonly deployments: readonly Stored<Deployment>[];
  readonly pods: readonly Stored<Pod>[];
  /** Revision in the selector of the Service. */
  readonly selected: string | undefined;
  readonly processes: ReadonlyMap<string, ProcessStatus>;
}

/** What the execution of an action needs. */
interface ActionContext {
  readonly input: WorkloadInput;
  readonly rpcKey: string;
  readonly gateways: ObservedGateways;
  readonly recordEvent: (reason: string, message: string) => void;
}

/** Takes the gateways of clusters towards the wanted state, one step per call. */
export class GatewayReconciler {
  readonly #deps: GatewayDeps;
  /**
   * Revision that a Service was switched to, by cluster, until the local copy shows the change: an apply with the
   * revision before would disconnect clients twice.
   */
  readonly #serviceSelection = new Map<string, string>();

  constructor(deps: GatewayDeps) {
    this.#deps = deps;
  }

  /** Takes one step. @returns the plan, and the revision that it works towards. */
  async reconcile(
    { cluster, observed, input, rpcKey, othersComplete }: GatewayStep,
    signal: AbortSignal,
  ): Promise<{ plan: GatewayPlan; revision: string }> {
    const { applier, observer, events } = this.#deps;
    const { owner, effective } = input;
    const key = keyOf(cluster);
    const selected = this.#selectedRevision(key, observed);
    const wanted = gatewayRevision(input);
    // The revision in the selector changes step by step; the rest of the Service at once.
    if (selected !== undefined) await applier.apply(gatewayService(owner, effective, selected), signal);
    const deployments = observed.gatewayDeployments();
    const serving = deployments.some(
      ({ metadata }) => metadata.name === nameOf.gatewayRevision(owner.name, selected ?? ''),
    );
    const target = othersComplete || !serving || selected === undefined ? wanted : selected;
    const gateways: ObservedGateways = {
      deployments,
      pods: observed.gatewayPods(),
      selected,
      processes: observer.observationOf(key).processes,
    };
    const plan = planGateways({
      target,
      replicas: effective.gateway.replicas,
      deployments: deployments.map(deploymentState),
      pods: gateways.pods.map((pod) => podState(pod, gateways.processes)),
      selected,
      now: Date.now(),
      drainDeadlineMs: effective.gateway.drain.deadlineSeconds * 1_000,
    });
    const recordEvent = (reason: string, message: string) =>
      events.event(cluster, { type: 'Normal', reason, message });
    const context = { input, rpcKey, gateways, recordEvent };
    for (const action of plan.actions) await execute(this.#deps, context, action, signal);
    for (const action of plan.actions) {
      if (action.kind === 'select') this.#serviceSelection.set(key, action.revision);
    }
    return { plan: target === wanted ? plan : { ...plan, complete: false }, revision: target };
  }

  /** Drops what is kept about a deleted cluster. */
  forget(key: string): void {
    this.#serviceSelection.delete(key);
  }

  #selectedRevision(key: string, observed: ObservedCluster): string | undefined {
    const shown = observed.selectedRevision();
    if (shown === this.#serviceSelection.get(key)) this.#serviceSelection.delete(key);
    return this.#serviceSelection.get(key) ?? shown;
  }
}

async function execute(
  { client, applier, processes }: GatewayDeps,
  { input, rpcKey, gateways, recordEvent }: ActionContext,
  action: GatewayAction,
  signal: AbortSignal,
): Promise<void> {
  const { owner, effective } = input;
  const namespace = owner.namespace;
  switch (action.kind) {
    case 'scale': {
      const existing = gateways.deployments.find((each) => revisionOf(each) === action.revision);
      if (existing) {
        const patch = { spec: { replicas: action.replicas } };
        // The resourceVersion makes the API server refuse a decision that was based on stale state.
        const guarded = { ...patch, metadata: { resourceVersion: existing.metadata.resourceVersion } };
        await client.patch(DEPLOYMENT, { namespace, name: existing.metadata.name }, guarded, { signal });
      } else {
        await applier.apply(gatewayDeployment(input, action.replicas), signal);
      }
      recordEvent(
        'GatewaysScaled',
        `Scaled revision ${action.revision} to ${action.replicas} gateways: ${action.why}.`,
      );
      return;
    }
    case 'select':
      await applier.apply(gatewayService(owner, effective, action.revision), signal);
      recordEvent(
        'GatewaysSelected',
        `The Service selects gateways of revision ${action.revision} for new connections.`,
      );
      return;
    case 'drain':
      await annotate(
        client,
        namespace,
        action.pod,
        {
          [ANNOTATION.drainSince]: new Date().toISOString(),
        },
        gateways,
        signal,
      );
      await askPod(gateways, action.pod, (host) =>
        processes.drain({ host, key: rpcKey }, effective.gateway.drain.deadlineSeconds, signal),
      );
      recordEvent('GatewayDraining', `${action.pod} started draining its connections: ${action.why}.`);
      return;
    case 'undrain':
      await annotate(
        client,
        namespace,
        action.pod,
        { [ANNOTATION.drainSince]: null, [DELETION_COST]: null },
        gateways,
        signal,
      );
      await askPod(gateways, action.pod, (host) => processes.undrain({ host, key: rpcKey }, signal));
      recordEvent('GatewayKept', `${action.pod} accepts connections again: ${action.why}.`);
      return;
    case 'mark':
      await annotate(client, namespace, action.pod, { [DELETION_COST]: CHEAPEST }, gateways, signal);
      return;
    case 'remove':
      await client.delete(
        DEPLOYMENT,
        { namespace, name: nameOf.gatewayRevision(owner.name, action.revision) },
        { signal },
      );
      recordEvent(
        'GatewayRevisionRemoved',
        `Deleted revision ${action.revision}, which has no gateways left.`,
      );
      return;
    default:
      throw new TypeError(`unknown action ${action satisfies never}`);
  }
}

async function annotate(
  client: KubeClient,
  namespace: string,
  pod: string,
  annotations: Record<string, string | null>,
  gateways: ObservedGateways,
  signal: AbortSignal,
): Promise<void> {
  const known = gateways.pods.find(({ metadata }) => metadata.name === pod)?.metadata.annotations ?? {};
  // A drain in progress keeps its start, and so its deadline.
  const changed = Object.fromEntries(
    Object.entries(annotations).filter(
      ([key, value]) => !(key === ANNOTATION.drainSince && value !== null && known[key] !== undefined),
    ),
  );
  if (Object.keys(changed).length === 0) return;
  await client.patch(POD, { namespace, name: pod }, { metadata: { annotations: changed } }, { signal });
}

/** Sends a request to a pod. Failures are ignored: the next step repeats the request. */
async function askPod(
  gateways: ObservedGateways,
  name: string,
  ask: (host: string) => Promise<void>,
): Promise<void> {
  const host = gateways.pods.find(({ metadata }) => metadata.name === name)?.status?.podIP;
  if (host === undefined) return;
  await ask(host).catch(() => undefined);
}

function revisionOf(object: Stored<Deployment> | Stored<Pod>): string {
  return object.metadata.labels?.[REVISION_LABEL] ?? '';
}

function deploymentState(deployment: Stored<Deployment>): GatewayDeployment {
  const { spec, status, metadata } = deployment;
  return {
    revision: revisionOf(deployment),
    replicas: spec?.replicas ?? 1,
    existing: status?.replicas ?? 0,
    available: status?.availableReplicas ?? 0,
    observed: (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0),
  };
}

function podState(pod: Stored<Pod>, processes: ObservedGateways['processes']): GatewayPod {
  const { metadata } = pod;
  const since = metadata.annotations?.[ANNOTATION.drainSince];
  return {
    name: metadata.name,
    revision: revisionOf(pod),
    ready: isReady(pod),
    terminating: isTerminating(pod),
    createdAt: Date.parse(metadata.creationTimestamp ?? ''),
    drainSince: since === undefined ? undefined : Date.parse(since),
    marked: metadata.annotations?.[DELETION_COST] === CHEAPEST,
    status: processes.get(metadata.name),
  };
}
