import { NOTIFICATIONS_AT_ONCE } from '@im/domain';
import { eachLimited } from '@im/kit';
import { make } from '@im/protocol';
import type { RelationDeps, RelationMethods } from '../deps.ts';

type UserProfileChangedMethods = RelationMethods<'userProfileChanged'>;

/** What follows from a changed nickname or face. */
export function userProfileChangedMethods(deps: RelationDeps): UserProfileChangedMethods {
  const { friends, notifications } = deps;

  return {
    async userProfileChanged(ctx, { userID }) {
      // All users who have this one as a friend, whether or not they are in this user's own list.
      const owners = await friends.ownersOf(ctx.tenant, userID);
      await friends.touch(ctx.tenant, owners, userID);
      await eachLimited(owners, NOTIFICATIONS_AT_ONCE, (id) => notifications.profileChanged(ctx, userID, id));
      return make('relation.UserProfileChangedResp');
    },
  };
}
