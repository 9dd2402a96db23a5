import { eachLimited } from '@im/kit';
import { make } from '@im/protocol';
import { relationNotices } from '../notices.ts';
import type { RelationMethods, RelationParts } from '../parts.ts';

const NOTICES_AT_ONCE = 50;

/** What follows from a changed nickname or face. */
export function profileChangedMethods({
  friends,
  notifier,
  reach,
}: RelationParts): RelationMethods<'userProfileChanged'> {
  const notices = relationNotices(notifier, reach);

  return {
    async userProfileChanged(ctx, { userID }) {
      // Whoever shows the profile is told, whether or not they stand in this user's own list.
      const owners = await friends.ownersOf(ctx.tenant, userID);
      await friends.touch(ctx.tenant, owners, userID);
      await eachLimited(owners, NOTICES_AT_ONCE, (id) => notices.profileChanged(ctx, userID, id));
      return make('relation.UserProfileChangedResp');
    },
  };
}
