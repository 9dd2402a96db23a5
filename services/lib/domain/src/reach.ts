import type { TenantSettings } from '@im/contract';
import { type CallContext, eachLimited, type TenantDirectory, unknownTenant } from '@im/kit';
import { ERR, GROUP_STATUS, ImError, MANAGER_LEVEL, ROLE } from '@im/protocol';
import {
  type BlackRepo,
  blackRepo,
  type FriendRepo,
  friendRepo,
  type Group,
  type GroupMember,
  notFound,
  type Store,
  type UserRepo,
  userRepo,
} from '@im/store';

const REFUSALS = new Set<number>([ERR.BlockedByPeer, ERR.NotPeersFriend]);
/** Users of one request that are looked up concurrently: the rest of the connections is for other requests. */
const READS_AT_ONCE = 16;

/** Where the rules of reach read: from copies in the process, once they are warm. */
export interface ReachDeps {
  readonly users: UserRepo;
  readonly blacks: BlackRepo;
  readonly friends: FriendRepo;
}

export interface ReachOptions {
  /**
   * Strangers are reached even where the tenant requires friendship for a chat: for what makes friends or members.
   * @default false
   */
  readonly strangers?: boolean;
}

/**
 * Whether what `from` does may reach `to`: the rule for messages, and for whatever else another user
 * sees, such as notifications and records. Administrators and app administrators reach every user.
 * @throws ImError 1302 when `to` blocks `from`, 1303 when the tenant requires friendship, 1004 for an unknown `from`.
 */
export async function requireReach(
  { users, blacks, friends }: ReachDeps,
  settings: TenantSettings,
  from: string,
  to: string,
  { strangers = false }: ReachOptions = {},
): Promise<void> {
  if (from === to || settings.adminUserIDs.includes(from)) return;
  const tenant = settings.id;
  const sender = await users.get(tenant, from);
  if (!sender) throw notFound('sendID');
  if (sender.appMangerLevel >= MANAGER_LEVEL.AppAdmin) return;
  if (await blacks.isBlocked(tenant, to, from)) throw new ImError(ERR.BlockedByPeer, `userID=${to}`);
  if (!strangers && settings.friendVerify && !(await friends.isFriend(tenant, to, from))) {
    throw new ImError(ERR.NotPeersFriend);
  }
}

/**
 * Whether a member may say something to the group, by a message or by a notification about them.
 * @throws ImError 1402 for a muted member, 1403 for a plain one of a muted group.
 */
export function requireVoice(
  member: Pick<GroupMember, 'roleLevel' | 'muteEndTime'>,
  group: Pick<Group, 'status'>,
): void {
  if (member.roleLevel === ROLE.Owner) return;
  if (member.muteEndTime >= Date.now()) throw new ImError(ERR.MutedInGroup);
  if (group.status === GROUP_STATUS.Muted && member.roleLevel !== ROLE.Admin) {
    throw new ImError(ERR.MutedGroup);
  }
}

/** The rules of reach for the caller. Administrators who act for others reach every user. */
export interface Reach {
  /** As {@link requireReach}. @throws ImError */
  require(ctx: CallContext, from: string, to: readonly string[], options?: ReachOptions): Promise<void>;
  /** Those of `to` whom `from` may reach. */
  filter(ctx: CallContext, from: string, to: readonly string[], options?: ReachOptions): Promise<string[]>;
}

/** The rules over the repositories of a store. */
export function createReach(store: Store, tenants: TenantDirectory): Reach {
  const deps: ReachDeps = { users: userRepo(store), blacks: blackRepo(store), friends: friendRepo(store) };

  function settingsOf({ tenant }: CallContext): TenantSettings {
    const settings = tenants.get(tenant);
    if (!settings) throw unknownTenant(tenant);
    return settings;
  }

  return {
    async require(ctx, from, to, options) {
      if (ctx.opAdmin) return;
      const settings = settingsOf(ctx);
      await eachLimited(to, READS_AT_ONCE, (userID) => requireReach(deps, settings, from, userID, options));
    },
    async filter(ctx, from, to, options) {
      if (ctx.opAdmin) return [...to];
      const settings = settingsOf(ctx);
      const reached = new Set<string>();
      await eachLimited(to, READS_AT_ONCE, async (userID) => {
        try {
          await requireReach(deps, settings, from, userID, options);
          reached.add(userID);
        } catch (error) {
          if (!(error instanceof ImError && REFUSALS.has(error.code))) throw error;
        }
      });
      return to.filter((userID) => reached.has(userID));
    },
  };
}
