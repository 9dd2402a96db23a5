import { guarded } from '../errors.ts';
import type { GroupCommitWrite, GroupCommitWriter } from '../group-commit.ts';
import type { Store } from '../store.ts';
import {
  CONVERSATION_SEQS,
  type ConversationSeqsUpdate,
  conversationSeqsUpsert,
} from './conversation-seqs.ts';
import { MSG_ROWS, msgRowDocument, type NewMsgRow } from './msg-row.ts';

/** More than this in one command costs memory on both sides; larger batches go step by step. */
const MAX_BYTES = 8_388_608;

/** Rows and the truth about their conversations, with one commit. */
export type FoldCommit = ReturnType<typeof foldCommit>;

/** Writes rows and sequence states of any tenants with one commit. */
export function foldCommit(store: Store) {
  return guarded({
    /**
     * Inserts the rows and stores the sequences, all or nothing, durably.
     * @returns false when it could not be done at once: then insert the rows, and apply the updates
     * after that. Both may have been done nevertheless.
     */
    async commit(
      writer: GroupCommitWriter,
      rows: readonly NewMsgRow[],
      updates: readonly ConversationSeqsUpdate[],
    ): Promise<boolean> {
      const writes: GroupCommitWrite[] = [];
      let bytes = 0;
      for (const row of rows) {
        bytes += row.msgData?.length ?? 0;
        const view = store.collection(row.tenant, MSG_ROWS);
        writes.push({ ...placeOf(view), insert: msgRowDocument(row, view) });
      }
      if (bytes > MAX_BYTES) return false;
      for (const update of updates) {
        const view = store.collection(update.tenant, CONVERSATION_SEQS);
        writes.push({ ...placeOf(view), ...conversationSeqsUpsert(update, view) });
      }
      return writer.write(writes);
    },
  });
}

function placeOf({ col }: { readonly col: { readonly dbName: string; readonly collectionName: string } }) {
  return { database: col.dbName, collection: col.collectionName };
}
