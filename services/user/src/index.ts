import { createNotifier, domainService } from '@im/domain';
import { createUserLimit, tenantRefusals } from '@im/kit';
import { notReady, READY } from '@im/process';
import {
  accountDeletionRepo,
  clientConfigRepo,
  statDayRepo,
  tenantUsageRepo,
  userCommandRepo,
  userRepo,
} from '@im/store';
import { createAdminUsers } from './admin-users.ts';
import { createAccountDeletions } from './deletion/account-deletions.ts';
import { deletionSteps } from './deletion/steps.ts';
import type { UserDeps } from './deps.ts';
import { clientConfigMethods } from './methods/client-config.ts';
import { connectionMethods } from './methods/connections.ts';
import { deleteAccountMethods } from './methods/delete-account.ts';
import { notificationAccountMethods } from './methods/notification-account.ts';
import { onlineStatusMethods } from './methods/online-status.ts';
import { refusalMethods } from './methods/refusals.ts';
import { searchUsersMethods } from './methods/search-users.ts';
import { userCommandMethods } from './methods/user-command.ts';
import { userInfoMethods } from './methods/user-info.ts';
import { createPresence } from './presence/presence.ts';
import { tenantUsage } from './usage/tenant-usage.ts';

const REAP_INTERVAL_MS = 2_000;
const EVENTS_INTERVAL_MS = 500;
/** How often a process looks for deletions of accounts that another left unfinished. */
const DELETIONS_INTERVAL_MS = 5_000;

/** Profiles, notification accounts, user commands, client settings, presence. */
export const userService = domainService('user', {
  requires: ['bus', 'webhooks'],
  settings: ['gateway.presence.limitMs'],
  build(context) {
    const { rpc, store, bus, webhooks, tenants, tasks, metrics, log, config, limits, ops } = context;
    const users = userRepo(store);
    const { limitMs } = config.gateway.presence;
    const presence = createPresence({ store, events: bus.events, tenants, webhooks, log, limitMs });
    const repo = accountDeletionRepo(store);
    const deps: UserDeps = {
      users,
      commands: userCommandRepo(store),
      configs: clientConfigRepo(store),
      deletions: repo,
      statDays: statDayRepo(store),
      presence,
      gateways: bus.gateways,
      notifier: createNotifier(context),
      webhooks,
      rpc,
      tenants,
      tasks,
      metrics,
      refusals: tenantRefusals(metrics),
      log,
      limits,
      profileChanges: createUserLimit('profileChanges', { tenants, metrics, limits }),
    };
    const steps = deletionSteps(deps);
    const deletions = createAccountDeletions({ repo, steps, tenants, tasks, metrics, log });
    const [firstStep = ''] = steps.keys();
    ops.handle(
      'POST',
      '/tenants/usage',
      tenantUsage({ tenants, stored: tenantUsageRepo(store), presence, log }),
    );
    const admins = createAdminUsers({ users, tenants, tasks, log });
    return {
      methods: {
        ...userInfoMethods(deps),
        ...notificationAccountMethods(deps),
        ...userCommandMethods(deps),
        ...clientConfigMethods(deps),
        ...onlineStatusMethods(deps),
        ...connectionMethods(deps),
        ...refusalMethods(deps),
        ...searchUsersMethods(deps),
        ...deleteAccountMethods(deps, repo, { firstStep, wake: () => deletions.wake() }),
      },
      start() {
        admins.start();
        tasks.every('presence-reaper', REAP_INTERVAL_MS, (signal) => presence.reap(signal));
        tasks.every('account-deletions', DELETIONS_INTERVAL_MS, (signal) => deletions.round(signal));
        tasks.every('presence-events', EVENTS_INTERVAL_MS, (signal) => presence.handOver(signal));
      },
      stop() {
        admins.stop();
      },
      ready: () => (admins.done ? READY : notReady('administrators are not registered yet')),
    };
  },
});
