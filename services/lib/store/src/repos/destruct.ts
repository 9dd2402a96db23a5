import type { TenantId } from '@im/contract';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { CONVERSATION_SETTINGS } from './conversation-settings.ts';
import { MSG_ROWS } from './msg-row.ts';
import { rowsBySeq } from './rows-by-seq.ts';

/** A conversation whose owner sees messages for a limited time only. */
export interface DestructRecord {
  readonly ownerUserID: string;
  readonly conversationID: string;
  /** Lowest seq that the record says its owner sees; 0: all. */
  readonly minSeq: number;
  /** 0, or the last seq that an owner who left the group may see. */
  readonly maxSeq: number;
  /** How long messages stay, seconds. */
  readonly msgDestructTime: number;
}

/** What auto-deletion of messages reads. */
export interface DestructRepo {
  /** Records with a lifetime of messages, those that were cleared longest ago first, without holding them at once. */
  records(tenant: TenantId): AsyncIterable<DestructRecord>;
  /** Log times of these messages, ms, in the order asked; undefined where there is no row. */
  logTimes(
    tenant: TenantId,
    messages: readonly { readonly conversationID: string; readonly seq: number }[],
  ): Promise<(number | undefined)[]>;
}

/** Records read at once: worked through well before a server forgets an idle cursor. */
const BATCH = 200;

/** The view of a store that auto-deletion of messages has. */
export function destructRepo(store: Store): DestructRepo {
  return guarded<DestructRepo>({
    records(tenant) {
      const { col } = store.collection(tenant, CONVERSATION_SETTINGS);
      const filter = { t: tenant, isMsgDestruct: true };
      const projection = {
        _id: 0,
        ownerUserID: 1,
        conversationID: 1,
        minSeq: 1,
        maxSeq: 1,
        msgDestructTime: 1,
      } as const;
      return col.find(filter, { sort: { latestMsgDestructTime: 1 }, projection, batchSize: BATCH });
    },
    async logTimes(tenant, messages) {
      if (messages.length === 0) return [];
      const view = store.collection(tenant, MSG_ROWS);
      const ids = messages.map(
        ({ conversationID, seq }) => rowsBySeq(view, conversationID).ids([seq])[0] ?? '',
      );
      const options = { projection: { lt: 1 }, batchSize: ids.length };
      const docs = await view.col.find({ _id: { $in: [...new Set(ids)] } }, options).toArray();
      const timeOf = new Map(docs.map(({ _id, lt }) => [_id, lt]));
      return ids.map((id) => timeOf.get(id));
    },
  });
}
