import type { Cluster } from './cluster.ts';

/** Sum of the partitions that the transfer processes claim: higher than their number when two claim the same one. */
export async function foldedPartitions(cluster: Cluster): Promise<number> {
  const transfers = cluster.processes.filter(
    (each) => each.pid !== undefined && each.plan.roles.some((role) => role === 'transfer' || role === 'all'),
  );
  const owned = await Promise.all(
    transfers.map(async (each) => (await each.metrics()).sum('openim_transfer_partitions')),
  );
  return owned.reduce((sum, count) => sum + count, 0);
}
