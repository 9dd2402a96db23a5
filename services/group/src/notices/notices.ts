import { applicationNotices } from './application.ts';
import { bareMembershipNotice } from './bare-membership.ts';
import { infoNotices } from './info.ts';
import { memberNotices } from './member.ts';
import { membershipNotices } from './membership.ts';
import type { NoticeParts } from './scene.ts';

/**
 * The notifications of the group domain, docs/protocol/notifications.md. Those that change membership reject, the
 * others do not. Call them after the change: each shows the group, and who changed it, as they are then.
 */
export function groupNotices(parts: NoticeParts) {
  return {
    ...membershipNotices(parts),
    ...infoNotices(parts),
    ...memberNotices(parts),
    ...applicationNotices(parts),
    /** Any of those that change membership, with ids alone. */
    bareMembership: bareMembershipNotice.bind(undefined, parts),
  };
}
export type GroupNotices = ReturnType<typeof groupNotices>;
