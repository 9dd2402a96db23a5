import { KEY_SEPARATOR, requireSelf } from '@im/kit';
import { argsError, decode, ERR, ImError, make } from '@im/protocol';
import { notFound } from '@im/store';
import type { MsgDeps, MsgMethods } from '../deps.ts';
import { messageNotifications } from '../notifications/message-notifications.ts';
import { authorityOf, requireMayReach, requireMayRevoke } from '../permissions.ts';
import { loadReadBounds } from '../pull/read-bounds.ts';

type RevokeDeps = Pick<
  MsgDeps,
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
  | 'webhooks'
>;

/** Revokes a message: later reads replace its content, and all participants are notified (2101). */
export function revokeMethods(deps: RevokeDeps): MsgMethods<'revokeMsg'> {
  const { rows, changes, webhooks } = deps;
  const notifications = messageNotifications(deps.notifier);

  return {
    async revokeMsg(ctx, { conversationID, seq, userID }) {
      if (conversationID === '') throw argsError('conversationID is empty');
      if (seq < 1) throw argsError('seq is below 1');
      if (userID === '') throw argsError('userID is empty');
      requireSelf(ctx, userID);
      const [row] = await rows.bySeqs(ctx.tenant, [{ conversationID, seqs: [seq] }]);
      if (!row?.msgData) throw notFound('message');
      const message = decode('sdkws.MsgData', row.msgData);
      if (!ctx.opAdmin) {
        const bounds = (await loadReadBounds(deps, ctx.tenant, userID, [conversationID])).get(conversationID);
        if (!bounds || seq < bounds.min || seq > bounds.max || !bounds.sees(message))
          throw notFound('message');
      }
      const event = { conversationID, seq, userID };
      const report = () =>
        webhooks.after(ctx, 'afterRevokeMsg', event, { id: [conversationID, seq].join(KEY_SEPARATOR) });
      if (row.revoked) {
        // Their first attempt may have ended before the event was stored.
        if (row.revoked.userID === userID) await report();
        throw new ImError(ERR.MsgAlreadyRevoke);
      }
      const authority = await authorityOf(deps, ctx, userID, conversationID, [message.sendID]);
      requireMayRevoke(authority, message);
      // Senders may always revoke their own message: that shows others nothing new, and works once for each message.
      if (message.sendID !== userID) {
        const { sessionType, groupID } = message;
        await requireMayReach(deps, ctx, userID, { sessionType, groupID, peerID: message.sendID });
      }
      const time = Date.now();
      const by = { role: authority.role, userID, nickname: authority.nickname, time };
      if (!(await changes.revoke(ctx.tenant, conversationID, seq, by)))
        throw new ImError(ERR.MsgAlreadyRevoke);
      await notifications.revoked(
        ctx,
        message,
        make('sdkws.RevokeMsgTips', {
          revokerUserID: userID,
          clientMsgID: message.clientMsgID,
          revokeTime: time,
          sesstionType: message.sessionType,
          seq,
          conversationID,
          isAdminRevoke: ctx.opAdmin,
        }),
      );
      await report();
      return make('msg.RevokeMsgResp');
    },
  };
}
