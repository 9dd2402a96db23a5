import type { Bus } from '@im/bus';
import type { Notifier, Reach, ReadAudit } from '@im/domain';
import type { Metrics, TenantDirectory, Tracing, UserLimit } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import type { DomainService, RpcRegistry } from '@im/rpc';
import type {
  BlackRepo,
  ConversationSeqs,
  ConversationSettings,
  FriendRepo,
  GroupMemberRepo,
  GroupRepo,
  MsgRowChanges,
  MsgRows,
  MsgSearch,
  MsgStats,
  SeqUsers,
  StatDayRepo,
  Store,
  UserRepo,
} from '@im/store';
import type { Webhooks } from '@im/webhooks';
import type { ParkedUnits } from './send/parked-units.ts';
import type { SendLimits } from './send/send-limits.ts';

/** Some methods of the msg domain; each file in `methods/` has its own. */
export type MsgMethods<M extends keyof DomainService<'msg'>> = Pick<DomainService<'msg'>, M>;

/** Dependencies of the methods of the msg domain; each takes those it uses. */
export interface MsgDeps {
  readonly bus: Pick<Bus, 'log' | 'deliveries' | 'partitionOf'>;
  readonly store: Pick<Store, 'redis' | 'redisKey'>;
  readonly rpc: Pick<RpcRegistry, 'client'>;
  readonly notifier: Notifier;
  readonly webhooks: Webhooks;
  readonly tenants: TenantDirectory;
  readonly parked: ParkedUnits;
  readonly tasks: TaskRunner;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly tracing: Tracing;
  readonly rows: MsgRows;
  readonly changes: MsgRowChanges;
  readonly stats: MsgStats;
  readonly statDays: Pick<StatDayRepo, 'days'>;
  readonly search: MsgSearch;
  readonly conversationSeqs: ConversationSeqs;
  readonly seqUsers: SeqUsers;
  readonly conversationSettings: ConversationSettings;
  readonly users: UserRepo;
  readonly groups: GroupRepo;
  readonly members: GroupMemberRepo;
  readonly blacks: BlackRepo;
  readonly friends: FriendRepo;
  readonly reach: Reach;
  readonly readAudit: ReadAudit;
  readonly limits: SendLimits;
  /** Limits messages that mention all members of a group. */
  readonly mentionAll: UserLimit;
}
