import { requireAdmin } from '@im/kit';
import { argsError, make } from '@im/protocol';
import type { UserCursor } from '@im/store';
import type { UserDeps, UserMethods } from '../deps.ts';

const MAX_PAGE = 500;

function writeCursor({ createTime, userID }: UserCursor): string {
  return `${createTime} ${userID}`;
}

function readCursor(text: string): UserCursor | undefined {
  if (text === '') return undefined;
  const [, time, userID = ''] = /^(\d{1,16}) (.+)$/s.exec(text) ?? [];
  if (time === undefined) throw argsError('cursor must be that of the page before');
  return { createTime: Number(time), userID };
}

/** Lists of users for administrators. */
export function searchUsersMethods({ users }: Pick<UserDeps, 'users'>): UserMethods<'searchUsers'> {
  return {
    async searchUsers(ctx, { userID, nickName, limit, cursor }) {
      requireAdmin(ctx);
      if (limit < 1 || limit > MAX_PAGE) throw argsError(`limit must be 1 to ${MAX_PAGE}`);
      const query = { userID, nickname: nickName };
      const found = await users.newest(ctx.tenant, query, limit, readCursor(cursor));
      return make('user.SearchUsersResp', {
        users: found.users,
        cursor: found.next ? writeCursor(found.next) : '',
      });
    },
  };
}
