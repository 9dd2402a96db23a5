import type { GatewayStatus, ProberStatus, ProcessStatus } from '@im/contract';
import type { CheckResult } from '../../../checks/check.ts';
import type { Observation } from './observation.ts';

/**
 * The part of an observation whose change triggers a reconcile at once. Figures that move all the time count in steps
 * of a twentieth; the reconcile at rest reads the rest.
 */
export function essence({ processes, stores, silentGateways }: Observation): unknown {
  return {
    silentGateways,
    processes: [...processes].map(([pod, status]) => ({ pod, ...withSteps(status) })),
    stores: Object.entries(stores).map(([store, result]) => [store, withFill(result)]),
  };
}

/** The result of a check with the size of the message log in percent. */
function withFill(result: CheckResult): unknown {
  if (!result.ok) return result;
  const { logBytes = 0, logMaxBytes = 0, ...detail } = result.detail;
  return { ...detail, logMaxBytes, fill: Math.floor((100 * logBytes) / logMaxBytes) };
}

/** Without the tenants of the process, which have a controller for themselves. */
function withSteps({
  gateway,
  transfer,
  eventLoopDelayMs,
  rssBytes: _,
  tenants: __,
  prober,
  ...rest
}: ProcessStatus): object {
  return {
    ...rest,
    ...(prober && { prober: findingsOf(prober) }),
    ...(gateway && { gateway: gatewaySteps(gateway, eventLoopDelayMs) }),
    ...(transfer && { transfer: { ...transfer, lagRecords: step(transfer.lagRecords) } }),
  };
}

/** What is wrong; all other counts rise all the time. */
function findingsOf({ lost, duplicated, reordered, other }: ProberStatus): unknown {
  return { lost, duplicated, reordered, other };
}

function gatewaySteps(
  { connections, draining, handshakesPerSecond }: GatewayStatus,
  eventLoopDelayMs: number,
): unknown {
  return {
    connections: step(connections),
    draining,
    handshakes: largeStep(handshakesPerSecond),
    delay: largeStep(eventLoopDelayMs),
  };
}

/** Equal for small figures, and for those that differ by less than about a half. */
function largeStep(figure: number): number {
  return figure <= 20 ? 0 : Math.round(Math.log(figure / 20) / Math.log(1.5));
}

/** Equal for figures that differ by less than about a twentieth; small ones count exactly. */
function step(figure: number): number {
  return figure <= 20 ? figure : 20 + Math.round(Math.log(figure / 20) / Math.log(1.05));
}
