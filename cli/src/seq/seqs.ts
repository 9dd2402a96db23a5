import type { ApiTarget } from '../api-client.ts';
import { callApi } from '../api-client.ts';

/** Bounds of a conversation for one user. */
export interface SeqBounds {
  readonly conversationID: string;
  /** First seq that the user may read. */
  readonly minSeq: number;
  /** Last seq that the user may read. */
  readonly maxSeq: number;
  /** Up to where the user has read. */
  readonly hasReadSeq: number;
}

interface MaxSeqs {
  readonly maxSeqs?: Readonly<Record<string, number>> | null;
  readonly minSeqs?: Readonly<Record<string, number>> | null;
}

interface ReadSeqs {
  readonly seqs?: Readonly<Record<string, { readonly hasReadSeq?: number; readonly maxSeq?: number }>> | null;
}

/** Conversations of one question about read positions. */
const CONVERSATIONS = 100;

/** The bounds and read positions of a user's conversations, by id; of those that are named alone, where any are. */
export async function seqBounds(
  admin: ApiTarget,
  userID: string,
  only: readonly string[],
): Promise<SeqBounds[]> {
  const { maxSeqs, minSeqs } = await callApi<MaxSeqs>(admin, '/msg/newest_seq', { userID });
  const wanted = new Set(only);
  const ids = Object.keys(maxSeqs ?? {})
    .filter((id) => wanted.size === 0 || wanted.has(id))
    .sort();
  const found: SeqBounds[] = [];
  for (let at = 0; at < ids.length; at += CONVERSATIONS) {
    const conversationIDs = ids.slice(at, at + CONVERSATIONS);
    const { seqs } = await callApi<ReadSeqs>(admin, '/msg/get_conversations_has_read_and_max_seq', {
      userID,
      conversationIDs,
    });
    for (const conversationID of conversationIDs) {
      found.push({
        conversationID,
        // Absent bounds are those of a user who may read all.
        minSeq: Math.max(1, minSeqs?.[conversationID] ?? 0),
        maxSeq: maxSeqs?.[conversationID] ?? 0,
        hasReadSeq: seqs?.[conversationID]?.hasReadSeq ?? 0,
      });
    }
  }
  return found;
}

/** What reading every seq of a conversation found. */
export interface SeqAudit extends SeqBounds {
  /** Messages that were read. */
  readonly messages: number;
  /** Seqs whose message was deleted, or refused by the database. */
  readonly placeholders: number;
  /** Seqs without a message, as ranges such as `5` and `7-9`. */
  readonly gaps: readonly string[];
  /** Seqs that were answered twice in one answer. */
  readonly doubled: number;
  /** What contradicts something else, in words. */
  readonly faults: readonly string[];
}

interface Pulled {
  readonly [kind: string]: Readonly<
    Record<string, { readonly Msgs?: readonly { readonly seq: number; readonly status: number }[] | null }>
  > | null;
}

/** Status of a seq whose message is not there any more. */
const GONE = 4;
/** Seqs of one request. */
const WINDOW = 100;

/** Seqs as ranges, in order. */
export function rangesOf(seqs: Iterable<number>): string[] {
  const ranges: [number, number][] = [];
  for (const seq of [...seqs].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && last[1] === seq - 1) last[1] = seq;
    else ranges.push([seq, seq]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
}

/**
 * Reads every seq of a conversation as its user does.
 * @param from first seq, at least the user's own
 * @param onProgress called with the number of seqs that were looked at
 */
export async function auditSeqs(
  admin: ApiTarget,
  userID: string,
  bounds: SeqBounds,
  from: number,
  onProgress: (seqs: number) => void,
): Promise<SeqAudit> {
  const { conversationID, minSeq, maxSeq, hasReadSeq } = bounds;
  const gaps: number[] = [];
  let messages = 0;
  let placeholders = 0;
  let doubled = 0;
  for (let begin = Math.max(minSeq, from); begin <= maxSeq; begin += WINDOW) {
    const end = Math.min(maxSeq, begin + WINDOW - 1);
    const missing = new Set(Array.from({ length: end - begin + 1 }, (_, index) => begin + index));
    for (let before = Number.POSITIVE_INFINITY; missing.size > 0 && missing.size < before; ) {
      before = missing.size;
      // An answer may be cut where messages are large: what is missing is asked for again.
      const seqs = [...missing];
      const range = { conversationID, begin: seqs[0], end: seqs.at(-1), num: WINDOW };
      const answer = await callApi<Pulled>(admin, '/msg/pull_msg_by_seq', {
        userID,
        seqRanges: [range],
        order: 0,
      });
      const pulled = [answer.msgs, answer.notificationMsgs].flatMap(
        (byConversation) => byConversation?.[conversationID]?.Msgs ?? [],
      );
      doubled += pulled.length - new Set(pulled.map(({ seq }) => seq)).size;
      for (const { seq, status } of pulled) {
        if (!missing.delete(seq)) continue;
        if (status === GONE) placeholders += 1;
        else messages += 1;
      }
    }
    gaps.push(...missing);
    onProgress(end - begin + 1);
  }
  const faults = [
    ...(hasReadSeq > maxSeq ? [`read up to ${hasReadSeq}, beyond the last seq`] : []),
    ...(minSeq > maxSeq + 1 ? [`may read from ${minSeq} on, beyond the last seq`] : []),
    ...(doubled > 0 ? [`${doubled} seqs answered twice`] : []),
    ...(gaps.length > 0 ? [`${gaps.length} seqs without a message`] : []),
  ];
  return { ...bounds, messages, placeholders, gaps: rangesOf(gaps), doubled, faults };
}
