import type { TenantId } from '@im/contract';
import { requireSelf } from '@im/kit';
import {
  answerBudget,
  argsError,
  isNotificationConversation,
  MSG_STATUS,
  make,
  PULL_ORDER,
  type sdkws,
} from '@im/protocol';
import type { MsgMethods, MsgParts } from '../parts.ts';
import { type Access, type AccessParts, loadAccess } from './access.ts';
import { AnswerBudget, type Page, readPages, type Wanted } from './page.ts';
import { rewriteQuotes } from './quotes.ts';
import { type Rendered, renderRow } from './render.ts';

/** Most conversations in one request; clients ask for about a hundred. */
const MAX_CONVERSATIONS = 5_000;
/** Most messages of one chat in one answer. */
const MAX_NUM = 1_000;
/** Most notifications of one conversation in one answer; the rest comes when the client asks on. */
const MAX_NOTIFICATIONS = 1_000;
/** Most seqs in one request by list. */
const MAX_SEQS = 5_000;
/** Seqs looked through backwards for the last message of a conversation that still has its content. */
const LAST_LOOKBACK = 10_000;
/** Rows of them that are read at once, and how often: what another pair wrote under the same id is passed over. */
const LAST_CANDIDATES = 20;
const LAST_ROUNDS = 10;
/** Conversations that are looked through at once. */
const LAST_AT_ONCE = 10;

/** Where pulls read. */
export type PullParts = AccessParts & Pick<MsgParts, 'rows'>;

function span(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}

function checkConversationCount(field: string, count: number): void {
  if (count > MAX_CONVERSATIONS) throw argsError(`${field} has more than ${MAX_CONVERSATIONS} entries`);
}

/**
 * The seqs that a range asks for, in the order of importance; none when the range is outside of what
 * the user may read. Of a chat the last `num` count, newest first; of notifications all, oldest
 * first, since clients apply them in order and continue after the last one they got.
 */
function seqsOfRange({ min, max, conversationID }: Access, range: sdkws.SeqRange): number[] {
  const first = Math.max(range.begin, min);
  const last = Math.min(range.end, max);
  if (isNotificationConversation(conversationID))
    return span(first, Math.min(last, first + MAX_NOTIFICATIONS - 1));
  const num = Math.min(range.num, MAX_NUM);
  return span(Math.max(first, last - num + 1), last).reverse();
}

function isEndOfRange({ min, max }: Access, range: sdkws.SeqRange, order: number): boolean {
  return order === PULL_ORDER.Desc ? range.begin <= min : max <= range.end;
}

interface RangeWanted extends Wanted {
  readonly range: sdkws.SeqRange;
}

function putInto(
  answer: { msgs: Record<string, sdkws.PullMsgs>; notificationMsgs: Record<string, sdkws.PullMsgs> },
  conversationID: string,
  pulled: sdkws.PullMsgs,
): void {
  const target = isNotificationConversation(conversationID) ? answer.notificationMsgs : answer.msgs;
  const before = target[conversationID];
  // Two ranges of one conversation share an entry.
  if (before) pulled.Msgs = [...before.Msgs, ...pulled.Msgs];
  target[conversationID] = pulled;
}

/** Whether a list of seqs reaches beyond what there is, and where that ends. */
function endOfList(
  { min, max }: Access,
  seqs: readonly number[],
  order: number,
): { isEnd: boolean; endSeq: number } {
  if (order === PULL_ORDER.Desc && seqs.some((seq) => seq < min)) return { isEnd: true, endSeq: min };
  if (order !== PULL_ORDER.Desc && seqs.some((seq) => seq > max)) return { isEnd: true, endSeq: max };
  return { isEnd: false, endSeq: 0 };
}

/** Pulls by range (1002), by list (1005), and of the last messages (1007). */
export function pullMethods(
  parts: PullParts,
): MsgMethods<'pullMessageBySeqs' | 'getSeqMessage' | 'getLastMessage'> {
  const { rows } = parts;
  return {
    async pullMessageBySeqs(ctx, { userID, seqRanges, order, maxAnswerBytes }) {
      requireSelf(ctx, userID);
      checkConversationCount('seqRanges', seqRanges.length);
      const ids = seqRanges.map(({ conversationID }) => conversationID);
      const accessOf = await loadAccess(parts, ctx.tenant, userID, ids);
      const wanted = seqRanges.flatMap((range): RangeWanted[] => {
        const access = accessOf.get(range.conversationID);
        const seqs = access ? seqsOfRange(access, range) : [];
        return access && seqs.length > 0 ? [{ access, seqs, range }] : [];
      });
      const budget = new AnswerBudget(answerBudget(maxAnswerBytes));
      const pages = await readPages(rows, ctx.tenant, userID, wanted, budget);
      const answer = make('sdkws.PullMessageBySeqsResp', { msgs: {}, notificationMsgs: {} });
      for (const [i, { access, seqs, range }] of wanted.entries()) {
        const { messages, cut } = pages[i] as Page;
        if (messages.length === 0) continue;
        const short =
          cut ||
          (isNotificationConversation(access.conversationID) &&
            lastOf(seqs) < Math.min(range.end, access.max));
        const isEnd = !short && isEndOfRange(access, range, order);
        putInto(answer, access.conversationID, make('sdkws.PullMsgs', { Msgs: messages, isEnd }));
      }
      return answer;
    },

    async getSeqMessage(ctx, { userID, conversations, order, maxAnswerBytes }) {
      requireSelf(ctx, userID);
      checkConversationCount('conversations', conversations.length);
      const total = conversations.reduce((sum, { seqs }) => sum + seqs.length, 0);
      if (total > MAX_SEQS) throw argsError(`conversations.seqs has more than ${MAX_SEQS} entries`);
      const ids = conversations.map(({ conversationID }) => conversationID);
      const accessOf = await loadAccess(parts, ctx.tenant, userID, ids);
      const allowed = conversations.flatMap(({ conversationID, seqs }) => {
        const access = accessOf.get(conversationID);
        return access ? [{ access, asked: seqs, seqs: admissible(access, seqs, order) }] : [];
      });
      const budget = new AnswerBudget(answerBudget(maxAnswerBytes));
      const pages = await readPages(rows, ctx.tenant, userID, allowed, budget);
      const answer = make('msg.GetSeqMessageResp', { msgs: {}, notificationMsgs: {} });
      for (const [i, { access, asked }] of allowed.entries()) {
        const { messages, cut } = pages[i] as Page;
        const end = cut ? { isEnd: false, endSeq: 0 } : endOfList(access, asked, order);
        putInto(answer, access.conversationID, make('sdkws.PullMsgs', { Msgs: messages, ...end }));
      }
      for (const id of ids) {
        // Every conversation that was asked for has an entry; there is nothing for this user in these.
        if (accessOf.has(id)) continue;
        if (!budget.takeEntry(id)) break;
        putInto(answer, id, make('sdkws.PullMsgs', { isEnd: true }));
      }
      return answer;
    },

    async getLastMessage(ctx, { userID, conversationIDs, maxAnswerBytes, skipDeleted }) {
      requireSelf(ctx, userID);
      checkConversationCount('conversationIDs', conversationIDs.length);
      const accessOf = await loadAccess(parts, ctx.tenant, userID, conversationIDs);
      const answer = make('msg.GetLastMessageResp', { msgs: {} });
      const readable = [...accessOf.values()].filter(({ min, max }) => max >= min);
      const newest = readable.map((access) => ({ access, seqs: [access.max] }));
      const budget = new AnswerBudget(answerBudget(maxAnswerBytes));
      const pages = await readPages(rows, ctx.tenant, userID, newest, budget);
      const emptied: Access[] = [];
      for (const [i, access] of readable.entries()) {
        const { messages, cut } = pages[i] as Page;
        const [m] = messages;
        if (cut) answer.cut.push(access.conversationID);
        else if (m && isLast(m, skipDeleted)) answer.msgs[access.conversationID] = m;
        else emptied.push(access);
      }
      for (let i = 0; i < emptied.length; i += LAST_AT_ONCE) {
        const part = emptied.slice(i, i + LAST_AT_ONCE);
        const found = await Promise.all(
          part.map((access) => lastWithContent(parts, ctx.tenant, userID, access, skipDeleted)),
        );
        for (const [at, { conversationID }] of part.entries()) {
          const rendered = found[at];
          if (!rendered) continue;
          const m = budget.takeMessage(rendered);
          if (m) answer.msgs[conversationID] = m;
          else answer.cut.push(conversationID);
        }
      }
      return answer;
    },
  };
}

/** Whether a message can stand as a conversation's last one; one that only this user deleted can, emptied. */
function isLast({ clientMsgID, status }: sdkws.MsgData, skipDeleted: boolean): boolean {
  return clientMsgID !== '' && !(skipDeleted && status >= MSG_STATUS.Deleted);
}

function lastOf(seqs: readonly number[]): number {
  return seqs[seqs.length - 1] ?? 0;
}

/** The seqs inside the bounds, each once; those next to what the client shows already come first. */
function admissible({ min, max }: Access, seqs: readonly number[], order: number): number[] {
  const inside = [...new Set(seqs)].filter((seq) => seq >= min && seq <= max);
  return inside.sort((a, b) => (order === PULL_ORDER.Desc ? b - a : a - b));
}

/** The newest message below the bound that still has its content and is the user's to see. */
async function lastWithContent(
  { rows }: PullParts,
  tenant: TenantId,
  userID: string,
  access: Access,
  skipDeleted: boolean,
): Promise<Rendered | undefined> {
  const { conversationID, max } = access;
  const first = Math.max(access.min, max - LAST_LOOKBACK + 1);
  const options = { limit: LAST_CANDIDATES, ...(skipDeleted && { notDeletedBy: userID }) };
  let last = max;
  for (let round = 0; round < LAST_ROUNDS && last >= first; round++) {
    const seqs = await rows.seqsWithContent(tenant, conversationID, { first, last }, options);
    const found = await rows.bySeqs(tenant, [{ conversationID, seqs }]);
    for (const row of found.sort((a, b) => b.seq - a.seq)) {
      const rendered = renderRow(row, userID, access);
      if (!isLast(rendered.message, skipDeleted)) continue;
      await rewriteQuotes(rows, tenant, [{ conversationID, rendered }]);
      return rendered;
    }
    if (seqs.length < LAST_CANDIDATES) return undefined;
    last = lastOf(seqs) - 1;
  }
  return undefined;
}
