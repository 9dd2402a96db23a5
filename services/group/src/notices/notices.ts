import { applicationNotices } from './application.ts';
import { infoNotices } from './info.ts';
import { memberNotices } from './member.ts';
import { membershipNotices } from './membership.ts';
import type { NoticeParts } from './scene.ts';

/**
 * The notifications of the group domain, http-api.md §4.2. None of them rejects. Call them after the change: each
 * shows the group, and who changed it, as they are then.
 */
export function groupNotices(parts: NoticeParts) {
  return {
    ...membershipNotices(parts),
    ...infoNotices(parts),
    ...memberNotices(parts),
    ...applicationNotices(parts),
  };
}
export type GroupNotices = ReturnType<typeof groupNotices>;
