/** Seqs from `first` to `last`, both included. */
export interface SeqSpan {
  readonly first: number;
  readonly last: number;
}

/** Most seqs in one step: as many ids as one `$in` should carry. */
export const MAX_STEP = 1_000;
/** Seqs looked at by one read of a search. */
const PROBES = 64;

/**
 * The seqs of a span in steps, from its end when `descending`, each step in that order. Steps begin with
 * `size` seqs and double up to {@link MAX_STEP}, so that a reader who finds enough early has read little.
 */
export function* seqSteps(
  { first, last }: SeqSpan,
  options: { readonly size: number; readonly descending: boolean },
): Generator<number[]> {
  let size = Math.min(Math.max(1, options.size), MAX_STEP);
  for (let done = 0, total = last - first + 1; done < total; size = Math.min(size * 2, MAX_STEP)) {
    const length = Math.min(size, total - done);
    const from = done;
    yield Array.from({ length }, (_, i) => (options.descending ? last - from - i : first + from + i));
    done += length;
  }
}

/**
 * The lowest seq of a span for which something holds that holds for all higher ones too; undefined when it
 * holds for none. Takes three reads of 64 seqs for a span of 200,000.
 * @param holding those of the given seqs for which it holds.
 */
export async function lowestSeq(
  { first, last }: SeqSpan,
  holding: (seqs: readonly number[]) => Promise<readonly number[]>,
): Promise<number | undefined> {
  let found: number | undefined;
  let [low, high] = [first, last];
  while (low <= high) {
    const probes = spread({ first: low, last: high });
    const lowest = Math.min(...(await holding(probes)));
    if (lowest !== Number.POSITIVE_INFINITY) found = lowest;
    // Below the lowest that holds and above the probe before it; nothing is left when the end does not hold.
    low = probes.reduce((next, seq) => (seq < lowest ? seq + 1 : next), low);
    high = lowest === Number.POSITIVE_INFINITY ? 0 : lowest - 1;
  }
  return found;
}

/** At most {@link PROBES} seqs spread evenly over a span, both ends among them, rising. */
function spread({ first, last }: SeqSpan): number[] {
  const count = Math.min(PROBES, last - first + 1);
  if (count === 1) return [first];
  return Array.from({ length: count }, (_, i) => first + Math.floor((i * (last - first)) / (count - 1)));
}
