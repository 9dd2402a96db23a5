import { type CallContext, requireSelf } from '@im/kit';
import { argsError, CONTENT, ERR, ImError, make, SESSION } from '@im/protocol';
import type { UserDeps, UserMethods } from '../deps.ts';

type UserCommandMethods = UserMethods<
  | 'processUserCommandAdd'
  | 'processUserCommandDelete'
  | 'processUserCommandUpdate'
  | 'processUserCommandGet'
  | 'processUserCommandGetAll'
>;

type CommandContentType =
  | typeof CONTENT.UserCommandAdd
  | typeof CONTENT.UserCommandDelete
  | typeof CONTENT.UserCommandUpdate;

/** What users keep on the server for themselves, such as saved messages; their other devices are notified. */
export function userCommandMethods({ commands, limits, notifier }: UserDeps): UserCommandMethods {
  async function notify(ctx: CallContext, userID: string, contentType: CommandContentType): Promise<void> {
    const tips = { fromUserID: userID, toUserID: userID };
    await notifier.send(
      ctx,
      { contentType, sessionType: SESSION.Single, sendID: userID, recvID: userID },
      'sdkws.UserCommandAddTips',
      make('sdkws.UserCommandAddTips', tips),
    );
  }
  function unknown(): ImError {
    return new ImError(ERR.RecordNotFoundError, 'record not found');
  }

  return {
    async processUserCommandAdd(ctx, { userID, type, uuid, value, ex }) {
      requireSelf(ctx, userID);
      const most = limits().userCommands;
      const content = { value: value ?? '', ex: ex ?? '' };
      if (!(await commands.add(ctx.tenant, { userID, type, uuid }, content, most))) {
        throw argsError(`a user keeps at most ${most} commands (limits.userCommands): delete some first`);
      }
      await notify(ctx, userID, CONTENT.UserCommandAdd);
      return make('user.ProcessUserCommandAddResp');
    },
    async processUserCommandUpdate(ctx, { userID, type, uuid, value, ex }) {
      requireSelf(ctx, userID);
      // Nothing given changes nothing, and is no error even when there is no such command.
      if (value === null && ex === null) return make('user.ProcessUserCommandUpdateResp');
      const changes = { value: value ?? undefined, ex: ex ?? undefined };
      if (!(await commands.update(ctx.tenant, { userID, type, uuid }, changes))) throw unknown();
      await notify(ctx, userID, CONTENT.UserCommandUpdate);
      return make('user.ProcessUserCommandUpdateResp');
    },
    async processUserCommandDelete(ctx, { userID, type, uuid }) {
      requireSelf(ctx, userID);
      if (!(await commands.remove(ctx.tenant, { userID, type, uuid }))) throw unknown();
      await notify(ctx, userID, CONTENT.UserCommandDelete);
      return make('user.ProcessUserCommandDeleteResp');
    },
    async processUserCommandGet(ctx, { userID, type }) {
      requireSelf(ctx, userID);
      return make('user.ProcessUserCommandGetResp', {
        CommandResp: await commands.list(ctx.tenant, userID, type),
      });
    },
    async processUserCommandGetAll(ctx, { userID }) {
      requireSelf(ctx, userID);
      return make('user.ProcessUserCommandGetAllResp', {
        CommandResp: await commands.list(ctx.tenant, userID),
      });
    },
  };
}
