import type { ConversationSeqs, MsgRows, RetentionRepo } from '@im/store';
import type { Job } from './job.ts';

const DAY_MS = 24 * 3600 * 1000;

export interface MessageExpiryParts {
  readonly retention: RetentionRepo;
  readonly rows: MsgRows;
  readonly conversationSeqs: ConversationSeqs;
  readonly now?: () => number;
}

/**
 * Removes messages older than the tenant's retention, by the log's own time. The conversation's
 * lowest readable seq is raised before any row goes, so a reader never meets a hole.
 */
export function expireMessages(schedule: string, parts: MessageExpiryParts): Job {
  const { retention, rows, conversationSeqs, now = Date.now } = parts;
  return {
    name: 'expire-messages',
    description: "removes messages older than the tenant's retention",
    schedule,
    async run({ id, quotas }, signal, notes) {
      if (quotas.retentionDays === 0) return 0;
      const before = now() - quotas.retentionDays * DAY_MS;
      let removed = 0;
      for await (const { conversationID, min, max } of retention.conversations(id)) {
        if (signal.aborted) break;
        const span = { first: Math.max(1, min), last: max };
        const last = await rows.lastSeqBefore(id, conversationID, span, before);
        if (last > 0) await conversationSeqs.raiseMin(id, conversationID, last + 1);
        // No user may read below the bound any more, whatever raised it: an interrupted run, or a cleared conversation.
        const upTo = Math.max(last, min - 1);
        if (upTo > 0) removed += await retention.removeUpTo(id, conversationID, upTo, signal);
        notes?.done(removed);
      }
      return removed;
    },
  };
}
