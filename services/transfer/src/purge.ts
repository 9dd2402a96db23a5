import type { Bus } from '@im/bus';
import { slowest } from './ownership.ts';
import type { Repos } from './repos.ts';

/** How much of the log is kept behind the slowest partition: twice what any replay reads, and a margin. */
const KEPT_MS = 30 * 60_000;

/** Removes what no replay will ever read, of the log and of the dedup keys. Any process may do it. @returns the position that is now the first. */
export async function purgeLog(
  bus: Bus,
  { cursors, dedupBlocks }: Pick<Repos, 'cursors' | 'dedupBlocks'>,
): Promise<number | undefined> {
  const least = slowest(await cursors.read());
  if (least === undefined) return undefined;
  await dedupBlocks.removeBefore(least.appliedTime - KEPT_MS);
  const kept = await bus.log.firstSince(least.appliedTime - KEPT_MS);
  if (kept === undefined) return undefined;
  const { firstPosition } = await bus.log.info();
  if (kept.position <= firstPosition) return undefined;
  await bus.log.purgeBefore(kept.position);
  return kept.position;
}
