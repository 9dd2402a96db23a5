import { NOTIFICATIONS_AT_ONCE } from '@im/domain';
import { type CallContext, eachLimited, requireSelf } from '@im/kit';
import { argsError, type conversation, ERR, ImError, make, RECV_OPT, SESSION } from '@im/protocol';
import { type ConversationChanges, type ConversationKey, notFound } from '@im/store';
import type { ConversationDeps, ConversationMethods } from '../deps.ts';
import { conversationNotifications } from '../notifications/conversation.ts';
import { recordKey, requireSameID } from '../record-key.ts';

const MAX_USERS = 1_000;

/** The settings of a request, without the one shared by both users of a chat. */
function ownSettings(wanted: conversation.ConversationReq): ConversationChanges {
  const { recvMsgOpt, isPinned, attachedInfo, ex, groupAtType, burnDuration } = wanted;
  const { msgDestructTime, isMsgDestruct } = wanted;
  if (recvMsgOpt !== null && (recvMsgOpt < RECV_OPT.Receive || recvMsgOpt > RECV_OPT.NotNotify)) {
    throw argsError('conversation.recvMsgOpt must be 0 to 2');
  }
  return {
    ...(recvMsgOpt !== null && { recvMsgOpt }),
    ...(isPinned !== null && { isPinned }),
    ...(attachedInfo !== null && { attachedInfo }),
    ...(ex !== null && { ex }),
    ...(groupAtType !== null && { groupAtType }),
    ...(burnDuration !== null && { burnDuration }),
    ...(msgDestructTime !== null && { msgDestructTime }),
    ...(isMsgDestruct !== null && { isMsgDestruct }),
  };
}

/** Changes settings of conversations. */
export function setConversationsMethods(
  deps: ConversationDeps,
): ConversationMethods<'setConversations' | 'updateConversationsByUser'> {
  const { records, changes, members, users, reach, peerChanges } = deps;
  const notifications = conversationNotifications(deps.notifier);

  /** Only members of a group create a record of it. @throws ImError 1203. */
  async function requireJoined(ctx: CallContext, keys: readonly ConversationKey[]): Promise<void> {
    const [first] = keys;
    if (!first) return;
    const owners = keys.map(({ ownerUserID }) => ownerUserID);
    const joined = new Set(
      (await members.find(ctx.tenant, first.groupID, owners)).map(({ userID }) => userID),
    );
    const others = owners.filter((owner) => !joined.has(owner));
    await eachLimited(others, NOTIFICATIONS_AT_ONCE, async (owner) => {
      const [record] = await records.find(ctx.tenant, owner, [first.conversationID]);
      if (!record) throw new ImError(ERR.NotInGroupYetError, `userID=${owner}`);
    });
  }

  /** Only users who may write to the peer change the peer's record. @throws ImError 1004, 1302, 1303. */
  async function requirePeers(ctx: CallContext, keys: readonly ConversationKey[]): Promise<void> {
    const peers = [...new Set(keys.map(({ userID }) => userID))];
    if ((await users.missing(ctx.tenant, peers)).length > 0) throw notFound('conversation.userID');
    await eachLimited(keys, NOTIFICATIONS_AT_ONCE, ({ ownerUserID, userID }) =>
      reach.require(ctx, ownerUserID, [userID]),
    );
  }

  /** Private chat is shared: both records change, and the peer is notified. */
  async function setPrivate(
    ctx: CallContext,
    keys: readonly ConversationKey[],
    isPrivateChat: boolean,
  ): Promise<void> {
    const mirrored = keys.map((key) => ({ ...key, ownerUserID: key.userID, userID: key.ownerUserID }));
    await changes.apply(ctx.tenant, [...keys, ...mirrored], { isPrivateChat });
    await eachLimited(keys, NOTIFICATIONS_AT_ONCE, ({ ownerUserID, userID, conversationID }) =>
      notifications.privateChatSet(ctx, ownerUserID, userID, conversationID, isPrivateChat),
    );
  }

  return {
    async setConversations(ctx, { userIDs, conversation: wanted }) {
      if (!wanted) throw argsError('conversation is empty');
      if (userIDs.length === 0) throw argsError('userIDs is empty');
      if (userIDs.length > MAX_USERS) throw argsError(`userIDs has more than ${MAX_USERS} elements`);
      const settings = ownSettings(wanted);
      const owners = [...new Set(userIDs)];
      const keys = owners.map((owner) => recordKey(owner, wanted));
      requireSameID(keys, wanted.conversationID);
      for (const owner of owners) requireSelf(ctx, owner);
      if (wanted.conversationType === SESSION.Group) await requireJoined(ctx, keys);
      else if (wanted.isPrivateChat !== null) await requirePeers(ctx, keys);

      if (Object.keys(settings).length > 0) {
        const changed = new Set(await changes.apply(ctx.tenant, keys, settings));
        await eachLimited(keys, NOTIFICATIONS_AT_ONCE, async ({ ownerUserID, conversationID }) => {
          if (changed.has(ownerUserID)) await notifications.changed(ctx, ownerUserID, [conversationID]);
        });
      }
      if (wanted.isPrivateChat !== null && wanted.conversationType !== SESSION.Group) {
        await setPrivate(ctx, keys, wanted.isPrivateChat);
      }
      return make('conversation.SetConversationsResp');
    },
    async updateConversationsByUser(ctx, { userID, ex }) {
      requireSelf(ctx, userID);
      if (ex !== null) {
        peerChanges.take(ctx);
        await changes.setExByPeer(ctx.tenant, userID, ex);
      }
      return make('conversation.UpdateConversationsByUserResp');
    },
  };
}
