import type { Bus } from '@im/bus';
import type { ServerConfig } from '@im/contract';
import type { Notifier } from '@im/domain';
import type { Metrics, TenantDirectory, TenantRefusals, UserLimit } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import type { DomainService, RpcRegistry } from '@im/rpc';
import type {
  AccountDeletionRepo,
  ClientConfigRepo,
  StatDayRepo,
  UserCommandRepo,
  UserRepo,
} from '@im/store';
import type { Webhooks } from '@im/webhooks';
import type { Presence } from './presence/presence.ts';

/** Some methods of the user domain: those of one file in `methods/`. */
export type UserMethods<M extends keyof DomainService<'user'>> = Pick<DomainService<'user'>, M>;

/** What the methods work with. */
export interface UserDeps {
  readonly users: UserRepo;
  readonly commands: UserCommandRepo;
  readonly configs: ClientConfigRepo;
  /** Accounts that were deleted, whose ids are not given again. */
  readonly deletions: Pick<AccountDeletionRepo, 'deleted'>;
  readonly statDays: Pick<StatDayRepo, 'addThrottled'>;
  readonly presence: Presence;
  readonly gateways: Pick<Bus['gateways'], 'connections' | 'kick'>;
  readonly notifier: Notifier;
  readonly webhooks: Webhooks;
  readonly rpc: Pick<RpcRegistry, 'client'>;
  readonly tenants: TenantDirectory;
  readonly tasks: TaskRunner;
  readonly metrics: Metrics;
  /** Where refusals by the quota of users are counted. */
  readonly refusals: TenantRefusals;
  readonly log: Logger;
  /** The limits of the cluster, as they are now. */
  readonly limits: () => ServerConfig['limits'];
  /** Limit of changes that friends and groups are notified of. */
  readonly profileChanges: UserLimit;
}
