import type { Notifier, Reach } from '@im/domain';
import type { DomainService } from '@im/rpc';
import type { BlackRepo, FriendRepo, FriendRequestRepo, UserRepo } from '@im/store';

/** Some methods of the relation domain; each file in `methods/` has its own. */
export type RelationMethods<M extends keyof DomainService<'relation'>> = Pick<DomainService<'relation'>, M>;

/** What the methods work with. */
export interface RelationParts {
  readonly friends: FriendRepo;
  readonly requests: FriendRequestRepo;
  readonly blacks: BlackRepo;
  readonly users: UserRepo;
  readonly reach: Reach;
  readonly notifier: Notifier;
}
