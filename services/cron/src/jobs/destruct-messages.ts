import type { TenantId } from '@im/contract';
import { currentSpan, eachLimited, systemContext, withSpan } from '@im/kit';
import type { Logger } from '@im/process';
import { make } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type {
  ConversationSeqs,
  ConversationSeqsState,
  DestructRecord,
  DestructRepo,
  MsgRows,
  SeqUsers,
} from '@im/store';
import type { Job } from './job.ts';

export interface MessageDestructParts {
  readonly destruct: DestructRepo;
  readonly rows: Pick<MsgRows, 'lastSeqBefore'>;
  readonly conversationSeqs: Pick<ConversationSeqs, 'get'>;
  readonly seqUsers: Pick<SeqUsers, 'raiseMin'>;
  readonly conversation: Pick<DomainService<'conversation'>, 'setMinSeqs'>;
  readonly log: Logger;
  readonly now?: () => number;
  /** Most conversations cleared in one run of one tenant; the next run goes on with the others. */
  readonly maxCleared?: number;
}

/** Records looked at together. */
const PAGE = 200;
/** Owners that are notified at once. */
const OWNERS_AT_ONCE = 10;
const MAX_CLEARED = 20_000;

/** What one owner sees from now on. */
interface Cleared {
  readonly record: DestructRecord;
  readonly minSeq: number;
}

/**
 * Hides messages that are older than the lifetime that the owner of a conversation set (`isMsgDestruct`,
 * `msgDestructTime`), by the log's own time: the owner's lowest readable seq rises, and 1300 informs their
 * devices. The rows stay, for the others and for retention.
 */
export function destructMessages(schedule: string, parts: MessageDestructParts): Job {
  const { destruct, rows, conversationSeqs, seqUsers, conversation, log, now = Date.now } = parts;
  const { maxCleared = MAX_CLEARED } = parts;

  /** New bounds of the records of a page that have something to clear. */
  async function due(tenant: TenantId, page: readonly DestructRecord[], nowMs: number): Promise<Cleared[]> {
    const states = await conversationSeqs.get(tenant, [
      ...new Set(page.map(({ conversationID }) => conversationID)),
    ]);
    const spans = page.flatMap((record) => {
      const span = spanOf(record, states.get(record.conversationID));
      return span && record.msgDestructTime > 0 ? { record, span } : [];
    });
    // Log time rises with seq: where the first message is young, all are.
    const firstTimes = await destruct.logTimes(
      tenant,
      spans.map(({ record, span }) => ({ conversationID: record.conversationID, seq: span.first })),
    );
    const cleared: Cleared[] = [];
    for (const [i, { record, span }] of spans.entries()) {
      const before = nowMs - record.msgDestructTime * 1_000;
      const first = firstTimes[i];
      if (first !== undefined && first >= before) continue;
      const last = await rows.lastSeqBefore(tenant, record.conversationID, span, before);
      if (last >= span.first) cleared.push({ record, minSeq: last + 1 });
    }
    return cleared;
  }

  async function clear(tenant: TenantId, cleared: readonly Cleared[], nowMs: number): Promise<number> {
    // This bound is what pulls obey; the record repeats it for clients.
    await seqUsers.raiseMin(
      cleared.map(({ record: { ownerUserID, conversationID }, minSeq }) => ({
        tenant,
        userID: ownerUserID,
        conversationID,
        value: minSeq,
      })),
    );
    const byOwner = [...Map.groupBy(cleared, ({ record }) => record.ownerUserID)];
    let done = 0;
    await eachLimited(byOwner, OWNERS_AT_ONCE, async ([ownerUserID, list]) => {
      const minSeqs = list.map(({ record, minSeq }) =>
        make('conversation.ConversationMinSeq', {
          conversationID: record.conversationID,
          minSeq,
          latestMsgDestructTime: nowMs,
        }),
      );
      const ctx = withSpan(systemContext(tenant, ''), currentSpan());
      try {
        await conversation.setMinSeqs(ctx, make('conversation.SetMinSeqsReq', { ownerUserID, minSeqs }));
        done += list.length;
      } catch (error) {
        // The record keeps its bound, so the next run does it again.
        const fields = { tenant, operationID: ctx.operationID, userID: ownerUserID, err: error };
        log.warn(fields, 'cleared messages not noted in conversation records');
      }
    });
    return done;
  }

  return {
    name: 'destruct-messages',
    description: "hides messages past the lifetime that a conversation's owner set",
    schedule,
    async run({ id }, signal, notes) {
      const nowMs = now();
      let cleared = 0;
      let page: DestructRecord[] = [];
      const work = async () => {
        cleared += await clear(id, await due(id, page, nowMs), nowMs);
        page = [];
        notes?.done(cleared);
      };
      for await (const record of destruct.records(id)) {
        if (signal.aborted || cleared >= maxCleared) return cleared;
        if (page.push(record) >= PAGE) await work();
      }
      await work();
      return cleared;
    },
  };
}

/** Seqs that the owner of a record may read; undefined when there are none. */
function spanOf({ minSeq, maxSeq }: DestructRecord, state: ConversationSeqsState | undefined) {
  if (!state) return undefined;
  const first = Math.max(1, state.min, minSeq);
  const last = maxSeq === 0 ? state.max : Math.min(state.max, maxSeq);
  return first <= last ? { first, last } : undefined;
}
