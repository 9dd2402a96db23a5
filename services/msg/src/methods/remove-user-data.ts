import { type CallContext, requireAdmin } from '@im/kit';
import { argsError, isNotificationConversation, make } from '@im/protocol';
import type { MsgDeps, MsgMethods } from '../deps.ts';

/** Messages looked at by one write, and writes of one call. */
const STEP = 500;
const STEPS_AT_ONCE = 10;

/** Where the erasure of contents is: everything before it is done. */
interface Place {
  readonly conversationID: string;
  /** Seqs up to this one are done. */
  readonly seq: number;
}

function readPlace(cursor: string): Place {
  if (cursor === '') return { conversationID: '', seq: 0 };
  const [, seq, conversationID = ''] = /^(\d{1,15}) (.+)$/s.exec(cursor) ?? [];
  if (seq === undefined) throw argsError('cursor must be that of the answer before');
  return { conversationID, seq: Number(seq) };
}

/**
 * The end of an account: the contents of sent messages where they are to be erased, and the user's bounds and read
 * positions. Messages are found by the conversations that the user has positions in: they have no index by sender.
 */
export function removeUserDataMethods(
  deps: Pick<MsgDeps, 'changes' | 'conversationSeqs' | 'seqUsers'>,
): MsgMethods<'removeUserData'> {
  const { changes, conversationSeqs, seqUsers } = deps;

  async function erase({ tenant }: CallContext, userID: string, from: Place) {
    const all = [...(await seqUsers.ofUser(tenant, userID)).keys()].sort();
    // Notifications stay: clients of others synchronize by them.
    const chats = all.filter((id) => id >= from.conversationID && !isNotificationConversation(id));
    let removed = 0;
    let steps = 0;
    for (const conversationID of chats) {
      const state = (await conversationSeqs.get(tenant, [conversationID])).get(conversationID);
      const { max = 0, min = 0 } = state ?? {};
      let seq = Math.max(conversationID === from.conversationID ? from.seq : 0, min - 1);
      for (; seq < max; seq += STEP) {
        if (steps === STEPS_AT_ONCE) return { removed, cursor: `${seq} ${conversationID}` };
        const seqs = Array.from({ length: Math.min(STEP, max - seq) }, (_, i) => seq + 1 + i);
        removed += await changes.blankSentBy(tenant, conversationID, seqs, userID);
        steps++;
      }
    }
    return { removed, cursor: '' };
  }

  return {
    async removeUserData(ctx, { userID, erase: wanted, cursor }) {
      requireAdmin(ctx);
      const { removed, cursor: next } = wanted
        ? await erase(ctx, userID, readPlace(cursor))
        : { removed: 0, cursor: '' };
      if (next !== '') return make('account.RemoveUserDataResp', { removed, cursor: next, more: true });
      const positions = await seqUsers.removeAll(ctx.tenant, userID);
      return make('account.RemoveUserDataResp', { removed: removed + positions });
    },
  };
}
