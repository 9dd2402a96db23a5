import type { TenantId } from '@im/kit';
import type { log } from '@im/protocol';
import type { Connection } from './connection.ts';

/** What a change of membership said of a user, and its version; 0 when it told none. */
export interface MembershipSaid {
  readonly member: boolean;
  readonly version: number;
}

/** A user with at least one connection here. */
export class LocalUser {
  readonly tenant: TenantId;
  readonly userID: string;
  readonly connections: Connection[] = [];
  /** Undefined while there is none. */
  groups: Set<LocalGroup> | undefined;
  /** Resolves when what is published to the user from then on arrives here; undefined when it does. */
  subscribed: Promise<void> | undefined;
  /** Resolves when that holds for the user's groups too; undefined when it does. */
  complete: Promise<void> | undefined;
  /** While the groups are being read: what the log said meanwhile, by group. */
  changes: Map<string, MembershipSaid> | undefined;
  /** The last connection is gone; nothing may be done on its behalf any more. */
  gone = false;

  constructor(tenant: TenantId, userID: string) {
    this.tenant = tenant;
    this.userID = userID;
  }
}

/** A group that at least one local user is a member of. */
export class LocalGroup {
  readonly tenant: TenantId;
  readonly groupID: string;
  readonly users: Set<LocalUser> = new Set();
  /** Version of the group's members that `users` is known to reflect; 0 when unknown. */
  version = 0;
  /** While membership is read again: deliveries that wait for it, in order. */
  held: log.Delivery[] | undefined;
  heldBytes = 0;
  /** Membership is being read again, whether or not deliveries still wait for it. */
  rereading = false;
  /** Since that began, some deliveries have gone to those who were known, without waiting. */
  missed = false;

  constructor(tenant: TenantId, groupID: string) {
    this.tenant = tenant;
    this.groupID = groupID;
  }
}
