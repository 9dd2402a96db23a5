import { type AccountDeletion, deleteUser, getUserDeletion, listDeletions } from '@im/admin-api';
import { ERR, ImError, make, type user } from '@im/protocol';
import { type AdminRoute, adminRoute } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';

function deletionOf(deletion: user.AccountDeletion): AccountDeletion {
  const { userID, erase, step, removed, requestTime, finishTime, attempts, error } = deletion;
  return {
    ...{ userID, erase, step, removed: { ...removed }, requestTime, finishTime, attempts, error },
    mode: deletion.mode === 'anonymize' ? 'anonymize' : 'delete',
    state: deletion.state === 'done' ? 'done' : 'running',
    adminID: deletion.adminUserID,
  };
}

/** The end of accounts. */
export const deletionRoutes: readonly AdminRoute[] = [
  adminRoute(deleteUser, 'user.deleteAccount', async ({ ctx, rpc }, { params, body }) => {
    const { mode, erase, nickname } = body;
    const request = make('user.DeleteAccountReq', { ...params, mode, erase, nickName: nickname });
    const { deletion } = await rpc.client('user').deleteAccount(ctx, request);
    return { deletion: deletionOf(deletion ?? make('user.AccountDeletion', params)) };
  }),
  adminRoute(getUserDeletion, 'user.getAccountDeletion', async ({ ctx, rpc }, { params }) => {
    const request = make('user.GetAccountDeletionReq', params);
    const { deletion } = await rpc.client('user').getAccountDeletion(ctx, request);
    if (!deletion)
      throw new ImError(ERR.RecordNotFoundError, `no deletion of ${params.userID} was asked for`);
    return { deletion: deletionOf(deletion) };
  }),
  adminRoute(listDeletions, 'user.searchAccountDeletions', async ({ ctx, rpc }, { query }) => {
    const { limit, cursor } = query;
    const request = make('user.SearchAccountDeletionsReq', { limit, cursor: fromOpaque(cursor) });
    const found = await rpc.client('user').searchAccountDeletions(ctx, request);
    return { deletions: found.deletions.map(deletionOf), ...opaque(found.cursor) };
  }),
];
