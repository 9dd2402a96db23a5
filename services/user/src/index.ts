import type { Bus } from '@im/bus';
import { createUserLimit } from '@im/kit';
import { type BaseDeps, type LiveDeps, notReady, READY, type Service, type ServiceModule } from '@im/process';
import { createNotifier, type RpcRegistry } from '@im/rpc';
import { clientConfigRepo, type Store, userCommandRepo, userRepo } from '@im/store';
import { createAdminUsers } from './admin-users.ts';
import { clientConfigMethods } from './client-config.ts';
import { notificationAccountMethods } from './notification-account.ts';
import { onlineStatusMethods } from './online-status.ts';
import type { UserParts } from './parts.ts';
import { createPresence } from './presence.ts';
import { profileMethods } from './profile.ts';
import { userCommandMethods } from './user-command.ts';

/** What the user domain needs of its process. */
export type UserDeps = BaseDeps &
  Partial<Pick<LiveDeps, 'live'>> & { rpc: RpcRegistry; store: Store; bus: Bus };

const REAP_INTERVAL_MS = 2_000;

/** Profiles, notification accounts, user commands, client settings, and who is online. */
export const module: ServiceModule<UserDeps> = {
  name: 'user',
  needs: ['rpc', 'store', 'bus'],
  async create(config, deps): Promise<Service> {
    const { rpc, store, bus, tenants, background, metrics, live } = deps;
    const log = deps.log.child({ part: 'user' });
    const users = userRepo(store);
    const { limitMs } = config.gateway.presence;
    const presence = createPresence({ store, events: bus.events, tenants, log, limitMs });
    const limits = () => (live?.current ?? config).limits;
    const parts: UserParts = {
      users,
      commands: userCommandRepo(store),
      configs: clientConfigRepo(store),
      presence,
      notifier: createNotifier({ rpc, log, metrics, background }),
      rpc,
      tenants,
      background,
      metrics,
      log,
      limits,
      profileChanges: createUserLimit('profileChanges', { tenants, metrics, limits }),
    };
    rpc.bind('user', {
      ...profileMethods(parts),
      ...notificationAccountMethods(parts),
      ...userCommandMethods(parts),
      ...clientConfigMethods(parts),
      ...onlineStatusMethods(parts),
    });
    const admins = createAdminUsers({ users, tenants, background, log });
    return {
      async start() {
        admins.start();
        background.every('presence-reaper', REAP_INTERVAL_MS, (signal) => presence.reap(signal));
      },
      async stop() {
        admins.stop();
      },
      ready: () => (admins.done ? READY : notReady('administrators are not registered yet')),
    };
  },
};
