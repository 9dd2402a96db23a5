import type { TenantId, TenantSettings } from '@im/contract';
import { Backoff, eachLimited, type TenantDirectory } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import { ERR, ImError, MANAGER_LEVEL } from '@im/protocol';
import type { UserRepo } from '@im/store';

/** Nickname of administrators for whom the settings have none. */
const ADMIN_NICKNAME = 'superAdmin';
const MAX_WAIT_MS = 2_000;
/** Tenants worked on at once. */
const AT_ONCE = 20;

/** Keeps every tenant's administrators registered, as tokens are issued to registered users only. */
export interface AdminUsers {
  /** Begins with the tenants known now and follows their changes. */
  start(): void;
  stop(): void;
  /** True once the administrators of all tenants known now are registered. */
  readonly done: boolean;
}

export interface AdminUsersDeps {
  readonly users: UserRepo;
  readonly tenants: TenantDirectory;
  readonly tasks: TaskRunner;
  readonly log: Logger;
}

/** Registers administrators in the background, and retries until it succeeds. */
export function createAdminUsers({ users, tenants, tasks, log }: AdminUsersDeps): AdminUsers {
  /** Tenants whose administrators are not registered yet, with the settings seen last. */
  const waiting = new Map<TenantId, TenantSettings>();
  let unsubscribe = () => {};

  async function register({ id, adminUserIDs, adminNicknames }: TenantSettings): Promise<void> {
    const nicknameOf = (userID: string) => adminNicknames[adminUserIDs.indexOf(userID)];
    for (const userID of await users.missing(id, adminUserIDs)) {
      const taken = await users.insert(id, [
        {
          userID,
          nickname: nicknameOf(userID) ?? ADMIN_NICKNAME,
          faceURL: '',
          ex: '',
          createTime: Date.now(),
          appMangerLevel: MANAGER_LEVEL.AppAdmin,
          globalRecvMsgOpt: 0,
        },
      ]);
      if (taken.length === 0) log.info({ tenant: id, userID }, 'registered an administrator');
    }
    for (const [userID, { nickname }] of await users.getMany(id, adminUserIDs)) {
      const wanted = nicknameOf(userID);
      if (wanted !== undefined && wanted !== nickname) await users.update(id, userID, { nickname: wanted });
    }
  }

  async function tryOne(id: TenantId, settings: TenantSettings): Promise<boolean> {
    try {
      await register(tenants.get(id) ?? settings);
      // It may have changed meanwhile.
      if (waiting.get(id) === settings) waiting.delete(id);
      return true;
    } catch (error) {
      // At the start the database is often unavailable for a moment, which the store logs.
      const level = error instanceof ImError && error.code === ERR.NetworkError ? 'debug' : 'warn';
      log[level]({ tenant: id, err: error }, 'administrators are not registered yet');
      return false;
    }
  }

  const registerAll = tasks.coalesce('admin-users', async (signal) => {
    const backoff = new Backoff({ baseMs: 200, maxMs: MAX_WAIT_MS });
    while (!signal.aborted && waiting.size > 0) {
      let failed = false;
      const inTurn = [...waiting];
      await eachLimited(inTurn, AT_ONCE, async ([id, settings]) => {
        if (!signal.aborted && !(await tryOne(id, settings))) failed = true;
      });
      if (failed) await backoff.wait(signal);
    }
  });

  function follow(settings: TenantSettings): void {
    const { id } = settings;
    waiting.set(id, settings);
    registerAll();
  }

  return {
    start() {
      for (const settings of tenants.list()) follow(settings);
      unsubscribe = tenants.onChange((id, settings) => {
        if (settings) follow(settings);
        else waiting.delete(id);
      });
    },
    stop() {
      unsubscribe();
    },
    get done() {
      return waiting.size === 0;
    },
  };
}
