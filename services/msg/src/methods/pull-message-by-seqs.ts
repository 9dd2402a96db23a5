import type { TenantId } from '@im/contract';
import type { AuditedRead } from '@im/domain';
import { requireSelf } from '@im/kit';
import {
  answerBudget,
  argsError,
  decode,
  isNotificationConversation,
  MSG_STATUS,
  make,
  type msg,
  PULL_ORDER,
  type sdkws,
} from '@im/protocol';
import type { MsgDeps, MsgMethods } from '../deps.ts';
import { AnswerBudget, type PulledPage, readPages, type Wanted } from '../pull/pages.ts';
import { rewriteQuotes } from '../pull/quotes.ts';
import { loadReadBounds, type ReadBounds, type ReadBoundsDeps } from '../pull/read-bounds.ts';
import { type Rendered, renderRow } from '../pull/render.ts';

/** Most conversations in one request; clients ask for about a hundred. */
const MAX_CONVERSATIONS = 5_000;
/** Most messages of one chat in one answer. */
const MAX_NUM = 1_000;
/** Most notifications of one conversation in one answer; the rest comes when the client asks on. */
const MAX_NOTIFICATIONS = 1_000;
/** Most seqs in one request by list. */
const MAX_SEQS = 5_000;
/** Seqs searched backwards for the last message of a conversation that still has its content. */
const LAST_LOOKBACK = 10_000;
/** Rows of them that are read at once, and how often: messages of another pair under the same id are skipped. */
const LAST_CANDIDATES = 20;
const LAST_ROUNDS = 10;
/** Conversations that are searched concurrently. */
const LAST_AT_ONCE = 10;

type PullDeps = ReadBoundsDeps & Pick<MsgDeps, 'rows' | 'readAudit'>;

function span(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}

function checkConversationCount(field: string, count: number): void {
  if (count > MAX_CONVERSATIONS) throw argsError(`${field} has more than ${MAX_CONVERSATIONS} entries`);
}

/**
 * The seqs that a range asks for, most important first; none when the range is outside of what the user may
 * read. Of a chat the last `num` count, newest first; of notifications all, oldest
 * first, since clients apply them in order and continue after the last one they got.
 */
function seqsOfRange({ min, max, conversationID }: ReadBounds, range: sdkws.SeqRange): number[] {
  const first = Math.max(range.begin, min);
  const last = Math.min(range.end, max);
  if (isNotificationConversation(conversationID))
    return span(first, Math.min(last, first + MAX_NOTIFICATIONS - 1));
  const num = Math.min(range.num, MAX_NUM);
  return span(Math.max(first, last - num + 1), last).reverse();
}

function isEndOfRange({ min, max }: ReadBounds, range: sdkws.SeqRange, order: number): boolean {
  return order === PULL_ORDER.Desc ? range.begin <= min : max <= range.end;
}

interface RangeWanted extends Wanted {
  readonly range: sdkws.SeqRange;
}

interface EncodedPage {
  readonly messages: readonly Rendered[];
  readonly isEnd: boolean;
  readonly endSeq?: number;
}

function putInto(
  answer: Pick<msg.EncodedPull, 'msgs' | 'notificationMsgs'>,
  conversationID: string,
  { messages, isEnd, endSeq = 0 }: EncodedPage,
): void {
  const target = isNotificationConversation(conversationID) ? answer.notificationMsgs : answer.msgs;
  // Two ranges of one conversation share an entry.
  const before = target[conversationID]?.Msgs ?? [];
  const Msgs = [...before, ...messages.map(({ data }) => data)];
  target[conversationID] = make('msg.EncodedMsgs', { Msgs, isEnd, endSeq });
}

/** Whether a list of seqs reaches beyond the readable messages, and where these end. */
function endOfList(
  { min, max }: ReadBounds,
  seqs: readonly number[],
  order: number,
): { isEnd: boolean; endSeq: number } {
  if (order === PULL_ORDER.Desc && seqs.some((seq) => seq < min)) return { isEnd: true, endSeq: min };
  if (order !== PULL_ORDER.Desc && seqs.some((seq) => seq > max)) return { isEnd: true, endSeq: max };
  return { isEnd: false, endSeq: 0 };
}

/** Pulls by range (1002), by list (1005), and of the last messages (1007). */
export function pullMethods(
  deps: PullDeps,
): MsgMethods<'pullMessageBySeqs' | 'getSeqMessage' | 'getLastMessage'> {
  const { rows, readAudit } = deps;
  return {
    async pullMessageBySeqs(ctx, { userID, seqRanges, order, maxAnswerBytes }) {
      requireSelf(ctx, userID);
      checkConversationCount('seqRanges', seqRanges.length);
      const ids = seqRanges.map(({ conversationID }) => conversationID);
      const boundsOf = await loadReadBounds(deps, ctx.tenant, userID, ids);
      const wanted = seqRanges.flatMap((range): RangeWanted[] => {
        const bounds = boundsOf.get(range.conversationID);
        const seqs = bounds ? seqsOfRange(bounds, range) : [];
        return bounds && seqs.length > 0 ? [{ bounds, seqs, range }] : [];
      });
      const budget = new AnswerBudget(answerBudget(maxAnswerBytes));
      const pages = await readPages(rows, ctx.tenant, userID, wanted, budget);
      const answer = make('msg.EncodedPull', { msgs: {}, notificationMsgs: {} });
      for (const [i, { bounds, seqs, range }] of wanted.entries()) {
        const { messages, cut } = pages[i] as PulledPage;
        if (messages.length === 0) continue;
        const short =
          cut ||
          (isNotificationConversation(bounds.conversationID) &&
            lastOf(seqs) < Math.min(range.end, bounds.max));
        const isEnd = !short && isEndOfRange(bounds, range, order);
        putInto(answer, bounds.conversationID, { messages, isEnd });
      }
      await readAudit.record(ctx, readOf('pullMessageBySeqs', userID, ids, messagesIn(pages)));
      return answer;
    },

    async getSeqMessage(ctx, { userID, conversations, order, maxAnswerBytes }) {
      requireSelf(ctx, userID);
      checkConversationCount('conversations', conversations.length);
      const total = conversations.reduce((sum, { seqs }) => sum + seqs.length, 0);
      if (total > MAX_SEQS) throw argsError(`conversations.seqs has more than ${MAX_SEQS} entries`);
      const ids = conversations.map(({ conversationID }) => conversationID);
      const boundsOf = await loadReadBounds(deps, ctx.tenant, userID, ids);
      const allowed = conversations.flatMap(({ conversationID, seqs }) => {
        const bounds = boundsOf.get(conversationID);
        return bounds ? [{ bounds, asked: seqs, seqs: admissible(bounds, seqs, order) }] : [];
      });
      const budget = new AnswerBudget(answerBudget(maxAnswerBytes));
      const pages = await readPages(rows, ctx.tenant, userID, allowed, budget);
      const answer = make('msg.EncodedPull', { msgs: {}, notificationMsgs: {} });
      for (const [i, { bounds, asked }] of allowed.entries()) {
        const { messages, cut } = pages[i] as PulledPage;
        const end = cut ? { isEnd: false, endSeq: 0 } : endOfList(bounds, asked, order);
        putInto(answer, bounds.conversationID, { messages, ...end });
      }
      for (const id of ids) {
        // Every requested conversation has an entry, also those without messages for this user.
        if (boundsOf.has(id)) continue;
        if (!budget.takeEntry(id)) break;
        putInto(answer, id, { messages: [], isEnd: true });
      }
      await readAudit.record(ctx, readOf('getSeqMessage', userID, ids, messagesIn(pages)));
      return answer;
    },

    async getLastMessage(ctx, { userID, conversationIDs, maxAnswerBytes, skipDeleted }) {
      requireSelf(ctx, userID);
      checkConversationCount('conversationIDs', conversationIDs.length);
      const boundsOf = await loadReadBounds(deps, ctx.tenant, userID, conversationIDs);
      const answer = make('msg.EncodedLast', { msgs: {} });
      const readable = [...boundsOf.values()].filter(({ min, max }) => max >= min);
      const newest = readable.map((bounds) => ({ bounds, seqs: [bounds.max] }));
      const budget = new AnswerBudget(answerBudget(maxAnswerBytes));
      const pages = await readPages(rows, ctx.tenant, userID, newest, budget);
      const emptied: ReadBounds[] = [];
      for (const [i, bounds] of readable.entries()) {
        const { messages, cut } = pages[i] as PulledPage;
        const [message] = messages;
        if (cut) answer.cut.push(bounds.conversationID);
        else if (message && isLast(message, skipDeleted)) answer.msgs[bounds.conversationID] = message.data;
        else emptied.push(bounds);
      }
      for (let i = 0; i < emptied.length; i += LAST_AT_ONCE) {
        const part = emptied.slice(i, i + LAST_AT_ONCE);
        const found = await Promise.all(
          part.map((bounds) => lastWithContent(deps, ctx.tenant, userID, bounds, skipDeleted)),
        );
        for (const [at, { conversationID }] of part.entries()) {
          const rendered = found[at];
          if (!rendered) continue;
          const message = budget.takeMessage(rendered);
          if (message) answer.msgs[conversationID] = message.data;
          else answer.cut.push(conversationID);
        }
      }
      const found = Object.keys(answer.msgs).length;
      await readAudit.record(ctx, readOf('getLastMessage', userID, conversationIDs, found));
      return answer;
    },
  };
}

/** Conversations that a record of a read names. */
const NAMED = 20;

function readOf(method: string, userID: string, ids: readonly string[], messages: number): AuditedRead {
  const asked = { method, conversations: ids.length, conversationIDs: ids.slice(0, NAMED) };
  return { act: 'message.read', userID, asked, messages };
}

function messagesIn(pages: readonly PulledPage[]): number {
  return pages.reduce((sum, { messages }) => sum + messages.length, 0);
}

/** Whether a message can stand as a conversation's last one; one that only this user deleted can, emptied. */
function isLast({ data }: Rendered, skipDeleted: boolean): boolean {
  const { clientMsgID, status } = decode('sdkws.MsgData', data);
  return clientMsgID !== '' && !(skipDeleted && status >= MSG_STATUS.Deleted);
}

function lastOf(seqs: readonly number[]): number {
  return seqs[seqs.length - 1] ?? 0;
}

/** The seqs inside the bounds, without duplicates; those next to what the client already shows come first. */
function admissible({ min, max }: ReadBounds, seqs: readonly number[], order: number): number[] {
  const inside = [...new Set(seqs)].filter((seq) => seq >= min && seq <= max);
  return inside.sort((a, b) => (order === PULL_ORDER.Desc ? b - a : a - b));
}

/** The newest message below the bound that still has its content and is the user's to see. */
async function lastWithContent(
  { rows }: PullDeps,
  tenant: TenantId,
  userID: string,
  bounds: ReadBounds,
  skipDeleted: boolean,
): Promise<Rendered | undefined> {
  const { conversationID, max } = bounds;
  const first = Math.max(bounds.min, max - LAST_LOOKBACK + 1);
  const options = { limit: LAST_CANDIDATES, ...(skipDeleted && { notDeletedBy: userID }) };
  let last = max;
  for (let round = 0; round < LAST_ROUNDS && last >= first; round++) {
    const seqs = await rows.seqsWithContent(tenant, conversationID, { first, last }, options);
    const found = await rows.bySeqs(tenant, [{ conversationID, seqs }]);
    for (const row of found.sort((a, b) => b.seq - a.seq)) {
      const rendered = renderRow(row, userID, bounds);
      if (!isLast(rendered, skipDeleted)) continue;
      await rewriteQuotes(rows, tenant, [{ conversationID, rendered }]);
      return rendered;
    }
    if (seqs.length < LAST_CANDIDATES) return undefined;
    last = lastOf(seqs) - 1;
  }
  return undefined;
}
