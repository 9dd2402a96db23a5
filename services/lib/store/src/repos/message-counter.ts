import type { TenantId } from '@im/contract';
import { isGroupConversation, isSingleConversation } from '@im/protocol';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { MSG_ROWS } from './msg-row.ts';
import { findRows, seqKey } from './rows-by-seq.ts';
import { lowestSeq, MAX_STEP, type SeqSpan } from './seq-walk.ts';
import { type StatBatch, type StatState, statBatches } from './stat-batch.ts';
import { statDayRepo } from './stat-day.ts';
import { type CountedMessage, type DayTally, dayTally, STAT_PARTS, sumDay } from './stat-part.ts';
import { LISTED_TYPES } from './stat-types.ts';
import { type UncountedConversation, uncountedBehind } from './uncounted-conversations.ts';

/** How much one run counts. */
export interface CountBudget {
  /** Most messages looked at. */
  readonly messages: number;
  /** When it ends, ms. */
  readonly until: number;
  readonly signal: AbortSignal;
}

/** What a run counted. */
export interface CountRun {
  /** Messages. */
  readonly counted: number;
  /** Conversations that had some. */
  readonly conversations: number;
  readonly batches: number;
  /** All messages that were stored when the pass began are counted. Otherwise the next run goes on. */
  readonly isComplete: boolean;
  /** No pass over all messages had come to its end before. */
  readonly isFirst: boolean;
}

/** Settings of {@link messageCounter}; tests make them small. */
export interface MessageCounterOptions {
  /** Messages of one batch. @default 20000 */
  readonly batchMessages?: number;
  /** @default Date.now */
  readonly now?: () => number;
}

const BATCH_MESSAGES = 20_000;
/** Characters of ids in one batch, which is one document. */
const BATCH_CHARACTERS = 2_000_000;
/** Conversations in one batch. */
const BATCH_CONVERSATIONS = 5_000;

/** Counts messages. */
export interface MessageCounter {
  /**
   * Counts the messages of a tenant that are not counted yet, each once, whatever fails or runs at the same time.
   * @param keepFrom day (since 1970) from which counts are kept by user and group.
   */
  count(tenant: TenantId, keepFrom: number, budget: CountBudget): Promise<CountRun>;
}

/** Some seqs of a conversation, to be read at once with those of others. */
interface Piece {
  readonly conversationID: string;
  readonly span: SeqSpan;
}

/**
 * Counts messages of a store by seq: each conversation says how far it is counted, so that only new messages are read,
 * and none by sending. Batches are made by compare-and-set; see {@link statBatches}.
 */
export function messageCounter(store: Store, options: MessageCounterOptions = {}): MessageCounter {
  const { batchMessages = BATCH_MESSAGES, now = Date.now } = options;
  const days = statDayRepo(store);

  /** The seqs of a conversation that may have messages. */
  async function spanOf(
    tenant: TenantId,
    { conversationID, counted, max }: UncountedConversation,
  ): Promise<SeqSpan> {
    const span = { first: counted + 1, last: max };
    if (counted > 0 || max <= MAX_STEP) return span;
    // Of a conversation that is counted for the first time, the first messages may have expired.
    const view = store.collection(tenant, MSG_ROWS);
    const first = await lowestSeq(span, async (seqs) => {
      const ids = seqs.map((seq) => view.key(conversationID, seqKey(seq)));
      const found = await findRows(view, ids, { projection: { _id: 1 } });
      return found.map(({ _id }) => Number(view.parts(_id).at(-1)));
    });
    return { first: first ?? max + 1, last: max };
  }

  /** Counts messages into the days of a batch. */
  async function read(
    tenant: TenantId,
    pieces: readonly Piece[],
    keepFrom: number,
    tallies: Map<number, DayTally>,
  ): Promise<void> {
    const view = store.collection(tenant, MSG_ROWS);
    const ids = pieces.flatMap(({ conversationID, span }) =>
      Array.from({ length: span.last - span.first + 1 }, (_, i) =>
        view.key(conversationID, seqKey(span.first + i)),
      ),
    );
    if (ids.length === 0) return;
    const rows = await findRows(view, ids, { projection: { s: 1, ct: 1, lt: 1 } });
    const calendar = store.calendarOf(tenant);
    for (const { _id, s, ct, lt } of rows) {
      const day = calendar.dayOf(lt);
      const tally = tallies.get(day) ?? dayTally(day);
      tallies.set(day, tally);
      tally.addRow(countedAs(view.parts(_id)[0] ?? '', s, ct, day >= keepFrom));
    }
  }

  /** Reads messages from the state on, as many as a batch and the budget take. */
  async function nextBatch(tenant: TenantId, state: StatState, keepFrom: number, budget: CountBudget) {
    const tallies = new Map<number, DayTally>();
    const counted = new Map<string, number>();
    let at = state.at;
    let messages = 0;
    let isEnd = false;
    const isOver = () =>
      budget.signal.aborted || now() >= budget.until || messages >= Math.min(batchMessages, budget.messages);
    const isFull = () =>
      isOver() ||
      counted.size >= BATCH_CONVERSATIONS ||
      [...tallies.values()].reduce((sum, tally) => sum + tally.characters, 0) >= BATCH_CHARACTERS;

    let pieces: Piece[] = [];
    let waiting = 0;
    /** Conversation that everything is counted up to, once the pieces are read. */
    let readTo = at;
    const flush = async () => {
      await read(tenant, pieces, keepFrom, tallies);
      for (const { conversationID, span } of pieces) counted.set(conversationID, span.last);
      messages += waiting;
      at = readTo;
      pieces = [];
      waiting = 0;
    };

    walk: while (!isFull()) {
      const { found, next } = await uncountedBehind(store, tenant, readTo);
      for (const conversation of found) {
        const { conversationID, max } = conversation;
        const { first, last } = await spanOf(tenant, conversation);
        // Nothing is left of it: the mark alone is raised.
        if (first > last) counted.set(conversationID, max);
        for (let from = first; from <= last; ) {
          const to = Math.min(last, from + MAX_STEP - waiting - 1);
          pieces.push({ conversationID, span: { first: from, last: to } });
          waiting += to - from + 1;
          if (to === last) readTo = conversationID;
          from = to + 1;
          if (waiting < MAX_STEP) continue;
          await flush();
          if (isFull()) break walk;
        }
        if (first > last) readTo = conversationID;
      }
      if (next === '') {
        isEnd = true;
        break;
      }
      readTo = next;
      if (pieces.length === 0) at = next;
    }
    await flush();
    const batch: StatBatch = {
      days: [...tallies.values()].map((tally) => tally.counts()),
      counted: { ids: [...counted.keys()], seqs: [...counted.values()] },
      at: isEnd ? '' : at,
    };
    return { batch, messages, isEnd };
  }

  /** Adds up the days that have new counts. @returns false when time is over, or another process counts. */
  async function sumDays(tenant: TenantId, { signal, until }: CountBudget): Promise<boolean> {
    const batches = statBatches(store, tenant);
    const view = store.collection(tenant, STAT_PARTS);
    for (let state = await batches.state(); state.dirty.length > 0; state = await batches.state()) {
      const [day = 0, ...dirty] = state.dirty.toSorted((a, b) => a - b);
      if (state.isPending || signal.aborted || now() >= until) return false;
      const tally = await sumDay(view, day, state.batch);
      if (!tally) return false;
      const { single, group, notification, types } = tally.counts();
      const active = { activeUsers: tally.users, activeGroups: tally.groups };
      await days.set(tenant, { day, single, group, notification, types, ...active });
      if (!(await batches.note(state, { dirty }))) return false;
    }
    return true;
  }

  return guarded<MessageCounter>({
    async count(tenant, keepFrom, budget) {
      const batches = statBatches(store, tenant);
      const run = { counted: 0, conversations: 0, batches: 0, isComplete: false, isFirst: false };
      let left = budget.messages;
      while (!budget.signal.aborted) {
        // Also what another process began, and perhaps does not end.
        await batches.apply();
        const state = await batches.state();
        if (state.isPending) continue;
        run.isFirst = state.countedTo === 0;
        const passFrom = state.passFrom || now();
        const { batch, messages, isEnd } = await nextBatch(tenant, state, keepFrom, {
          ...budget,
          messages: left,
        });
        if (batch.counted.ids.length > 0) {
          if (!(await batches.begin(state, batch, passFrom))) continue;
          await batches.apply();
          run.counted += batch.days.reduce((sum, one) => sum + one.single + one.group + one.notification, 0);
          run.conversations += batch.counted.ids.length;
          run.batches++;
        } else if (!(await batches.note(state, { at: batch.at, passFrom }))) continue;
        left -= messages;
        if (isEnd) {
          if (!(await sumDays(tenant, budget))) return run;
          const last = await batches.state();
          // Of a pass that another process has started meanwhile, nothing is known.
          if (last.isPending || last.at !== '') return run;
          run.isComplete = await batches.note(last, { passFrom: 0, countedTo: passFrom });
          return run;
        }
        if (left <= 0 || now() >= budget.until) return run;
      }
      return run;
    },
  });
}

function countedAs(
  conversationID: string,
  sendID: string,
  contentType: number,
  byUser: boolean,
): CountedMessage {
  const type = LISTED_TYPES.has(contentType) ? String(contentType) : 'other';
  if (isSingleConversation(conversationID)) return { kind: 'single', type, ...(byUser && { sendID }) };
  if (!isGroupConversation(conversationID)) return { kind: 'notification', type };
  const groupID = conversationID.slice(conversationID.indexOf('_') + 1);
  return { kind: 'group', type, ...(byUser && { sendID, groupID }) };
}
