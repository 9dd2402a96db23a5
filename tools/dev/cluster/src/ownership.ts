import type { Cluster } from './cluster.ts';

/** Sum of the partitions that the transfers believe to own: more than there are when two own the same. */
export async function foldedPartitions(cluster: Cluster): Promise<number> {
  const transfers = cluster.processes.filter(
    (each) => each.pid !== undefined && each.plan.roles.some((role) => role === 'transfer' || role === 'all'),
  );
  const owned = await Promise.all(
    transfers.map(async (each) => (await each.metrics()).sum('openim_transfer_partitions')),
  );
  return owned.reduce((sum, count) => sum + count, 0);
}
