import { Backoff, systemContext } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import { type log, make } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { LocalGroup } from '../connection/connection.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { LocalUsers } from './local-users.ts';

export interface MembershipRereadDeps {
  readonly localUsers: LocalUsers;
  readonly groups: Pick<DomainService<'group'>, 'getMembership'>;
  readonly tasks: TaskRunner;
  readonly metrics: Pick<GatewayMetrics, 'rereads' | 'membershipHeldBytes'>;
  readonly log: Logger;
  /** Forwards a delivery that waited. */
  readonly forward: (delivery: log.Delivery) => void;
}

/** Deliveries of one group that may wait for its membership, and their bytes. */
const MAX_HELD = 10_000;
const MAX_HELD_BYTES = 4_194_304;
/** Bytes of all groups' deliveries that wait. */
const MAX_BYTES = 67_108_864;
/** After this long a group's deliveries go on with the membership that is known. */
const HOLD_MS = 10_000;
const CALL_MS = 5_000;
/** Users asked about in one call when all local users have to be. */
const USERS_PER_CALL = 1_000;
/** Groups that are read again at once. */
const MAX_AT_ONCE = 1_000;
/** Memory of a delivery besides its message. */
const OVERHEAD_BYTES = 512;

/**
 * Reads who of the local users is in a group, for groups of which something newer was delivered than is known here: a
 * change of membership was lost, or is on its way. Meanwhile the group's deliveries wait, within bounds. A reading that
 * fails is repeated until it succeeds; what could not wait so long has gone to the known members, and users who turn
 * out to have been missed connect again and synchronize.
 */
export class MembershipRereads {
  readonly #deps: MembershipRereadDeps;
  #bytes = 0;

  constructor(deps: MembershipRereadDeps) {
    this.#deps = deps;
  }

  /** Keeps a delivery until the group's membership was read. @returns false when none is being read, or no room is left. */
  hold(group: LocalGroup, delivery: log.Delivery): boolean {
    const { held } = group;
    if (!held) return false;
    const bytes = delivery.msgData.length + OVERHEAD_BYTES;
    const full = held.length >= MAX_HELD || group.heldBytes + bytes > MAX_HELD_BYTES;
    if (full || this.#bytes + bytes > MAX_BYTES) {
      this.#release(group, true);
      return false;
    }
    held.push(delivery);
    group.heldBytes += bytes;
    this.#count(bytes);
    return true;
  }

  /** Takes room for a delivery that waits elsewhere. @returns false when none is left. */
  reserve(delivery: log.Delivery): boolean {
    const bytes = delivery.msgData.length + OVERHEAD_BYTES;
    if (this.#bytes + bytes > MAX_BYTES) return false;
    this.#count(bytes);
    return true;
  }

  /** Gives back what {@link reserve} took. */
  free(delivery: log.Delivery): void {
    this.#count(-(delivery.msgData.length + OVERHEAD_BYTES));
  }

  /** Begins to read the membership again; `first` is the delivery that showed that it is behind. */
  begin(group: LocalGroup, first: log.Delivery): void {
    this.#deps.metrics.rereads.inc();
    group.rereading = true;
    group.missed = false;
    group.held = [];
    const kept = this.hold(group, first);
    let refused = false;
    this.#deps.tasks.spawn('gateway membership', (signal) => this.#untilRead(group, first, signal), {
      limit: MAX_AT_ONCE,
      onRefused: () => {
        refused = true;
      },
    });
    if (!kept) this.#deps.forward(first);
    if (!refused) return;
    this.#release(group, true);
    // The next delivery tries again: the version stays what it was.
    group.rereading = false;
  }

  async #untilRead(group: LocalGroup, first: log.Delivery, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ baseMs: 100, maxMs: 2_000 });
    const timer = setTimeout(() => this.#release(group, true), HOLD_MS);
    timer.unref();
    try {
      while (group.users.size > 0) {
        try {
          const version = await this.#read(group, first, signal);
          group.version = Math.max(group.version, version, first.memberVersion);
          return;
        } catch (error) {
          const { tenant, groupID } = group;
          this.#deps.log.warn(
            { tenant, groupID, operationID: first.operationID, err: error },
            'membership not read',
          );
        }
        await backoff.wait(signal);
      }
    } finally {
      clearTimeout(timer);
      group.rereading = false;
      this.#release(group, false);
    }
  }

  /** @returns the version that the local users reflect now. */
  async #read(group: LocalGroup, first: log.Delivery, signal: AbortSignal): Promise<number> {
    if (group.version > 0) {
      const answer = await this.#ask(group, first, [], group.version, signal);
      if (!answer.full) {
        this.#apply(group, answer.changedUserIDs, new Set(answer.memberUserIDs));
        return answer.memberVersion;
      }
    }
    // Changes since then are unknown: every local user is asked about.
    const userIDs: string[] = [];
    for (const user of this.#deps.localUsers.users())
      if (user.tenant === group.tenant) userIDs.push(user.userID);
    let version = Number.POSITIVE_INFINITY;
    for (let begin = 0; begin < userIDs.length; begin += USERS_PER_CALL) {
      const asked = userIDs.slice(begin, begin + USERS_PER_CALL);
      const { memberUserIDs, memberVersion } = await this.#ask(group, first, asked, 0, signal);
      this.#apply(group, asked, new Set(memberUserIDs));
      version = Math.min(version, memberVersion);
    }
    return version === Number.POSITIVE_INFINITY ? 0 : version;
  }

  #ask(
    { tenant, groupID }: LocalGroup,
    { operationID }: log.Delivery,
    userIDs: string[],
    sinceVersion: number,
    signal: AbortSignal,
  ) {
    const ctx = systemContext(tenant, operationID, { timeoutMs: CALL_MS, signal });
    return this.#deps.groups.getMembership(
      ctx,
      make('group.GetMembershipReq', { groupID, userIDs, sinceVersion }),
    );
  }

  #apply(group: LocalGroup, userIDs: readonly string[], members: ReadonlySet<string>): void {
    const { localUsers } = this.#deps;
    for (const userID of userIDs) {
      const user = localUsers.user(group.tenant, userID);
      if (!user) continue;
      const known = group.users.has(user);
      if (!members.has(userID)) {
        if (known) localUsers.leave(user, group.groupID);
      } else if (!known) {
        localUsers.join(user, group.groupID);
        // What did not wait went to others alone.
        if (group.missed) for (const connection of [...user.connections]) connection.close('resync');
      }
    }
  }

  /** Forwards what waited. @param early before the membership is read. */
  #release(group: LocalGroup, early: boolean): void {
    const { held } = group;
    if (!held) return;
    if (early) group.missed = true;
    group.held = undefined;
    this.#count(-group.heldBytes);
    group.heldBytes = 0;
    for (const delivery of held) this.#deps.forward(delivery);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#deps.metrics.membershipHeldBytes.set(this.#bytes);
  }
}
