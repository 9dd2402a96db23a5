import type { Reach } from '@im/domain';
import type { TenantDirectory } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import type { DomainService, RpcRegistry } from '@im/rpc';
import type { GroupMemberChanges, GroupMemberRepo, GroupRepo, GroupRequestRepo, UserRepo } from '@im/store';
import type { Webhooks } from '@im/webhooks';
import type { MembershipChanges } from './membership/membership-changes.ts';
import type { GroupNotifications } from './notifications/group-notifications.ts';
import type { Views } from './views.ts';

/** Some methods of the group domain: those of one file in `methods/`. */
export type GroupMethods<M extends keyof DomainService<'group'>> = Pick<DomainService<'group'>, M>;

/** What the methods work with. */
export interface GroupDeps {
  readonly groups: GroupRepo;
  readonly members: GroupMemberRepo;
  readonly changes: GroupMemberChanges;
  readonly memberships: MembershipChanges;
  readonly requests: GroupRequestRepo;
  readonly users: UserRepo;
  readonly reach: Reach;
  readonly views: Views;
  readonly notifications: GroupNotifications;
  readonly webhooks: Webhooks;
  readonly rpc: Pick<RpcRegistry, 'client'>;
  readonly tenants: TenantDirectory;
  readonly tasks: TaskRunner;
  readonly log: Logger;
}
