import { ROLE } from '@im/protocol';
import type { GroupMember } from '@im/store';

/** What is known of a member who enters. */
type Entrance = Pick<GroupMember, 'groupID' | 'userID'> & Partial<GroupMember>;

/**
 * A member as they enter a group: unmuted, with the name and face of their profile, and by default without a special
 * role. Absent fields are empty or 0.
 */
export function newMember(entrance: Entrance): GroupMember {
  return {
    nickname: '',
    faceURL: '',
    roleLevel: ROLE.Member,
    joinTime: 0,
    joinSource: 0,
    inviterUserID: '',
    operatorUserID: '',
    muteEndTime: 0,
    ex: '',
    ...entrance,
  };
}
