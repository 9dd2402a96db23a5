import type { Bus, LogInfo } from '@im/bus';
import { LOG_SHARE } from '@im/contract';
import { coveredUntil, LOOK_BACK_MS, replayBounds } from './dedup-restore.ts';
import { toStreamPosition } from './log-epoch.ts';
import { slowest } from './ownership.ts';
import type { Repos } from './repos.ts';

/** How much of the log is kept behind the slowest partition while there is room: twice what any replay reads, and a margin. */
const KEPT_MS = 30 * 60_000;
/** Between two purges while there is room. */
const INTERVAL_MS = 60_000;

type PurgeRepos = Pick<Repos, 'cursors' | 'dedupBlocks'>;

/** Whether the log is so full that it keeps only what a replay needs. */
function isTight({ bytes, maxBytes }: LogInfo): boolean {
  return maxBytes > 0 && bytes >= LOG_SHARE.tight * maxBytes;
}

/**
 * Removes what no replay will ever read, of the log and of the dedup keys: what is older than 30 minutes,
 * or, in a log that is filling up, everything but the last seconds behind the slowest partition. Any
 * process may do it.
 * @returns the position that is now the first; undefined when nothing was removed.
 */
export async function purgeLog(bus: Bus, repos: PurgeRepos): Promise<number | undefined> {
  return purge(bus, repos, await bus.log.info());
}

async function purge(bus: Bus, repos: PurgeRepos, info: LogInfo): Promise<number | undefined> {
  const cursors = await repos.cursors.read();
  const least = slowest(cursors);
  if (least === undefined) return undefined;
  const keptFromMs = least.appliedTime - KEPT_MS;
  await repos.dedupBlocks.removeBefore(keptFromMs);
  const folded = toStreamPosition(cursors.epoch, least.applied);
  if (folded < info.firstPosition) return undefined;
  const partitions = cursors.partitions.map(({ partition }) => partition);
  const fromMs = isTight(info) ? await replayedFrom(repos, partitions, least.appliedTime) : keptFromMs;
  const kept = await bus.log.firstSince(fromMs);
  // The record at the cursor stays: by it a log that lost its tail is recognized.
  const first = Math.min(kept?.position ?? 0, folded);
  if (first <= info.firstPosition) return undefined;
  await bus.log.purgeBefore(first);
  return first;
}

/** Log time from which on a replay may read, whichever process takes over: before it, the stored dedup keys say everything. */
async function replayedFrom(
  { dedupBlocks }: PurgeRepos,
  partitions: readonly number[],
  appliedTime: number,
): Promise<number> {
  const { fromMs, limitMs } = replayBounds(appliedTime);
  const until = coveredUntil(await dedupBlocks.stretches(fromMs), partitions, fromMs);
  return Math.min(until, limitMs) - LOOK_BACK_MS;
}

/** Decides when to purge: every minute, and at every poll while the log is filling up. */
export class Purger {
  readonly #bus: Bus;
  readonly #repos: PurgeRepos;
  #purgedAt = Number.NEGATIVE_INFINITY;

  constructor(bus: Bus, repos: PurgeRepos) {
    this.#bus = bus;
    this.#repos = repos;
  }

  /**
   * Purges when it is time.
   * @param now own monotonic clock, ms. @returns what {@link purgeLog} does.
   */
  async poll(now: number): Promise<number | undefined> {
    const info = await this.#bus.log.info();
    if (!isTight(info) && now - this.#purgedAt < INTERVAL_MS) return undefined;
    this.#purgedAt = now;
    return purge(this.#bus, this.#repos, info);
  }
}
