import type { CallContext } from '@im/kit';
import { argsError, ERR, ImError } from '@im/protocol';
import type { GroupDeps } from './deps.ts';

/** Characters of a text of a group, which travels in every notification about it. */
const MAX_GROUP_TEXT = 16_384;
/** Characters of a text of a member, which travels in lists of members. */
const MAX_MEMBER_TEXT = 1_024;

type Texts = Readonly<Record<string, string | null | undefined>>;

function checkTexts(texts: Texts, most: number): void {
  for (const [field, text] of Object.entries(texts)) {
    if (text && text.length > most) throw argsError(`${field} is longer than ${most}`);
  }
}

/** @throws ImError 1001 that names the field that is too long. */
export const checkGroupTexts = (texts: Texts) => checkTexts(texts, MAX_GROUP_TEXT);
export const checkMemberTexts = (texts: Texts) => checkTexts(texts, MAX_MEMBER_TEXT);

/**
 * Whether the tenant's quotas leave room for these users in a group that has `present` members now.
 * @throws ImError 1002 that names the limit.
 */
export async function requireRoom(
  { tenants, members }: Pick<GroupDeps, 'tenants' | 'members'>,
  ctx: CallContext,
  present: number,
  userIDs: readonly string[],
): Promise<void> {
  const quotas = tenants.get(ctx.tenant)?.quotas;
  if (!quotas) return;
  if (present + userIDs.length > quotas.groupSize) {
    throw new ImError(ERR.NoPermissionError, `a group may have ${quotas.groupSize} members`);
  }
  if (quotas.groupsPerUser === 0) return;
  const counts = await members.joinedCounts(ctx.tenant, userIDs);
  for (const [userID, count] of counts) {
    if (count >= quotas.groupsPerUser) {
      throw new ImError(
        ERR.NoPermissionError,
        `a user may be in ${quotas.groupsPerUser} groups, userID=${userID}`,
      );
    }
  }
}
