import type { ProcessStatus } from '@im/contract';
import { DEPLOYMENT, type Deployment, type KubeClient, POD, type Pod, type Stored } from '@im/kube';
import { ANNOTATION, nameOf, REVISION_LABEL } from '../../resources/names.ts';
import { gatewayService } from '../../resources/services.ts';
import { gatewayDeployment, type WorkloadInput } from '../../resources/workloads.ts';
import type { ManifestApplier } from './children.ts';
import {
  type GatewayAction,
  type GatewayDeployment,
  type GatewayPlan,
  type GatewayPod,
  planGateways,
} from './gateway-plan.ts';
import { isReady, isTerminating } from './pod-problem.ts';
import type { ProcessApi } from './process-api.ts';

/** Decides which pod of a ReplicaSet goes first when replicas fall: the one that costs least. */
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const CHEAPEST = '-1000';

export interface GatewaysDeps {
  readonly client: KubeClient;
  readonly applier: ManifestApplier;
  readonly processes: ProcessApi;
  /** Key of the cluster, which actions need. */
  readonly rpcKey: string;
  /** Tells people what was done. */
  readonly tell: (reason: string, message: string) => void;
}

/** The gateways as they are. */
export interface GatewaysNow {
  readonly deployments: readonly Stored<Deployment>[];
  readonly pods: readonly Stored<Pod>[];
  /** Revision in the selector of the Service. */
  readonly selected: string | undefined;
  readonly processes: ReadonlyMap<string, ProcessStatus>;
}

/** Takes one step towards the wanted gateways. Level-triggered: all that it knows is in the cluster. */
export async function reconcileGateways(
  deps: GatewaysDeps,
  input: WorkloadInput,
  target: string,
  now: GatewaysNow,
  signal: AbortSignal,
): Promise<GatewayPlan> {
  const { effective } = input;
  const plan = planGateways({
    target,
    replicas: effective.gateway.replicas,
    deployments: now.deployments.map(deploymentView),
    pods: now.pods.map((pod) => podView(pod, now.processes)),
    selected: now.selected,
    now: Date.now(),
    drainDeadlineMs: effective.gateway.drain.deadlineSeconds * 1_000,
  });
  for (const action of plan.actions) await carryOut(deps, input, now, action, signal);
  return plan;
}

async function carryOut(
  { client, applier, processes, rpcKey, tell }: GatewaysDeps,
  input: WorkloadInput,
  now: GatewaysNow,
  action: GatewayAction,
  signal: AbortSignal,
): Promise<void> {
  const { owner, effective } = input;
  const namespace = owner.namespace;
  switch (action.kind) {
    case 'scale': {
      const existing = now.deployments.find((each) => revisionOf(each) === action.revision);
      if (existing) {
        const patch = { spec: { replicas: action.replicas } };
        // Only the state that was looked at may be scaled: replicas are never lowered on old news.
        const guarded = { ...patch, metadata: { resourceVersion: existing.metadata.resourceVersion } };
        await client.patch(DEPLOYMENT, { namespace, name: existing.metadata.name }, guarded, { signal });
      } else {
        await applier.apply(gatewayDeployment(input, action.replicas), signal);
      }
      tell(
        'GatewaysScaled',
        `Revision ${action.revision} has ${action.replicas} gateways now: ${action.why}.`,
      );
      return;
    }
    case 'select':
      await applier.apply(gatewayService(owner, effective, action.revision), signal);
      tell('GatewaysSelected', `New connections go to gateways of revision ${action.revision}.`);
      return;
    case 'drain':
      await annotate(
        client,
        namespace,
        action.pod,
        {
          [ANNOTATION.drainSince]: new Date().toISOString(),
        },
        now,
        signal,
      );
      await askPod(now, action.pod, (host) =>
        processes.drain({ host, key: rpcKey }, effective.gateway.drain.deadlineSeconds, signal),
      );
      tell('GatewayDraining', `${action.pod} moves its connections away: ${action.why}.`);
      return;
    case 'undrain':
      await annotate(
        client,
        namespace,
        action.pod,
        { [ANNOTATION.drainSince]: null, [DELETION_COST]: null },
        now,
        signal,
      );
      await askPod(now, action.pod, (host) => processes.undrain({ host, key: rpcKey }, signal));
      tell('GatewayKept', `${action.pod} takes connections again: ${action.why}.`);
      return;
    case 'mark':
      await annotate(client, namespace, action.pod, { [DELETION_COST]: CHEAPEST }, now, signal);
      return;
    case 'remove':
      await client.delete(
        DEPLOYMENT,
        { namespace, name: nameOf.gatewayRevision(owner.name, action.revision) },
        { signal },
      );
      tell('GatewayRevisionRemoved', `Revision ${action.revision} has no gateway left.`);
      return;
    default:
      throw new TypeError(`unknown step ${action satisfies never}`);
  }
}

async function annotate(
  client: KubeClient,
  namespace: string,
  pod: string,
  annotations: Record<string, string | null>,
  now: GatewaysNow,
  signal: AbortSignal,
): Promise<void> {
  const known = now.pods.find(({ metadata }) => metadata.name === pod)?.metadata.annotations ?? {};
  // A drain that was begun keeps its beginning, and with it its deadline.
  const changed = Object.fromEntries(
    Object.entries(annotations).filter(
      ([key, value]) => !(key === ANNOTATION.drainSince && value !== null && known[key] !== undefined),
    ),
  );
  if (Object.keys(changed).length === 0) return;
  await client.patch(POD, { namespace, name: pod }, { metadata: { annotations: changed } }, { signal });
}

/** Asks a process; one that cannot be asked is asked again at the next step, as nothing of it is remembered. */
async function askPod(now: GatewaysNow, name: string, ask: (host: string) => Promise<void>): Promise<void> {
  const host = now.pods.find(({ metadata }) => metadata.name === name)?.status?.podIP;
  if (host === undefined) return;
  await ask(host).catch(() => undefined);
}

function revisionOf(object: Stored<Deployment> | Stored<Pod>): string {
  return object.metadata.labels?.[REVISION_LABEL] ?? '';
}

function deploymentView(deployment: Stored<Deployment>): GatewayDeployment {
  const { spec, status, metadata } = deployment;
  return {
    revision: revisionOf(deployment),
    replicas: spec?.replicas ?? 1,
    existing: status?.replicas ?? 0,
    available: status?.availableReplicas ?? 0,
    observed: (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0),
  };
}

function podView(pod: Stored<Pod>, processes: GatewaysNow['processes']): GatewayPod {
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
