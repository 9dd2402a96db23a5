import type { UpgradeRecord } from '../../../resources/upgrade-record.ts';
import type { Observation } from '../observation/observation.ts';

/** Writes of a record that the connections of a draining gateway may cause. */
const WRITES = 20;

/**
 * Connections that each old gateway has closed, or is about to close, as far as its drain has started; undefined when there
 * are none. Small changes are left out while a drain goes on, so that few writes record it; a pure function.
 */
export function movedConnections(
  { moved: known, plan }: Pick<UpgradeRecord, 'moved' | 'plan'>,
  oldGateways: readonly string[],
  reports: Observation['reports'],
): UpgradeRecord['moved'] {
  const moved: Record<string, number> = { ...known };
  for (const pod of oldGateways) {
    const gateway = reports.get(pod)?.status.gateway;
    if (!gateway?.draining) continue;
    const { connections, movedConnections } = gateway;
    const before = moved[pod];
    // Versions that do not count what they close: what was there at the beginning.
    const now =
      movedConnections === undefined ? Math.max(before ?? 0, connections) : movedConnections + connections;
    const isSmall = Math.abs(now - (before ?? 0)) < plan.reconnects / WRITES;
    if (before === undefined || connections === 0 || !isSmall) moved[pod] = now;
  }
  return Object.keys(moved).length === 0 ? undefined : moved;
}

/** Connections that moved in an upgrade. */
export function sumOfMoved({ moved = {} }: Pick<UpgradeRecord, 'moved'>): number {
  return Object.values(moved).reduce((sum, count) => sum + count, 0);
}
