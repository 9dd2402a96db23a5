import type { Bus } from '@im/bus';
import type { Metrics, TenantDirectory } from '@im/kit';
import type { Logger } from '@im/process';
import type { DomainService } from '@im/rpc';
import type { UserRepo } from '@im/store';
import type { Tokens } from './tokens/tokens.ts';

/** What the methods work with. */
export interface AuthDeps {
  readonly tenants: TenantDirectory;
  readonly tokens: Tokens;
  readonly users: UserRepo;
  readonly events: Bus['events'];
  readonly metrics: Metrics;
  /** Where push tokens are registered. */
  readonly third: Pick<DomainService<'third'>, 'delUserPushToken'>;
  readonly log: Logger;
}
