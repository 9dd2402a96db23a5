import { DEDUP_ENTRY_BYTES, type DedupBlock, type DedupBlockRepo, type DedupStretch } from '@im/store';
import { type DedupWindow, GENERATION_MS, windowStart } from './dedup-window.ts';

const KEY_BYTES = 16;

/** Deliveries from this long before the cursor are made again: what is kept of them lives in memory. */
export const REDELIVER_MS = 5_000;
/**
 * Reading begins this much before the time that is wanted: after a change of the stream's leader, log
 * times may step back by as much as the clocks of its servers differ.
 */
export const LOOK_BACK_MS = 5_000;

/** What a replay behind a cursor of `appliedTime` needs: all keys from `fromMs` on, and the records from `limitMs` on. */
export function replayBounds(appliedTime: number): { readonly fromMs: number; readonly limitMs: number } {
  const limitMs = appliedTime - REDELIVER_MS;
  return { fromMs: Math.min(windowStart(appliedTime), limitMs), limitMs };
}

/**
 * Up to which log time (not included) the stretches cover all of the partitions without a hole,
 * beginning at `fromMs`; `fromMs` itself when they do not.
 */
export function coveredUntil(
  stretches: readonly DedupStretch[],
  partitions: readonly number[],
  fromMs: number,
): number {
  const reached = new Map(partitions.map((partition) => [partition, fromMs]));
  for (const stretch of [...stretches].sort((a, b) => a.fromMs - b.fromMs)) {
    for (const partition of stretch.partitions) {
      const at = reached.get(partition);
      if (at !== undefined && stretch.fromMs <= at) reached.set(partition, Math.max(at, stretch.toMs));
    }
  }
  return Math.min(...reached.values());
}

/**
 * Fills an empty window with what was noted from `fromMs` on, as far as it is known without a hole,
 * but not beyond `limitMs`.
 * @returns log time from which on the records themselves must be read.
 */
export async function restoreWindow(
  window: DedupWindow,
  repo: DedupBlockRepo,
  partitions: readonly number[],
  { fromMs, limitMs }: { readonly fromMs: number; readonly limitMs: number },
): Promise<number> {
  const until = Math.min(coveredUntil(await repo.stretches(fromMs), partitions, fromMs), limitMs);
  if (until <= fromMs) return fromMs;
  const wanted = new Set(partitions);
  const blocks: DedupBlock[] = [];
  for await (const block of repo.blocks(fromMs)) {
    if (block.fromMs < until && block.partitions.some((partition) => wanted.has(partition)))
      blocks.push(block);
  }
  // Blocks overlap, but a window takes keys by generation, in order.
  const [first, last] = [fromMs, until - 1].map((ms) => Math.floor(ms / GENERATION_MS));
  for (let generation = first ?? 0; generation <= (last ?? 0); generation++) {
    for (const block of blocks) noteGeneration(window, block, generation, { fromMs, until });
  }
  return until;
}

function noteGeneration(
  window: DedupWindow,
  { baseMs, keys }: DedupBlock,
  generation: number,
  bounds: { readonly fromMs: number; readonly until: number },
): void {
  const view = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
  for (let at = 0; at + DEDUP_ENTRY_BYTES <= keys.length; at += DEDUP_ENTRY_BYTES) {
    const timeMs = baseMs + view.getUint32(at + KEY_BYTES);
    if (timeMs < bounds.fromMs || timeMs >= bounds.until) continue;
    if (Math.floor(timeMs / GENERATION_MS) === generation)
      window.seen(keys.subarray(at, at + KEY_BYTES), timeMs);
  }
}
