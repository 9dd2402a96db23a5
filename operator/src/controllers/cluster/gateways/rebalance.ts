import type { EffectiveRebalance } from '../../../resources/autoscaling.ts';
import type { ShedOrder } from '../observation/process-api.ts';
import type { GatewayLoad } from './gateway-load.ts';

/** Connections that one gateway is to shed. */
export interface Shed extends ShedOrder {
  readonly pod: string;
  readonly host: string;
}

/** Duration of one order, s. */
export const REBALANCE_SECONDS = 60;
/** Excess below which connections stay. */
const MIN_EXCESS = 10;

/**
 * The orders for the next minute: each gateway sheds what it has above the tolerance of the mean, at most a part of its
 * connections per minute.
 * @param calm whether all ready gateways have answered and no connections are being drained; otherwise orders are
 * cancelled
 */
export function planRebalance(
  { mode, tolerancePercent, maxPercentPerMinute }: EffectiveRebalance,
  gateways: readonly GatewayLoad[],
  calm: boolean,
): Shed[] {
  const receiving = gateways.filter(({ receives, selected }) => receives && selected);
  const shedding = gateways.filter(({ shedRemaining }) => shedRemaining > 0);
  const cancel = shedding.flatMap(({ pod, host }) => order(pod, host, 0, 1));
  if (mode === 'Off' || !calm) return cancel;
  if (receiving.length < 2 || shedding.length > 0) return [];
  const mean = receiving.reduce((sum, { connections }) => sum + connections, 0) / receiving.length;
  const most = mean * (1 + tolerancePercent / 100);
  return receiving.flatMap(({ pod, host, connections }) => {
    const excess = Math.floor(connections - most);
    if (excess < MIN_EXCESS) return [];
    const perMinute = Math.max(1, Math.floor((connections * maxPercentPerMinute) / 100));
    const count = Math.min(excess, perMinute);
    return order(pod, host, count, Math.max(1, Math.ceil(count / REBALANCE_SECONDS)));
  });
}

function order(pod: string, host: string | undefined, count: number, maxPerSecond: number): Shed[] {
  return host === undefined ? [] : [{ pod, host, count, maxPerSecond }];
}
