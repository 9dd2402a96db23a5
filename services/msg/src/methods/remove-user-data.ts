import type { TenantId } from '@im/contract';
import { requireAdmin } from '@im/kit';
import { argsError, isNotificationConversation, make } from '@im/protocol';
import type { SentMessage } from '@im/store';
import type { MsgDeps, MsgMethods } from '../deps.ts';

/** Messages looked at by one write, and writes of one call. */
const STEP = 500;
const STEPS_AT_ONCE = 10;
/** What cursors of an erasure by the index of senders begin with. */
const BY_SENDER = 'sent';

/** Where the erasure of contents is: everything before it is done. */
interface Place {
  readonly conversationID: string;
  /** Seqs up to this one are done. */
  readonly seq: number;
}

/** Removed messages, and where to go on; empty at the end. */
interface Erased {
  readonly removed: number;
  readonly cursor: string;
}

const wrongCursor = () => argsError('cursor must be that of the answer before');

function readPlace(cursor: string): Place {
  if (cursor === '') return { conversationID: '', seq: 0 };
  const [, seq, conversationID = ''] = /^(\d{1,15}) (.+)$/s.exec(cursor) ?? [];
  if (seq === undefined) throw wrongCursor();
  return { conversationID, seq: Number(seq) };
}

function readSent(cursor: string): SentMessage | undefined {
  if (cursor === '') return undefined;
  const [, st, seq, conversationID = ''] = /^sent (-?\d{1,16}) (\d{1,15}) (.+)$/s.exec(cursor) ?? [];
  if (st === undefined) throw wrongCursor();
  return { conversationID, seq: Number(seq), st: Number(st) };
}

/**
 * The end of an account: the contents of sent messages where they are to be erased, and the user's bounds and read
 * positions. Messages are found by the index of senders where there is one (`cron.searchIndexes`); otherwise the
 * conversations that the user has positions in are gone through.
 */
export function removeUserDataMethods(
  deps: Pick<MsgDeps, 'changes' | 'conversationSeqs' | 'search' | 'seqUsers'>,
): MsgMethods<'removeUserData'> {
  const { changes, conversationSeqs, search, seqUsers } = deps;

  /** Notifications stay: clients of others synchronize by them. */
  const isErased = ({ conversationID }: Pick<Place, 'conversationID'>) =>
    !isNotificationConversation(conversationID);

  /** @returns undefined when there is no index, or none any more. */
  async function eraseBySender(
    tenant: TenantId,
    userID: string,
    cursor: string,
  ): Promise<Erased | undefined> {
    let at = readSent(cursor);
    let removed = 0;
    for (let step = 0; step < STEPS_AT_ONCE; step++) {
      const sent = await search.sentBy(tenant, userID, STEP, at);
      if (!sent) return undefined;
      const places = sent
        .filter(isErased)
        .map(({ conversationID, seq }) => ({ conversationID, seqs: [seq] }));
      if (places.length > 0) removed += await changes.blankSentBy(tenant, places, userID);
      at = sent.at(-1);
      if (!at || sent.length < STEP) return { removed, cursor: '' };
    }
    return { removed, cursor: at ? `${BY_SENDER} ${at.st} ${at.seq} ${at.conversationID}` : '' };
  }

  async function eraseByConversation(tenant: TenantId, userID: string, from: Place): Promise<Erased> {
    const all = [...(await seqUsers.ofUser(tenant, userID)).keys()].sort();
    const chats = all.filter((id) => id >= from.conversationID && isErased({ conversationID: id }));
    let removed = 0;
    let steps = 0;
    for (const conversationID of chats) {
      const state = (await conversationSeqs.get(tenant, [conversationID])).get(conversationID);
      const { max = 0, min = 0 } = state ?? {};
      let seq = Math.max(conversationID === from.conversationID ? from.seq : 0, min - 1);
      for (; seq < max; seq += STEP) {
        if (steps === STEPS_AT_ONCE) return { removed, cursor: `${seq} ${conversationID}` };
        const seqs = Array.from({ length: Math.min(STEP, max - seq) }, (_, i) => seq + 1 + i);
        removed += await changes.blankSentBy(tenant, [{ conversationID, seqs }], userID);
        steps++;
      }
    }
    return { removed, cursor: '' };
  }

  /** An erasure ends as it began, unless its index went meanwhile: then conversations are gone through from the first. */
  async function erase(tenant: TenantId, userID: string, cursor: string): Promise<Erased> {
    const bySender = cursor === '' || cursor.startsWith(`${BY_SENDER} `);
    const erased = bySender ? await eraseBySender(tenant, userID, cursor) : undefined;
    return erased ?? eraseByConversation(tenant, userID, readPlace(bySender ? '' : cursor));
  }

  return {
    async removeUserData(ctx, { userID, erase: wanted, cursor }) {
      requireAdmin(ctx);
      const { removed, cursor: next } = wanted
        ? await erase(ctx.tenant, userID, cursor)
        : { removed: 0, cursor: '' };
      if (next !== '') return make('account.RemoveUserDataResp', { removed, cursor: next, more: true });
      const positions = await seqUsers.removeAll(ctx.tenant, userID);
      return make('account.RemoveUserDataResp', { removed: removed + positions });
    },
  };
}
