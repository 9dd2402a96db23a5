import type { Reach } from '@im/domain';
import type { DomainService } from '@im/rpc';
import type { BlackRepo, FriendRepo, FriendRequestRepo, UserRepo } from '@im/store';
import type { Webhooks } from '@im/webhooks';
import type { RelationNotifications } from './notifications.ts';

/** Some methods of the relation domain: those of one file in `methods/`. */
export type RelationMethods<M extends keyof DomainService<'relation'>> = Pick<DomainService<'relation'>, M>;

/** What the methods work with. */
export interface RelationDeps {
  readonly friends: FriendRepo;
  readonly requests: FriendRequestRepo;
  readonly blacks: BlackRepo;
  readonly users: UserRepo;
  readonly reach: Reach;
  readonly notifications: RelationNotifications;
  readonly webhooks: Webhooks;
}
