import type { BeforeEvent } from '@im/contract';
import { z } from 'zod';

/** A field that changes nothing when it is absent or null. */
const given = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined);

const int32 = z.int().min(-2_147_483_648).max(2_147_483_647);
const text = given(z.string());
const number = given(int32);
const flag = given(z.boolean());
const ids = given(z.array(z.string()));
const long = given(z.int());

const pushInfo = given(
  z.object({
    title: z.string().default(''),
    desc: z.string().default(''),
    ex: z.string().default(''),
    iOSPushSound: z.string().default(''),
    iOSBadgeCount: z.boolean().default(false),
    signalInfo: z.string().default(''),
  }),
);

const nothing = z.object({});
const userChange = z.object({ nickName: text, faceURL: text, ex: text });
const groupChange = z.object({
  groupID: text,
  groupName: text,
  notification: text,
  introduction: text,
  faceURL: text,
  ex: text,
  needVerification: number,
  lookMemberInfo: number,
  applyMemberFriend: number,
});
const conversation = z.object({
  recvMsgOpt: number,
  isPinned: flag,
  isPrivateChat: flag,
  burnDuration: number,
  groupAtType: number,
  attachedInfo: text,
  ex: text,
});

/** What the answer to each before-event may change, besides refusing it. */
export const REPLIES = {
  beforeSendSingleMsg: nothing,
  beforeSendGroupMsg: nothing,
  beforeMsgModify: z.object({
    content: text,
    recvID: text,
    groupID: text,
    clientMsgID: text,
    serverMsgID: text,
    senderPlatformID: number,
    senderNickname: text,
    senderFaceURL: text,
    sessionType: number,
    msgFrom: number,
    contentType: number,
    status: number,
    options: given(z.record(z.string(), z.boolean())),
    offlinePushInfo: pushInfo,
    atUserIDList: ids,
    attachedInfo: text,
    ex: text,
  }),
  beforeOfflinePush: z.object({ userIDList: ids, offlinePushInfo: pushInfo }),
  beforeOnlinePush: nothing,
  beforeGroupOnlinePush: z.object({ userIDList: ids }),
  beforeAddFriend: nothing,
  beforeAddFriendAgree: nothing,
  beforeSetFriendRemark: z.object({ remark: text }),
  beforeAddBlack: nothing,
  beforeImportFriends: z.object({ friendUserIDs: ids }),
  beforeUserRegister: z.object({
    users: given(
      z.array(
        z.object({
          userID: z.string(),
          nickname: z.string().default(''),
          faceURL: z.string().default(''),
          ex: z.string().default(''),
          createTime: z.int().default(0),
          appMangerLevel: int32.default(0),
          globalRecvMsgOpt: int32.default(0),
        }),
      ),
    ),
  }),
  beforeUpdateUserInfo: userChange,
  beforeUpdateUserInfoEx: userChange,
  beforeCreateGroup: z.object({
    groupID: text,
    groupName: text,
    notification: text,
    introduction: text,
    faceURL: text,
    ownerUserID: text,
    ex: text,
    status: number,
    creatorUserID: text,
    groupType: number,
    needVerification: number,
    lookMemberInfo: number,
    applyMemberFriend: number,
  }),
  beforeMemberJoinGroup: z.object({
    memberCallbackList: given(
      z.array(
        z.object({
          userID: z.string(),
          nickname: text,
          faceURL: text,
          roleLevel: number,
          muteEndTime: long,
          ex: text,
        }),
      ),
    ),
  }),
  beforeSetGroupMemberInfo: z.object({ ex: text, nickName: text, faceURL: text, roleLevel: number }),
  beforeApplyJoinGroup: nothing,
  beforeInviteUserToGroup: nothing,
  beforeSetGroupInfo: groupChange,
  beforeSetGroupInfoEx: groupChange,
  beforeCreateSingleChatConversations: conversation,
  beforeCreateGroupChatConversations: conversation,
} satisfies Record<BeforeEvent, z.ZodObject>;

/** What an answer changes, by event; what is undefined stays as it is. */
export type BeforeReply = { readonly [E in BeforeEvent]: z.output<(typeof REPLIES)[E]> };

/** The fields that an answer, or a part of it, changes. */
export function changesOf<T extends object>(reply: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(reply).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}

/** What decides over every event. */
const verdict = z.object({
  actionCode: number,
  errCode: number,
  errMsg: text,
  errDlt: text,
  nextCode: number,
});

/** An answer as read. */
export type ReadReply<E extends BeforeEvent> =
  | { readonly refused: { readonly errCode: number; readonly errMsg: string; readonly errDlt: string } }
  | { readonly reply: BeforeReply[E] };

/**
 * Reads the answer to a before-event. Keys count in any case, as with OpenIM.
 * @throws Error that names the field when it is not JSON of the event's shape.
 */
export function readReply<E extends BeforeEvent>(event: E, body: string): ReadReply<E> {
  const parsed: unknown = JSON.parse(body);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new Error('the answer is not a JSON object');
  const { actionCode = 0, errCode = 0, errMsg = '', errDlt = '', nextCode = 0 } = shaped(verdict, parsed);
  if (actionCode === 0 && nextCode === 1) return { refused: { errCode, errMsg, errDlt } };
  return { reply: shaped(REPLIES[event] as z.ZodObject, parsed) as BeforeReply[E] };
}

function shaped<S extends z.ZodObject>(schema: S, value: object): z.output<S> {
  const names = new Map(Object.keys(schema.shape).map((name) => [name.toLowerCase(), name]));
  const known: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    const name = names.get(key.toLowerCase());
    if (name !== undefined) known[name] = field;
  }
  const parsed = schema.safeParse(known);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${issue?.path.join('.') ?? 'the answer'}: ${issue?.message ?? 'has another type'}`);
}
