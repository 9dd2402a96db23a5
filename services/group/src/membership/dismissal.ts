import type { TenantId } from '@im/contract';
import type { GroupMemberChanges } from '@im/store';

/** Content type of a dismissal without notification. */
export const QUIET_DISMISSAL = 0;
/** Members removed at a time. */
const BATCH = 500;

/** Removes all members of a dismissed group; ends early when the signal aborts. */
export async function removeAllMembers(
  changes: Pick<GroupMemberChanges, 'removeSome'>,
  tenant: TenantId,
  groupID: string,
  signal?: AbortSignal,
): Promise<void> {
  for (;;) {
    const removed = await changes.removeSome(tenant, groupID, BATCH);
    if (removed.length < BATCH || signal?.aborted) return;
  }
}
