import { createNotifier, domainService } from '@im/domain';
import { createUserLimit } from '@im/kit';
import { notReady, READY } from '@im/process';
import { clientConfigRepo, userCommandRepo, userRepo } from '@im/store';
import { createAdminUsers } from './admin-users.ts';
import type { UserDeps } from './deps.ts';
import { clientConfigMethods } from './methods/client-config.ts';
import { notificationAccountMethods } from './methods/notification-account.ts';
import { onlineStatusMethods } from './methods/online-status.ts';
import { userCommandMethods } from './methods/user-command.ts';
import { userInfoMethods } from './methods/user-info.ts';
import { createPresence } from './presence/presence.ts';

const REAP_INTERVAL_MS = 2_000;

/** Profiles, notification accounts, user commands, client settings, presence. */
export const userService = domainService('user', {
  requires: ['bus'],
  settings: ['gateway.presence.limitMs'],
  build(context) {
    const { rpc, store, bus, tenants, tasks, metrics, log, config, limits } = context;
    const users = userRepo(store);
    const { limitMs } = config.gateway.presence;
    const presence = createPresence({ store, events: bus.events, tenants, log, limitMs });
    const deps: UserDeps = {
      users,
      commands: userCommandRepo(store),
      configs: clientConfigRepo(store),
      presence,
      notifier: createNotifier(context),
      rpc,
      tenants,
      tasks,
      metrics,
      log,
      limits,
      profileChanges: createUserLimit('profileChanges', { tenants, metrics, limits }),
    };
    const admins = createAdminUsers({ users, tenants, tasks, log });
    return {
      methods: {
        ...userInfoMethods(deps),
        ...notificationAccountMethods(deps),
        ...userCommandMethods(deps),
        ...clientConfigMethods(deps),
        ...onlineStatusMethods(deps),
      },
      start() {
        admins.start();
        tasks.every('presence-reaper', REAP_INTERVAL_MS, (signal) => presence.reap(signal));
      },
      stop() {
        admins.stop();
      },
      ready: () => (admins.done ? READY : notReady('administrators are not registered yet')),
    };
  },
});
