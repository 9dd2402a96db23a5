import type { Pod, Stored } from '@im/kube';
import { REVISION_LABEL } from '../../../resources/names.ts';
import type { Observation, Report } from '../observation/observation.ts';
import { isReady, isTerminating } from '../status/pod-problem.ts';

/** Load of one gateway, as last reported. */
export interface GatewayLoad {
  readonly pod: string;
  readonly host: string | undefined;
  readonly zone: string | undefined;
  /** Whether it accepts connections: ready, and not draining. */
  readonly receives: boolean;
  /** Whether it gives its connections to others. */
  readonly draining: boolean;
  /** Whether its revision is the one of the Service. */
  readonly selected: boolean;
  /** 0 when it has never answered. */
  readonly connections: number;
  readonly handshakesPerSecond: number;
  /** Median of the last half minute, ms. */
  readonly eventLoopDelayMs: number;
  /** Connections that it still sheds. */
  readonly shedRemaining: number;
}

const ZONE_LABEL = 'topology.kubernetes.io/zone';
/** Time over which the event-loop delay is taken, ms. */
const DELAY_WINDOW_MS = 30_000;

/** The loads of gateway pods. @param selected revision of the Service */
export function gatewayLoads(
  pods: readonly Stored<Pod>[],
  { reports, looks }: Pick<Observation, 'reports' | 'looks'>,
  selected: string | undefined,
): GatewayLoad[] {
  return pods.map((pod) => {
    const { name, labels } = pod.metadata;
    const status = reports.get(name)?.status;
    const gateway = status?.gateway;
    const draining = isTerminating(pod) || (gateway?.draining ?? false);
    return {
      pod: name,
      host: pod.status?.podIP,
      zone: labels?.[ZONE_LABEL],
      receives: isReady(pod) && !draining,
      draining,
      selected: labels?.[REVISION_LABEL] === selected,
      connections: gateway?.connections ?? 0,
      handshakesPerSecond: gateway?.handshakesPerSecond ?? 0,
      eventLoopDelayMs: medianDelay(looks.get(name) ?? []),
      shedRemaining: gateway?.shedRemaining ?? 0,
    };
  });
}

/** Whether gateways of another revision than that of the Service exist. */
export function isRollingOut(gateways: readonly GatewayLoad[]): boolean {
  return gateways.some(({ selected }) => !selected);
}

/** One slow garbage collection must not add a pod. */
function medianDelay(looks: readonly Report[]): number {
  const newest = looks.at(-1)?.at ?? 0;
  const delays = looks
    .filter(({ at }) => at > newest - DELAY_WINDOW_MS)
    .map(({ status }) => status.eventLoopDelayMs)
    .sort((a, b) => a - b);
  return delays[Math.floor((delays.length - 1) / 2)] ?? 0;
}
