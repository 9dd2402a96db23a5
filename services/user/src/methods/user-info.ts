import { reportEvent } from '@im/domain';
import { type CallContext, detached, pageRange, requireAdmin, requireSelf } from '@im/kit';
import { acceptLoss } from '@im/process';
import {
  argsError,
  CONTENT,
  checkLimits,
  ERR,
  ImError,
  MANAGER_LEVEL,
  make,
  RECV_OPT,
  SESSION,
  type sdkws,
} from '@im/protocol';
import type { NewUser, UserChanges } from '@im/store';
import type { BeforeReply } from '@im/webhooks';
import type { UserDeps, UserMethods } from '../deps.ts';
import { checkUserID, requireRoom } from '../limits.ts';

type UserInfoMethods = UserMethods<
  | 'userRegister'
  | 'updateUserInfo'
  | 'updateUserInfoEx'
  | 'setGlobalRecvMessageOpt'
  | 'getDesignateUsers'
  | 'getAllUserID'
  | 'accountCheck'
  | 'getPaginationUsers'
  | 'userRegisterCount'
>;

/** Time for notifying friends and groups of a changed profile. */
const FAN_OUT_MS = 60_000;
const ORDINARY_LEVELS = [MANAGER_LEVEL.Ordinary, MANAGER_LEVEL.AppOrdinary];

function firstRepeated(values: readonly string[]): string | undefined {
  return new Set(values).size === values.length ? undefined : values.find((v, i) => values.indexOf(v) !== i);
}

function toNewUser(user: sdkws.UserInfo, createTime: number): NewUser {
  checkUserID(user.userID);
  if (user.nickname === '') throw argsError('user name is empty');
  const { userID, nickname, faceURL, ex, appMangerLevel, globalRecvMsgOpt } = user;
  return { userID, nickname, faceURL, ex, appMangerLevel, globalRecvMsgOpt, createTime };
}

/** The users to register. @throws ImError 1001 for an id or a name that users cannot have. */
function toNewUsers(given: readonly sdkws.UserInfo[]): NewUser[] {
  if (given.length === 0) throw argsError('users is empty');
  const repeated = firstRepeated(given.map(({ userID }) => userID));
  if (repeated !== undefined) throw argsError('userID repeated');
  const now = Date.now();
  return given.map((user) => toNewUser(user, now));
}

function registeredAlready(userIDs: readonly string[]): ImError {
  return new ImError(ERR.RegisteredAlreadyError, `userID registered already, userIDs=${userIDs.join(',')}`);
}

/** What a webhook may replace of a profile. */
type Profile<T> = Readonly<Record<'nickname' | 'faceURL' | 'ex', T>>;

/** The profile as the answer to a webhook has it. @throws ImError 1001 for a text that is too long. */
function replaced<T>(
  given: Profile<T>,
  reply: BeforeReply['beforeUpdateUserInfo'] | undefined,
): Profile<T | string> {
  if (!reply) return given;
  const { nickName = given.nickname, faceURL = given.faceURL, ex = given.ex } = reply;
  const changes = { nickname: nickName, faceURL, ex };
  checkLimits('sdkws.UserInfoWithEx', make('sdkws.UserInfoWithEx', changes as Profile<string>));
  return changes;
}

/** Registration and profiles. */
export function userInfoMethods(deps: UserDeps): UserInfoMethods {
  const { users, deletions, notifier, rpc, tenants, tasks, metrics, profileChanges, webhooks } = deps;
  const registrations = metrics.counter('user_register_total', 'Registered users');

  async function notify(ctx: CallContext, userID: string): Promise<void> {
    await notifier.send(
      ctx,
      {
        contentType: CONTENT.UserInfoUpdated,
        sessionType: SESSION.Single,
        sendID: ctx.opUserID === '' ? userID : ctx.opUserID,
        recvID: userID,
      },
      'sdkws.UserInfoUpdatedTips',
      make('sdkws.UserInfoUpdatedTips', { userID }),
    );
  }

  /** Friends and groups are notified in the background; if that is lost, clients read the new name with the next list. */
  function notifyFriendsAndGroups(ctx: CallContext, userID: string): void {
    const later = detached(ctx, FAN_OUT_MS);
    tasks.spawn(
      'profile-friends',
      async () => {
        await rpc
          .client('relation')
          .userProfileChanged(later, make('relation.UserProfileChangedReq', { userID }));
      },
      { onRefused: acceptLoss },
    );
    tasks.spawn(
      'profile-groups',
      async () => {
        await rpc.client('group').userProfileChanged(later, make('group.UserProfileChangedReq', { userID }));
      },
      { onRefused: acceptLoss },
    );
  }

  /** A new name or picture is notified to all friends and groups, so these changes have a separate limit. */
  async function admit(ctx: CallContext, userID: string, { nickname, faceURL }: UserChanges): Promise<void> {
    if (ctx.opAdmin || (nickname === undefined && faceURL === undefined)) return;
    const known = (await users.getMany(ctx.tenant, [userID])).get(userID);
    if (!known) return;
    const renamed = nickname !== undefined && nickname !== known.nickname;
    const otherFace = faceURL !== undefined && faceURL !== known.faceURL;
    if (renamed || otherFace) profileChanges.take(ctx);
  }

  async function change(ctx: CallContext, userID: string, changes: UserChanges): Promise<void> {
    const { globalRecvMsgOpt: opt = RECV_OPT.Receive } = changes;
    if (opt < RECV_OPT.Receive || opt > RECV_OPT.NotNotify)
      throw argsError('globalRecvMsgOpt must be 0 to 2');
    await admit(ctx, userID, changes);
    const changed = await users.update(ctx.tenant, userID, changes);
    if (!changed) throw new ImError(ERR.RecordNotFoundError, 'record not found');
    const { before, after } = changed;
    await notify(ctx, userID);
    if (before.nickname !== after.nickname || before.faceURL !== after.faceURL)
      notifyFriendsAndGroups(ctx, userID);
  }

  /** The users to register, as the answer to the webhook has them. */
  async function replacedByHook(ctx: CallContext, asked: NewUser[]): Promise<NewUser[]> {
    if (!webhooks.enabled(ctx, 'beforeUserRegister')) return asked;
    const ids = asked.map(({ userID }) => userID);
    const missing = new Set(await users.missing(ctx.tenant, ids));
    const taken = ids.filter((id) => !missing.has(id));
    if (taken.length > 0) throw registeredAlready(taken);
    const reply = await webhooks.before(ctx, 'beforeUserRegister', { users: asked });
    if (!reply?.users?.length) return asked;
    checkLimits('user.UserRegisterReq', make('user.UserRegisterReq', { users: reply.users }));
    return toNewUsers(reply.users);
  }

  return {
    async userRegister(ctx, { users: given }) {
      const newUsers = await replacedByHook(ctx, toNewUsers(given));
      await requireRoom(deps, ctx, newUsers.length);
      // Messages and groups may still name a deleted account: a new user would inherit them.
      const ids = newUsers.map(({ userID }) => userID);
      const deleted = await deletions.deleted(ctx.tenant, ids);
      if (deleted.length > 0) throw registeredAlready(deleted);
      const taken = await users.insert(ctx.tenant, newUsers);
      if (taken.length > 0) throw registeredAlready(taken);
      registrations.inc(newUsers.length);
      // It cannot be repeated: the same ids would be registered already.
      await reportEvent(deps, ctx, 'afterUserRegister', { users: newUsers });
      return make('user.UserRegisterResp');
    },
    async updateUserInfo(ctx, { userInfo }) {
      if (!userInfo) throw argsError('userInfo is empty');
      const { userID, nickname, faceURL, ex, globalRecvMsgOpt } = userInfo;
      requireSelf(ctx, userID);
      // OpenIM leaves ex out of what it asks with, and reports it as empty.
      const asked = { userID, nickName: nickname, faceURL, ex: null };
      const changes = replaced(
        { nickname, faceURL, ex },
        await webhooks.before(ctx, 'beforeUpdateUserInfo', asked),
      );
      // Only what is set is applied: an empty text or a zero leaves the field as it is.
      await change(ctx, userID, {
        nickname: changes.nickname || undefined,
        faceURL: changes.faceURL || undefined,
        ex: changes.ex || undefined,
        globalRecvMsgOpt: globalRecvMsgOpt || undefined,
      });
      const { nickname: nickName } = changes;
      const event = { userID, nickName, faceURL: changes.faceURL, ex: '' };
      await webhooks.after(ctx, 'afterUpdateUserInfo', event);
      return make('user.UpdateUserInfoResp');
    },
    async updateUserInfoEx(ctx, { userInfo }) {
      if (!userInfo) throw argsError('userInfo is empty');
      const { userID, nickname, faceURL, ex, globalRecvMsgOpt } = userInfo;
      requireSelf(ctx, userID);
      const asked = { userID, nickName: nickname, faceURL, ex };
      const changes = replaced(
        { nickname, faceURL, ex },
        await webhooks.before(ctx, 'beforeUpdateUserInfoEx', asked),
      );
      await change(ctx, userID, {
        nickname: changes.nickname ?? undefined,
        faceURL: changes.faceURL ?? undefined,
        ex: changes.ex ?? undefined,
        globalRecvMsgOpt: globalRecvMsgOpt ?? undefined,
      });
      const { nickname: nickName } = changes;
      const event = { userID, nickName, faceURL: changes.faceURL, ex: changes.ex };
      await webhooks.after(ctx, 'afterUpdateUserInfoEx', event);
      return make('user.UpdateUserInfoExResp');
    },
    async setGlobalRecvMessageOpt(ctx, { userID, globalRecvMsgOpt }) {
      requireSelf(ctx, userID);
      const changed = await users.update(ctx.tenant, userID, { globalRecvMsgOpt });
      if (!changed) throw new ImError(ERR.RecordNotFoundError, 'record not found');
      await notify(ctx, userID);
      return make('user.SetGlobalRecvMessageOptResp');
    },
    async getDesignateUsers(ctx, { userIDs }) {
      const found = await users.getMany(ctx.tenant, userIDs);
      const usersInfo = [...new Set(userIDs)].flatMap((id) => found.get(id) ?? []);
      return make('user.GetDesignateUsersResp', { usersInfo });
    },
    async getAllUserID(ctx, { pagination }) {
      return make('user.GetAllUserIDResp', await users.pageIDs(ctx.tenant, pageRange(pagination)));
    },
    async accountCheck(ctx, { checkUserIDs }) {
      if (firstRepeated(checkUserIDs) !== undefined) throw argsError('userID repeated');
      const missing = new Set(await users.missing(ctx.tenant, checkUserIDs));
      const results = checkUserIDs.map((userID) =>
        make('user.AccountCheckSingleUserStatus', { userID, accountStatus: missing.has(userID) ? 0 : 1 }),
      );
      return make('user.AccountCheckResp', { results });
    },
    async getPaginationUsers(ctx, { pagination, userID, nickName }) {
      if (tenants.get(ctx.tenant)?.searchByAdminsOnly) requireAdmin(ctx);
      const query = { levels: ORDINARY_LEVELS, userID, nickname: nickName };
      return make('user.GetPaginationUsersResp', await users.page(ctx.tenant, query, pageRange(pagination)));
    },
    async userRegisterCount(ctx, { start, end }) {
      if (start > end) throw argsError('start is later than end');
      const { total, before, days } = await users.registered(ctx.tenant, start, end);
      return make('user.UserRegisterCountResp', { total, before, count: days });
    },
  };
}
