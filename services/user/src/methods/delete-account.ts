import { requireAdmin } from '@im/kit';
import { argsError, ERR, ImError, make } from '@im/protocol';
import type { AccountDeletion, AccountDeletionRepo } from '@im/store';
import type { UserDeps, UserMethods } from '../deps.ts';

type DeleteAccountMethods = UserMethods<'deleteAccount' | 'getAccountDeletion' | 'searchAccountDeletions'>;

const MAX_PAGE = 500;
const MODES = ['delete', 'anonymize'] as const;

function modeOf(text: string): AccountDeletion['mode'] {
  const mode = MODES.find((name) => name === text);
  if (!mode) throw argsError(`mode must be one of ${MODES.join(', ')}`);
  return mode;
}

function toMessage({ userID, mode, erase, admin, state, step, removed, ...rest }: AccountDeletion) {
  const { requested, finished, attempts, error } = rest;
  return make('user.AccountDeletion', {
    ...{ userID, mode, erase, adminUserID: admin, state, step, removed: { ...removed } },
    ...{ requestTime: requested, finishTime: finished, attempts, error },
  });
}

/** Deletions of accounts: asked for here, done in the background. */
export function deleteAccountMethods(
  { users, tenants }: Pick<UserDeps, 'users' | 'tenants'>,
  repo: AccountDeletionRepo,
  deletions: { readonly firstStep: string; wake(): void },
): DeleteAccountMethods {
  return {
    async deleteAccount(ctx, { userID, mode, erase, nickName }) {
      requireAdmin(ctx);
      if (tenants.get(ctx.tenant)?.adminUserIDs.includes(userID))
        throw argsError('userID is an administrator: take them out of adminUserIDs first');
      const wanted: AccountDeletion = {
        ...{ userID, mode: modeOf(mode), erase, nickname: nickName, admin: ctx.opUserID },
        ...{ requested: Date.now(), state: 'running', step: deletions.firstStep, cursor: '' },
        ...{ removed: {}, finished: 0, attempts: 0, error: '' },
      };
      const before = await repo.get(ctx.tenant, userID);
      if (!before && !(await users.get(ctx.tenant, userID)))
        throw new ImError(ERR.UserIDNotFoundError, `there is no user ${userID}`);
      let deletion = await repo.begin(ctx.tenant, wanted);
      // What a deletion that is done has left can still go.
      const goesFurther =
        (erase && !deletion.erase) || (wanted.mode === 'delete' && deletion.mode !== 'delete');
      if (deletion.state === 'running' && goesFurther)
        throw new ImError(
          ERR.DuplicateKeyError,
          'a deletion that leaves more is running: ask again once it is done',
        );
      if (deletion.state === 'done' && goesFurther) {
        const both = { ...wanted, erase: erase || deletion.erase };
        deletion = (await repo.again(ctx.tenant, both)) ?? deletion;
      }
      deletions.wake();
      return make('user.DeleteAccountResp', { deletion: toMessage(deletion) });
    },
    async getAccountDeletion(ctx, { userID }) {
      requireAdmin(ctx);
      const found = await repo.get(ctx.tenant, userID);
      return make('user.GetAccountDeletionResp', found ? { deletion: toMessage(found) } : {});
    },
    async searchAccountDeletions(ctx, { limit, cursor }) {
      requireAdmin(ctx);
      if (limit < 1 || limit > MAX_PAGE) throw argsError(`limit must be 1 to ${MAX_PAGE}`);
      const { deletions: found, next = '' } = await repo.list(ctx.tenant, limit, cursor || undefined);
      return make('user.SearchAccountDeletionsResp', { deletions: found.map(toMessage), cursor: next });
    },
  };
}
