import { applicationNotifications } from './application.ts';
import { groupInfoNotifications } from './group-info.ts';
import { memberNotifications } from './member.ts';
import { bareMembershipNotification, membershipNotifications } from './membership.ts';
import type { NotificationDeps } from './send.ts';

/**
 * The notifications of the group domain, docs/protocol/notifications.md. Those that change membership reject, the
 * others do not. Call them after the change: each shows the group, and who changed it, as they are then.
 */
export function groupNotifications(deps: NotificationDeps) {
  return {
    ...membershipNotifications(deps),
    ...groupInfoNotifications(deps),
    ...memberNotifications(deps),
    ...applicationNotifications(deps),
    /** Any of those that change membership, with ids alone. */
    bareMembership: bareMembershipNotification.bind(undefined, deps),
  };
}
export type GroupNotifications = ReturnType<typeof groupNotifications>;
