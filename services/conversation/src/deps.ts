import type { Bus } from '@im/bus';
import type { Notifier, Reach, ReadAudit } from '@im/domain';
import type { TenantDirectory, UserLimit } from '@im/kit';
import type { DomainService, RpcRegistry } from '@im/rpc';
import type {
  ConversationSettings,
  ConversationSettingsChanges,
  FriendRepo,
  GroupMemberRepo,
  UserRepo,
} from '@im/store';

/** Some methods of the conversation domain; each file in `methods/` has its own. */
export type ConversationMethods<M extends keyof DomainService<'conversation'>> = Pick<
  DomainService<'conversation'>,
  M
>;

/** Dependencies of the methods of the conversation domain. */
export interface ConversationDeps {
  readonly records: ConversationSettings;
  readonly changes: ConversationSettingsChanges;
  readonly users: UserRepo;
  readonly friends: FriendRepo;
  readonly members: GroupMemberRepo;
  readonly reach: Reach;
  readonly readAudit: ReadAudit;
  readonly bus: Pick<Bus, 'log' | 'partitionOf'>;
  readonly tenants: TenantDirectory;
  readonly notifier: Notifier;
  readonly rpc: Pick<RpcRegistry, 'client'>;
  /** Limits changes to the records of all users who chat with a user. */
  readonly peerChanges: UserLimit;
}
