import { requireSelf } from '@im/kit';
import { argsError, CONTENT, decode, ERR, ImError, make, SESSION, type sdkws } from '@im/protocol';
import { notFound } from '@im/store';
import type { MsgMethods, MsgParts } from '../parts.ts';
import { loadAccess } from '../read/access.ts';
import { authorityOf, requireTakeBack } from './authority.ts';
import { requireMayReach } from './may-reach.ts';

/** What revoking works with. */
export type RevokeParts = Pick<
  MsgParts,
  | 'rows'
  | 'changes'
  | 'conversationSettings'
  | 'conversationSeqs'
  | 'seqUsers'
  | 'users'
  | 'groups'
  | 'members'
  | 'reach'
  | 'notifier'
>;

/** Revoking a message: its content is replaced at every later read, and everybody is told (2101). */
export function revokeMethods(parts: RevokeParts): MsgMethods<'revokeMsg'> {
  const { rows, changes, notifier } = parts;

  return {
    async revokeMsg(ctx, { conversationID, seq, userID }) {
      if (conversationID === '') throw argsError('conversationID is empty');
      if (seq < 1) throw argsError('seq is below 1');
      if (userID === '') throw argsError('userID is empty');
      requireSelf(ctx, userID);
      const [row] = await rows.bySeqs(ctx.tenant, [{ conversationID, seqs: [seq] }]);
      if (!row?.msgData) throw notFound('message');
      const m = decode('sdkws.MsgData', row.msgData);
      if (!ctx.opAdmin) {
        const access = (await loadAccess(parts, ctx.tenant, userID, [conversationID])).get(conversationID);
        if (!access || seq < access.min || seq > access.max || !access.sees(m)) throw notFound('message');
      }
      if (row.revoked) throw new ImError(ERR.MsgAlreadyRevoke);
      const authority = await authorityOf(parts, ctx, userID, conversationID, [m.sendID]);
      requireTakeBack(authority, m);
      // One's own message may always be taken back: it says nothing new, and once each.
      if (m.sendID !== userID) {
        const { sessionType, groupID } = m;
        await requireMayReach(parts, ctx, userID, { sessionType, groupID, peerID: m.sendID });
      }
      const time = Date.now();
      const by = { role: authority.role, userID, nickname: authority.nickname, time };
      if (!(await changes.revoke(ctx.tenant, conversationID, seq, by)))
        throw new ImError(ERR.MsgAlreadyRevoke);
      await notifier.send(
        ctx,
        { contentType: CONTENT.MsgRevoke, ...addressOf(m, userID) },
        'sdkws.RevokeMsgTips',
        make('sdkws.RevokeMsgTips', {
          revokerUserID: userID,
          clientMsgID: m.clientMsgID,
          revokeTime: time,
          sesstionType: m.sessionType,
          seq,
          conversationID,
          isAdminRevoke: ctx.opAdmin,
        }),
      );
      return make('msg.RevokeMsgResp');
    },
  };
}

/** Between whom the notification goes: in a chat of two between those two, whoever revoked. */
function addressOf(m: sdkws.MsgData, userID: string) {
  const { sessionType } = m;
  return sessionType === SESSION.Group
    ? { sessionType, sendID: userID, recvID: m.groupID }
    : { sessionType, sendID: m.sendID, recvID: m.recvID };
}
