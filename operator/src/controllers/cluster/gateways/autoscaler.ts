import type { Gauge, Metrics } from '@im/kit';
import { type EventRecorder, keyOf, type Stored, timestamp } from '@im/kube';
import type { OpenIMClusterStatusAutoscaling } from '../../../gen/openimcluster.ts';
import type { EffectiveSpec } from '../../../resources/effective.ts';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import type { ObservedCluster } from '../observation/observed-cluster.ts';
import type { Observer } from '../observation/observer.ts';
import { gatewayLoads, isRollingOut } from './gateway-load.ts';
import { type GatewayTarget, gatewayTarget } from './gateway-target.ts';
import { emptyHistory, type ScalingHistory } from './scaling-policy.ts';

/** Dependencies of {@link GatewayAutoscaler}. */
export interface AutoscalerDeps {
  readonly observer: Observer;
  readonly events: EventRecorder;
  readonly metrics: Metrics;
  /** Current time, ms since the epoch. @default Date.now */
  readonly now?: () => number;
}

/** A decision on the number of gateways. */
export interface AutoscalingDecision {
  /** With the number of gateways in force. */
  readonly effective: EffectiveSpec;
  /** Undefined without autoscaling. */
  readonly status?: OpenIMClusterStatusAutoscaling | undefined;
  /** Time after which the decision may differ although nothing has changed, ms. */
  readonly againAfterMs: number;
}

/** What is known of one cluster while this operator leads. */
interface Memory {
  history: ScalingHistory;
  replicas: number;
  /** When connections were last being moved, ms since the epoch. */
  movedAt: number;
  lastUp?: string | undefined;
  lastDown?: string | undefined;
}

/** Time for which handshakes are counted after the last one, ms; see `handshakesPerSecond`. */
const SETTLE_MS = 15_000;
/** Longest time between decisions, ms: windows need continuous observation. */
const AGAIN_MS = 10_000;
/** Time after which a limited decision is made again, ms. */
const LIMITED_MS = 5_000;

const LIMITED: ReadonlySet<GatewayTarget['reason']> = new Set([
  'ScaleUpStabilized',
  'ScaleUpLimited',
  'ScaleDownLimited',
]);

type ClusterLabels = 'namespace' | 'cluster';

/** Decides on the number of gateways of clusters with `spec.gateway.autoscaling`. */
export class GatewayAutoscaler {
  readonly #deps: AutoscalerDeps;
  readonly #memories = new Map<string, Memory>();
  readonly #gauges: readonly [
    desired: Gauge<ClusterLabels>,
    current: Gauge<ClusterLabels>,
    frozen: Gauge<ClusterLabels>,
  ];

  constructor(deps: AutoscalerDeps) {
    this.#deps = deps;
    const { metrics } = deps;
    this.#gauges = [
      metrics.gauge('openim_operator_gateways_desired', 'Gateways that autoscaling has decided on', [
        'namespace',
        'cluster',
      ]),
      metrics.gauge('openim_operator_gateways_current', 'Gateways that accept connections', [
        'namespace',
        'cluster',
      ]),
      metrics.gauge('openim_operator_gateways_frozen', '1 while autoscaling must not remove gateways', [
        'namespace',
        'cluster',
      ]),
    ];
  }

  /** Decides for one cluster, from what is observed now. */
  decide(
    cluster: Stored<OpenIMCluster>,
    observed: ObservedCluster,
    effective: EffectiveSpec,
  ): AutoscalingDecision {
    const key = keyOf(cluster);
    const { autoscaling, rebalance } = effective.gateway;
    if (!autoscaling) {
      this.forget(key);
      return { effective, againAfterMs: rebalance.mode === 'On' ? AGAIN_MS : Number.POSITIVE_INFINITY };
    }
    const now = this.#deps.now?.() ?? Date.now();
    const observation = this.#deps.observer.observationOf(key);
    const gateways = gatewayLoads(observed.gatewayPods(), observation, observed.selectedRevision());
    const memory = this.#memoryOf(cluster, effective.gateway.replicas, now);
    if (gateways.some(({ draining, shedRemaining }) => draining || shedRemaining > 0)) memory.movedAt = now;
    const target = gatewayTarget({
      autoscaling,
      current: memory.replicas,
      gateways,
      complete: observation.complete,
      silent: observation.silentGateways,
      observed: observation.observedAt !== undefined,
      rollingOut: isRollingOut(gateways),
      moving: now - memory.movedAt < SETTLE_MS,
      history: memory.history,
      now,
    });
    this.#remember(cluster, memory, target, now);
    this.#measure(key, target, gateways.filter(({ receives }) => receives).length);
    const { replicas, reason, message, frozen } = target;
    return {
      effective: { ...effective, gateway: { ...effective.gateway, replicas } },
      status: {
        desiredReplicas: replicas,
        reason,
        message,
        ...(frozen === undefined ? {} : { frozen }),
        ...(memory.lastUp === undefined ? {} : { lastScaleUpTime: memory.lastUp }),
        ...(memory.lastDown === undefined ? {} : { lastScaleDownTime: memory.lastDown }),
      },
      againAfterMs: againAfterMs(target, now),
    };
  }

  /** Drops what is kept about a cluster. */
  forget(key: string): void {
    if (!this.#memories.delete(key)) return;
    for (const gauge of this.#gauges) gauge.remove(labelsOf(key));
  }

  #memoryOf(cluster: Stored<OpenIMCluster>, running: number, now: number): Memory {
    const key = keyOf(cluster);
    const known = this.#memories.get(key);
    if (known) return known;
    const before = cluster.status?.autoscaling;
    const memory: Memory = {
      history: emptyHistory(now),
      replicas: running,
      movedAt: 0,
      lastUp: before?.lastScaleUpTime,
      lastDown: before?.lastScaleDownTime,
    };
    this.#memories.set(key, memory);
    return memory;
  }

  #remember(cluster: Stored<OpenIMCluster>, memory: Memory, target: GatewayTarget, now: number): void {
    const { replicas, message } = target;
    const before = memory.replicas;
    memory.history = target.history;
    memory.replicas = replicas;
    if (replicas === before) return;
    const time = timestamp(new Date(now));
    if (replicas > before) memory.lastUp = time;
    else memory.lastDown = time;
    this.#deps.events.event(cluster, {
      type: 'Normal',
      reason: 'GatewaysScaled',
      message: `Autoscaling changed the number of gateways from ${before} to ${replicas}: ${message}.`,
    });
  }

  #measure(key: string, { replicas, frozen }: GatewayTarget, current: number): void {
    const [desiredGauge, currentGauge, frozenGauge] = this.#gauges;
    const labels = labelsOf(key);
    desiredGauge.set(labels, replicas);
    currentGauge.set(labels, current);
    frozenGauge.set(labels, frozen === undefined ? 0 : 1);
  }
}

function againAfterMs({ reason, until = Number.POSITIVE_INFINITY }: GatewayTarget, now: number): number {
  return Math.max(1_000, Math.min(LIMITED.has(reason) ? LIMITED_MS : AGAIN_MS, until - now));
}

function labelsOf(key: string): Readonly<Record<ClusterLabels, string>> {
  const [namespace = '', cluster = ''] = key.split('/');
  return { namespace, cluster };
}
