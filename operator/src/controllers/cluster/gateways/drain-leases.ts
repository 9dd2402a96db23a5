import type { EffectiveSpec } from '../../../resources/effective.ts';
import type { DrainOrder, ProcessApi } from '../observation/process-api.ts';
import { drainPace, type PaceMemory, type Receiver } from './drain-pace.ts';
import { answers, drainEnd, type GatewayPod, type GatewayState, type Victim } from './gateway-state.ts';

/** Validity of a pace, s: three looks. Without renewal a gateway falls back to the pace of its config. */
const TTL_SECONDS = 6;
/** Time between the end of the drain of a terminating pod and the end of its grace period, ms. */
const STOP_MS = 30_000;

/** What a renewal is about. */
export interface LeaseInput {
  readonly key: string;
  readonly state: GatewayState;
  readonly draining: readonly Victim[];
  readonly gateway: EffectiveSpec['gateway'];
  readonly rpcKey: string;
  /** Address of a pod by its name. */
  readonly hostOf: (pod: string) => string | undefined;
}

/** Gives draining gateways their pace, which every look renews. */
export class DrainLeases {
  readonly #processes: Pick<ProcessApi, 'drain'>;
  readonly #memories = new Map<string, PaceMemory>();

  constructor(processes: Pick<ProcessApi, 'drain'>) {
    this.#processes = processes;
  }

  /** Sends every draining gateway its pace. Failures are ignored: the next look repeats it. */
  async renew(input: LeaseInput, signal: AbortSignal): Promise<void> {
    const { key, rpcKey, hostOf } = input;
    const orders = this.#orders(input);
    if (orders.size === 0) this.#memories.delete(key);
    await Promise.all(
      [...orders].map(async ([pod, order]) => {
        const host = hostOf(pod);
        if (host === undefined) return;
        await this.#processes.drain({ host, key: rpcKey }, order, signal).catch(() => undefined);
      }),
    );
  }

  /** Drops what is kept about a deleted cluster. */
  forget(key: string): void {
    this.#memories.delete(key);
  }

  #orders({ key, state, draining, gateway }: LeaseInput): Map<string, DrainOrder> {
    const pods = draining.map(({ pod }) => pod).filter((pod) => answers(pod, state) && isDraining(pod));
    const pace = drainPace(
      {
        receivers: receiversOf(state, gateway.maxConnectionsPerPod),
        drains: pods.map((pod) => ({
          name: pod.name,
          remaining: pod.status?.gateway?.connections ?? 0,
          until: endOf(pod, state),
        })),
        handshakeBudget: gateway.handshakes.ratePerSecond,
        maxPerSecond: gateway.drain.maxConnectionsPerSecond,
        now: state.now,
      },
      this.#memories.get(key),
    );
    this.#memories.set(key, pace.memory);
    return new Map(
      pods.map((pod) => [
        pod.name,
        {
          until: endOf(pod, state),
          maxPerSecond: pace.perSecond.get(pod.name) ?? 1,
          ttlSeconds: TTL_SECONDS,
        },
      ]),
    );
  }
}

function isDraining({ status }: GatewayPod): boolean {
  return status?.gateway?.draining === true && status.gateway.connections > 0;
}

function endOf(pod: GatewayPod, state: GatewayState): number {
  return pod.terminatingUntil === undefined ? drainEnd(pod, state) : pod.terminatingUntil - STOP_MS;
}

/** Gateways that the Service sends clients of draining ones to. One that does not answer offers nothing. */
function receiversOf(state: GatewayState, maxConnections: number): Receiver[] {
  return state.pods.flatMap((pod) => {
    const gateway = pod.status?.gateway;
    if (!gateway || !pod.ready || pod.revision !== state.selected || !answers(pod, state)) return [];
    if (gateway.draining || pod.terminatingUntil !== undefined) return [];
    return [
      {
        connections: gateway.connections,
        maxConnections: gateway.maxConnections ?? maxConnections,
        handshakesPerSecond: gateway.handshakesPerSecond,
        refusedPerSecond: gateway.refusedPerSecond,
        loginP99Ms: gateway.loginP99Ms,
        eventLoopDelayMs: pod.status?.eventLoopDelayMs ?? 0,
      },
    ];
  });
}
