import { STREAM } from '@im/contract';
import type { Logger } from '@im/process';
import type { NatsLink } from './nats-link.ts';
import { readOrdered } from './ordered-reader.ts';
import { DELIVERY_SUBJECTS } from './subjects.ts';

/** Up to this many subjects the server selects, beyond it the feed. */
const MAX_FILTERS = 32;

/** Thrown when something may have been missed during a replay: it starts over, with the new state of SEQ. */
export const REPLAY_BEGINS_AGAIN = Symbol('the replay begins again');

/** The state of SEQ that a replay depends on. */
export interface KeptState {
  /** Creation time of the stream. */
  readonly created: string;
  readonly state: { readonly first_seq: number; readonly last_seq: number };
}

/** Where a replay starts, and why it cannot bring back all that was missed. */
export interface ReplayStart {
  /** Sequence in SEQ. */
  readonly start: number;
  /** `lost`: SEQ is a new one, or was set back; `expired`: what was missed first is not kept any more. */
  readonly gap?: 'lost' | 'expired';
}

/**
 * Where the replay of everything behind sequence `after` of SEQ starts; `after` is infinite when nothing was missed.
 * @param created creation time of the SEQ that `after` belongs to; '' when it is not known yet.
 */
export function replayStart(now: KeptState, after: number, created: string): ReplayStart {
  const { first_seq: first, last_seq: last } = now.state;
  if (after === Number.POSITIVE_INFINITY) return { start: last + 1 };
  if ((created !== '' && now.created !== created) || last < after) return { start: 1, gap: 'lost' };
  if (first > after + 1 && last > after) return { start: after + 1, gap: 'expired' };
  return { start: after + 1 };
}

/** What {@link readKept} reads, and for whom. */
export interface KeptRange {
  readonly subjects: readonly string[];
  /** First and last sequence in SEQ. */
  readonly start: number;
  readonly end: number;
  /** Gets each delivery of the range, in order; also of other subjects when there are many. */
  readonly onKept: (subject: string, data: Uint8Array) => void;
  /** Whether something may have been missed since it began. */
  readonly isOutdated: () => boolean;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/**
 * Reads kept deliveries.
 * @returns how many sequences were passed.
 * @throws REPLAY_BEGINS_AGAIN when it is outdated after the connection was lost.
 */
export async function readKept(link: NatsLink, range: KeptRange): Promise<number> {
  const { subjects, start, end, onKept, isOutdated, signal, log } = range;
  const done = new AbortController();
  let next = start;
  const reading = readOrdered(link, {
    stream: STREAM.deliveries,
    filters: subjects.length <= MAX_FILTERS ? subjects : DELIVERY_SUBJECTS,
    start: { sequence: start },
    onMessage: (message) => {
      if (done.signal.aborted) return;
      next = message.streamSequence + 1;
      if (message.streamSequence <= end) onKept(message.subject, message.data);
      if (message.streamSequence >= end || message.pending === 0) done.abort();
    },
    hasRoom: () => true,
    onAttach: async () => {
      if (isOutdated()) throw REPLAY_BEGINS_AGAIN;
    },
    isFinal: (error) => error === REPLAY_BEGINS_AGAIN,
    onNothing: () => done.abort(),
    signal: AbortSignal.any([signal, done.signal]),
    log,
  });
  await reading.done;
  signal.throwIfAborted();
  return Math.max(0, next - start);
}
