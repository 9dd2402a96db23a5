import type { TenantId } from '@im/contract';
import {
  type CallContext,
  eachLimited,
  type Metrics,
  systemContext,
  type TenantDirectory,
  withCaller,
} from '@im/kit';
import type { Logger } from '@im/process';
import { CONTENT, GROUP_STATUS } from '@im/protocol';
import {
  type Group,
  type GroupMemberChanges,
  type GroupMemberRepo,
  type GroupRepo,
  type MembershipIntent,
  type MembershipOutbox,
  type MembershipOutcome,
  notFound,
  type OwnerTransfer,
} from '@im/store';
import type { GroupNotifications } from '../notifications/group-notifications.ts';
import type { MembershipRecord } from '../notifications/send.ts';
import { QUIET_DISMISSAL, removeAllMembers } from './dismissal.ts';
import type { MembershipChanges } from './membership-changes.ts';
import { newMember } from './new-member.ts';

export interface MembershipRelayDeps {
  readonly outbox: MembershipOutbox;
  readonly groups: Pick<GroupRepo, 'find'>;
  readonly members: Pick<GroupMemberRepo, 'find'>;
  readonly changes: Pick<GroupMemberChanges, 'settle' | 'settleOwner' | 'removeSome' | 'dropVersions'>;
  readonly memberships: MembershipChanges;
  readonly notifications: GroupNotifications;
  readonly tenants: TenantDirectory;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Time for one intent, after which another process takes it. */
const LEASE_MS = 15_000;
/** An intent without effect by then was never started: its process is gone. */
const ABANDON_MS = 60_000;
const AT_ONCE = 4;
/** Intents of one tenant in one round. */
const PER_TENANT = 50;
/** A dismissed group's members have no version any more. */
const NO_VERSION = { stamp: { versionID: '', version: 0 }, before: 0 };

/**
 * Finishes changes of membership whose process died or could not reach the log: version logs, copies and the
 * record. Any number of processes may do so at once, since every step is idempotent.
 */
export class MembershipRelay {
  readonly #deps: MembershipRelayDeps;
  readonly #relayed;
  #pending = 0;

  constructor(deps: MembershipRelayDeps) {
    this.#deps = deps;
    this.#relayed = deps.metrics.counter(
      'openim_membership_relayed_total',
      'Changes of membership that were finished by the relay, by what became of them',
      ['outcome'],
    );
    deps.metrics.observe(
      'openim_membership_outbox',
      'Changes of membership that the relay has to finish, as found in its last round',
      () => this.#pending,
    );
  }

  /** One round over all tenants. A tenant whose database is unavailable does not delay the others. Never rejects. */
  async round(signal: AbortSignal): Promise<void> {
    const { outbox, tenants, log } = this.#deps;
    let pending = 0;
    let databases: ReturnType<MembershipOutbox['pending']>;
    try {
      databases = outbox.pending(tenants.list().map(({ id }) => id));
    } catch (error) {
      log.debug({ err: error }, 'membership outbox not readable yet');
      return;
    }
    await eachLimited(databases, AT_ONCE, async ({ database, find }) => {
      try {
        await eachLimited(await find(), AT_ONCE, async (tenant) => {
          if (!signal.aborted) pending += await this.#tenant(tenant, signal);
        });
      } catch (error) {
        log.warn({ database, err: error }, 'membership outbox not readable');
      }
    });
    this.#pending = pending;
  }

  /** @returns how many intents of the tenant were due. */
  async #tenant(tenant: TenantId, signal: AbortSignal): Promise<number> {
    const { outbox, log } = this.#deps;
    try {
      const due = await outbox.due(tenant, Date.now(), PER_TENANT);
      for (const intent of due) {
        if (signal.aborted) break;
        const now = Date.now();
        if (await outbox.claim(tenant, intent, now, now + LEASE_MS))
          await this.#finish(tenant, intent, signal);
      }
      return due.length;
    } catch (error) {
      log.warn({ tenant, err: error }, 'membership outbox not readable');
      return 0;
    }
  }

  async #finish(tenant: TenantId, intent: MembershipIntent, signal: AbortSignal): Promise<void> {
    const { opUserID, operationID, groupID, contentType } = intent;
    const system = systemContext(tenant, operationID, { signal });
    const ctx = withCaller(system, { opUserID, opPlatformID: 0, opAdmin: true });
    try {
      const ends = contentType === CONTENT.GroupDismissed || contentType === QUIET_DISMISSAL;
      const outcome = await (ends
        ? this.#dismissal(ctx, intent)
        : intent.transfer
          ? this.#transfer(ctx, intent, { id: intent.id, ...intent.transfer })
          : this.#change(ctx, intent));
      this.#relayed.inc({ outcome });
      if (outcome === 'waiting') return;
      if (outcome === 'recorded') await this.#deps.memberships.report(ctx, intent);
      await this.#deps.outbox.remove(tenant, intent);
      this.#deps.log.info(
        { tenant, operationID, groupID, contentType, outcome },
        'membership change finished',
      );
    } catch (error) {
      this.#relayed.inc({ outcome: 'failed' });
      this.#deps.log.warn({ tenant, operationID, groupID, err: error }, 'membership change not finished');
    }
  }

  async #change(ctx: CallContext, intent: MembershipIntent): Promise<Finished> {
    const { groupID, id, addedUserIDs: added, removedUserIDs: removed } = intent;
    const outcome = await this.#deps.changes.settle(ctx.tenant, groupID, { id, added, removed });
    if (!outcome) return neverBegun(intent);
    const group = await this.#deps.groups.find(ctx.tenant, groupID);
    return this.#append(ctx, intent, outcome, (record) => this.#notify(ctx, group, intent, record));
  }

  async #transfer(ctx: CallContext, intent: MembershipIntent, transfer: OwnerTransfer): Promise<Finished> {
    const { changes, groups, members, notifications } = this.#deps;
    const { groupID, id } = intent;
    const { oldOwnerUserID, newOwnerUserID } = transfer;
    const outcome = await changes.settleOwner(ctx.tenant, groupID, transfer);
    if (!outcome) return neverBegun(intent);
    if (outcome === 'undone') return 'undone';
    const group = await groups.find(ctx.tenant, groupID);
    if (!group || group.status === GROUP_STATUS.Dismissed) return 'abandoned';
    const found = await members.find(ctx.tenant, groupID, [oldOwnerUserID, newOwnerUserID]);
    const memberOf = (userID: string) =>
      found.find((member) => member.userID === userID) ?? formerMember(groupID, userID);
    const [after, before] = [memberOf(newOwnerUserID), memberOf(oldOwnerUserID)];
    await notifications.ownerTransferred(ctx, group, after, before, outcome.stamp, id);
    return 'recorded';
  }

  async #dismissal(ctx: CallContext, intent: MembershipIntent): Promise<Finished> {
    const { changes, groups, notifications } = this.#deps;
    const { groupID, id, removedUserIDs: removed } = intent;
    const group = await groups.find(ctx.tenant, groupID);
    if (group?.status !== GROUP_STATUS.Dismissed) return neverBegun(intent);
    await removeAllMembers(changes, ctx.tenant, groupID, ctx.signal);
    await changes.settle(ctx.tenant, groupID, { id, added: [], removed });
    let finished: Finished = 'recorded';
    if (intent.contentType !== QUIET_DISMISSAL) {
      const outcome = { ...NO_VERSION, added: [], removed };
      finished = await this.#append(ctx, intent, outcome, async (record) =>
        notifications.groupDismissed(ctx, await notifications.groupSnapshot(ctx, group), record),
      );
    }
    if (finished === 'recorded') await changes.dropVersions(ctx.tenant, groupID);
    return finished;
  }

  async #append(
    ctx: CallContext,
    intent: MembershipIntent,
    outcome: MembershipOutcome,
    render: (record: MembershipRecord) => Promise<void>,
  ): Promise<Finished> {
    return (await this.#deps.memberships.append(ctx, intent, outcome, render)) ? 'recorded' : 'waiting';
  }

  /** Notifies the group as the process of the change would have, as far as the change is still known. */
  async #notify(
    ctx: CallContext,
    group: Group | undefined,
    { contentType }: MembershipIntent,
    record: MembershipRecord,
  ): Promise<void> {
    if (!group) throw notFound('group');
    const { notifications, members } = this.#deps;
    const { groupID } = group;
    const found = await members.find(ctx.tenant, groupID, [...record.added]);
    const came = found.toSorted((a, b) => b.roleLevel - a.roleLevel);
    const left = record.removed.map((userID) => formerMember(groupID, userID));
    const [entrant = formerMember(groupID, record.added[0] ?? '')] = came;
    const [leaver = formerMember(groupID, '')] = left;
    switch (contentType) {
      case CONTENT.GroupCreated:
        return notifications.groupCreated(ctx, group, came, record);
      case CONTENT.MemberInvited:
        return notifications.membersInvited(ctx, group, came, record);
      case CONTENT.MemberEnter:
        return notifications.memberEntered(ctx, group, entrant, record);
      case CONTENT.MemberQuit:
        return notifications.memberQuit(ctx, group, leaver, record);
      case CONTENT.MemberKicked:
        return notifications.membersKicked(ctx, group, left, record);
      default:
        return notifications.bareMembership(ctx, groupID, contentType, record);
    }
  }
}

/** How an intent ended; `recorded` has its record in the log, `waiting` is retried. */
type Finished = 'recorded' | 'undone' | 'abandoned' | 'waiting';

function neverBegun({ at }: MembershipIntent): Finished {
  return Date.now() - at > ABANDON_MS ? 'abandoned' : 'waiting';
}

/** A member whose row is gone; name and face come from the profile. */
function formerMember(groupID: string, userID: string) {
  return newMember({ groupID, userID });
}
