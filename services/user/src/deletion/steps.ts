import type { CallContext } from '@im/kit';
import { type account, make } from '@im/protocol';
import type { AccountDeletion } from '@im/store';
import type { UserDeps } from '../deps.ts';

/** What a call of a step removed; there may be more. */
export type StepResult = Pick<account.RemoveUserDataResp, 'removed' | 'cursor' | 'more'>;

/** A step of a deletion, done part by part. Each may be repeated, as when a process dies before its progress is stored. */
export type Step = (ctx: CallContext, deletion: AccountDeletion) => Promise<StepResult>;

export type DeletionDeps = Pick<UserDeps, 'users' | 'commands' | 'configs' | 'rpc'>;

/**
 * The steps of a deletion, in their order: logins are refused from the first one on; the name goes before groups and friends,
 * so that they are notified of no other; the profile goes last, as others are checked against it.
 */
export function deletionSteps({ users, commands, configs, rpc }: DeletionDeps): ReadonlyMap<string, Step> {
  const request = ({ userID, erase, cursor }: AccountDeletion) =>
    make('account.RemoveUserDataReq', { userID, erase, cursor });

  return new Map<string, Step>([
    ['logins', (ctx, deletion) => rpc.client('auth').removeUserData(ctx, request(deletion))],
    [
      'name',
      async (ctx, { userID, nickname }) => {
        const changed = await users.update(ctx.tenant, userID, { nickname, faceURL: '', ex: '' });
        if (!changed) return { removed: 0, cursor: '', more: false };
        await rpc
          .client('relation')
          .userProfileChanged(ctx, make('relation.UserProfileChangedReq', { userID }));
        await rpc.client('group').userProfileChanged(ctx, make('group.UserProfileChangedReq', { userID }));
        return { removed: 1, cursor: '', more: false };
      },
    ],
    ['groups', (ctx, deletion) => rpc.client('group').removeUserData(ctx, request(deletion))],
    ['friends', (ctx, deletion) => rpc.client('relation').removeUserData(ctx, request(deletion))],
    ['messages', (ctx, deletion) => rpc.client('msg').removeUserData(ctx, request(deletion))],
    ['conversations', (ctx, deletion) => rpc.client('conversation').removeUserData(ctx, request(deletion))],
    ['devices', (ctx, deletion) => rpc.client('third').removeUserData(ctx, request(deletion))],
    [
      'profile',
      async ({ tenant }, { userID, mode }) => {
        const own = (await commands.removeAll(tenant, userID)) + (await configs.removeAll(tenant, userID));
        const gone = mode === 'delete' && (await users.remove(tenant, userID));
        return { removed: own + (gone ? 1 : 0), cursor: '', more: false };
      },
    ],
  ]);
}
