import assert from 'node:assert/strict';
import { tenantId } from '@im/contract';
import type { CallContext } from '@im/kit';
import { convert, make, type msg, type sdkws } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import { conversationSettingsChanges, groupMemberChanges, groupRepo, type Store } from '@im/store';
import { eventually, startDomain, type TestDomain } from '@im/testing';
import { msgService } from '../src/index.ts';
import { type FoldingLog, foldingLog } from './folding-log.ts';

/** Two tenants with the same ids; the second has a separate database. */
export const ONE = tenantId('one');
export const TWO = tenantId('two');
const SECRETS = { tokenSecret: 's', adminSecret: 's' };
const USERS = ['a', 'b', 'c', 'b_c', 'a_b', 'imAdmin', ...Array.from({ length: 9 }, (_, i) => `u${i + 1}`)];

/** The msg domain on real stores. */
export type Fixture = Omit<TestDomain<'msg'>, 'bus'> & {
  readonly log: FoldingLog;
  /** Error of the conversation domain for new lower bounds; undefined to accept them. */
  refuseMinSeqs: Error | undefined;
};

/** Starts everything; the users u1..u9, a, b, c and imAdmin exist in both tenants. */
export async function startFixture(): Promise<Fixture> {
  let folding: FoldingLog | undefined;
  let fixture: Fixture | undefined;
  const domain = await startDomain(msgService, {
    servers: ['mongo', 'redis'],
    tenants: [
      { id: ONE, ...SECRETS },
      { id: TWO, ...SECRETS, placement: 'Dedicated' },
    ],
    bus(store) {
      folding ??= foldingLog(store);
      return folding.bus;
    },
    fakes: (store) => ({ conversation: conversationFake(store, () => fixture?.refuseMinSeqs) }),
  });
  assert.ok(folding);
  await eventually(() => assert.ok(domain.store.redis.up));
  const users = USERS.map((userID) => ({ userID, nickname: `Name of ${userID}` }));
  for (const tenant of [ONE, TWO]) await domain.addUsers(tenant, ...users);
  fixture = Object.assign(domain, { log: folding, refuseMinSeqs: undefined });
  return fixture;
}

/** The part of the conversation domain that msg calls. */
function conversationFake(
  store: Store,
  refusal: () => Error | undefined,
): Pick<DomainService<'conversation'>, 'setMinSeqs' | 'setGroupAtType'> {
  const records = conversationSettingsChanges(store);
  return {
    async setMinSeqs(ctx, { ownerUserID, minSeqs }) {
      const error = refusal();
      if (error) throw error;
      await records.setMinSeqs(
        ctx.tenant,
        ownerUserID,
        minSeqs.map(({ conversationID, minSeq }) => ({ conversationID, minSeq })),
      );
      return make('conversation.SetMinSeqsResp');
    },
    async setGroupAtType(ctx, { groupID, groupAtType, userIDs, exceptUserIDs }) {
      const owners = userIDs.length > 0 ? { only: userIDs } : { except: exceptUserIDs };
      await records.setGroupAtType(ctx.tenant, `sg_${groupID}`, groupAtType, owners);
      return make('conversation.SetGroupAtTypeResp');
    },
  };
}

/** A call by a user. */
export function by(userID: string, change: Partial<CallContext> = {}): CallContext {
  return {
    tenant: ONE,
    operationID: `op-${Math.random().toString(36).slice(2)}`,
    deadline: Date.now() + 30_000,
    opUserID: userID,
    opPlatformID: 2,
    opAdmin: false,
    connID: 'conn',
    ...change,
  };
}

/** A call by an administrator. */
export function byAdmin(change: Partial<CallContext> = {}): CallContext {
  return by('imAdmin', { opAdmin: true, connID: '', ...change });
}

/** A text message of a single chat. */
export function text(sendID: string, recvID: string, words: string, change: Partial<sdkws.MsgData> = {}) {
  return make('sdkws.MsgData', {
    sendID,
    recvID,
    clientMsgID: `${sendID}-${Math.random()}`,
    sessionType: 1,
    contentType: 101,
    content: Buffer.from(JSON.stringify({ content: words })),
    senderNickname: `Name of ${sendID}`,
    createTime: Date.now(),
    status: 1,
    ...change,
  });
}

/** A text message of a group. */
export function groupText(
  sendID: string,
  groupID: string,
  words: string,
  change: Partial<sdkws.MsgData> = {},
) {
  return text(sendID, '', words, { groupID, sessionType: 3, ...change });
}

/** Sends by a batch, as gateways do. */
export async function send(fixture: Fixture, m: sdkws.MsgData, ctx = by(m.sendID)): Promise<msg.SendMsgResp> {
  const { msg: client } = fixture;
  return client.sendMsg(ctx, make('msg.SendMsgReq', { msgData: m }));
}

/** Makes a group with its members by the record that a real creation writes. The first is the owner, the second an admin. */
export async function makeGroup(fixture: Fixture, groupID: string, userIDs: readonly string[], tenant = ONE) {
  const { store, msg: client } = fixture;
  await groupRepo(store).insert(tenant, {
    groupID,
    groupName: `Group ${groupID}`,
    notification: '',
    introduction: '',
    faceURL: '',
    ex: '',
    status: 0,
    creatorUserID: userIDs[0] ?? '',
    groupType: 2,
    needVerification: 0,
    lookMemberInfo: 0,
    applyMemberFriend: 0,
    createTime: 1,
    notificationUpdateTime: 0,
    notificationUserID: '',
  });
  await groupMemberChanges(store).add(
    tenant,
    groupID,
    userIDs.map((userID, i) => ({
      groupID,
      userID,
      nickname: '',
      faceURL: '',
      roleLevel: [100, 60][i] ?? 20,
      joinTime: 1,
      joinSource: 2,
      inviterUserID: '',
      operatorUserID: '',
      muteEndTime: 0,
      ex: '',
    })),
  );
  await client.sendNotification(
    by(userIDs[0] ?? '', { tenant }),
    make('msg.SendNotificationReq', {
      contentType: 1501,
      sessionType: 3,
      sendID: userIDs[0] ?? '',
      recvID: groupID,
      detail: '{}',
      addedUserIDs: [...userIDs],
    }),
  );
}

/** Takes a member out by the record that a real departure writes. */
export async function leaveGroup(fixture: Fixture, groupID: string, userID: string): Promise<void> {
  await groupMemberChanges(fixture.store).remove(ONE, groupID, [userID]);
  await fixture.msg.sendNotification(
    by(userID),
    make('msg.SendNotificationReq', {
      contentType: 1504,
      sessionType: 3,
      sendID: userID,
      recvID: groupID,
      detail: '{}',
      removedUserIDs: [userID],
    }),
  );
}

/** Words of a text message; undefined for anything else. */
export function wordsOf(m: sdkws.MsgData): string | undefined {
  return m.content.length === 0 ? undefined : JSON.parse(Buffer.from(m.content).toString()).content;
}

/** What a client reads in the answer to a pull. */
export function readPull(answer: msg.EncodedPull): sdkws.PullMessageBySeqsResp {
  return convert('msg.EncodedPull', answer, 'sdkws.PullMessageBySeqsResp');
}

/** What a client reads in the answer that has last messages. */
export function readLast(answer: msg.EncodedLast): msg.GetLastMessageResp {
  return convert('msg.EncodedLast', answer, 'msg.GetLastMessageResp');
}
