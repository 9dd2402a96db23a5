import type { Background, Logger } from '@im/process';
import { encodePushMessages, type log, REQ, type ResponseEnvelope } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { Connection, LocalGroup, LocalUser } from '../connection/connection.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { SharedFrame } from '../wire/frame.ts';
import type { CatchUps } from './catch-up.ts';
import type { Joined, LocalUsers } from './local-users.ts';
import { MembershipRereads } from './membership-reread.ts';
import type { OwnPushes } from './own-push.ts';

/** Parts of {@link Deliverer}. */
export interface DelivererDeps {
  readonly localUsers: LocalUsers;
  readonly groups: Pick<DomainService<'group'>, 'getMembership'>;
  readonly ownPushes: OwnPushes;
  readonly catchUps: Pick<CatchUps, 'hold'>;
  readonly background: Background;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
}

/** A client that synchronizes does so within this time. */
const SYNC_MS = 10_000;
/** Copies of membership changes that are remembered. */
const MAX_REMEMBERED = 20_000;
/** Users' copies of changes that wait for one group. */
const MAX_KEPT = 1_000;

function changesMembership(d: log.Delivery): boolean {
  return d.addedUserIDs.length > 0 || d.removedUserIDs.length > 0;
}

/** The group of a delivery to it, or of a membership change delivered to one of the users changed. */
function groupOf(d: log.Delivery): string {
  if (d.targetGroupID !== '') return d.targetGroupID;
  if (!changesMembership(d)) return '';
  // sg_<group> or n_<group>
  return d.conversationID.slice(d.conversationID.indexOf('_') + 1);
}

/** Whether the local users are those of a change that came before what is delivered. */
function isBehind(group: LocalGroup, d: log.Delivery): boolean {
  const { memberVersion, memberVersionBefore } = d;
  if (memberVersion <= group.version) return false;
  if (!changesMembership(d)) return true;
  // A change is one step ahead of what it changes.
  if (memberVersionBefore > 0) return memberVersionBefore > group.version;
  return group.version > 0 && memberVersion > group.version + 1;
}

function pushEnvelope(d: log.Delivery): ResponseEnvelope {
  return {
    reqIdentifier: REQ.PushMsg,
    msgIncr: '',
    operationID: d.operationID,
    errCode: 0,
    errMsg: '',
    data: encodePushMessages(d.conversationID, d.msgData),
  };
}

/**
 * Whether a client has a message that is only delivered again: it synchronized after that run had
 * begun, or has yet to synchronize, and what the run found stored it has read, or will read, then. A
 * client that does not synchronize, such as a bot that only listens, counts as synchronized at its
 * connecting once {@link SYNC_MS} have passed.
 */
function hasAlready(connection: Connection, d: log.Delivery): boolean {
  if (!d.again) return false;
  const { syncedAtRun, openedAt, openedAtRun } = connection;
  if (syncedAtRun !== undefined) return d.run <= syncedAtRun;
  // Who has asked for nothing by now never will: what runs deliver again from then on is all that it gets.
  return performance.now() - openedAt < SYNC_MS || d.run <= openedAtRun;
}

/** What was written of one delivery. */
interface Written {
  sockets: number;
  bytes: number;
}

/**
 * Forwards deliveries to the connections they are for, and applies the membership changes that they
 * carry at their place in the order: whoever is added gets the message, whoever is removed gets it last.
 */
export class Deliverer {
  readonly #deps: DelivererDeps;
  /** (user, record) pairs: a membership change comes both by the group and to each user changed. */
  readonly #remembered = new Set<string>();
  readonly #rereads: MembershipRereads;

  constructor(deps: DelivererDeps) {
    this.#deps = deps;
    this.#rereads = new MembershipRereads({ ...deps, forward: (delivery) => this.onDelivery(delivery) });
  }

  /** Takes one delivery of the feed. Never throws. */
  onDelivery(delivery: log.Delivery): void {
    try {
      this.#take(delivery);
    } catch (error) {
      this.#deps.log.error(
        { tenant: delivery.tenant, operationID: delivery.operationID, err: error },
        'delivery not forwarded',
      );
    }
  }

  /** Writes one delivery to one connection, in its place among those that wait there. */
  forward(connection: Connection, d: log.Delivery, bytes: Buffer): void {
    if (connection.held !== undefined || (d.connID !== '' && d.connID === connection.id)) {
      this.#deps.ownPushes.offer(connection, d, bytes);
    } else {
      connection.push(bytes);
    }
  }

  #take(d: log.Delivery): void {
    const groupID = groupOf(d);
    const group = groupID === '' ? undefined : this.#deps.localUsers.group(d.tenant, groupID);
    if (group && this.#rereads.hold(group, d)) return;
    if (d.targetGroupID === '') {
      const user = this.#deps.localUsers.user(d.tenant, d.targetUserID);
      if (user && !(group && this.#keep(group, d))) this.#toUser(user, groupID, d);
    } else if (group) {
      if (isBehind(group, d) && !group.rereading) this.#rereads.begin(group, d);
      else this.#toGroup(group, d);
    }
  }

  /**
   * Keeps a user's copy of a change while the group is caught up on from an earlier one: the group's own copy comes at
   * its place among the messages, so that a leaver misses none from before and a newcomer gets none.
   * @returns false when there is nothing to wait for, or no room.
   */
  #keep({ joined }: LocalGroup, d: log.Delivery): boolean {
    if (!joined || d.position <= joined.position) return false;
    if (joined.waiting.length >= MAX_KEPT || !this.#rereads.reserve(d)) return false;
    joined.waiting.push(d);
    return true;
  }

  /** Those users whom the group's own copies have served get nothing twice; others get theirs now. */
  #caughtUp(waiting: readonly log.Delivery[]): void {
    for (const d of waiting) {
      this.#rereads.free(d);
      this.onDelivery(d);
    }
  }

  #toUser(user: LocalUser, groupID: string, d: log.Delivery): void {
    const { localUsers, metrics } = this.#deps;
    const added = d.addedUserIDs.includes(user.userID);
    const removed = d.removedUserIDs.includes(user.userID);
    if ((added || removed) && !this.#first(user, d)) return;
    const joined: Joined = {
      position: d.position,
      timeMs: d.logTime,
      onCaughtUp: (waiting) => this.#caughtUp(waiting),
    };
    const known = localUsers.group(d.tenant, groupID);
    // A group that another user's copy of the same change has just brought here knows nothing of this one.
    const late = known !== undefined && d.memberVersion > 0 && d.memberVersion < known.version;
    if (added && !late && localUsers.join(user, groupID, joined, d.memberVersion)) {
      const group = localUsers.group(d.tenant, groupID);
      if (group) group.version = d.memberVersion;
    }
    const written: Written = { sockets: 0, bytes: 0 };
    this.#toConnections(user, d, new SharedFrame(() => pushEnvelope(d)), written);
    metrics.pushed(written.sockets, written.bytes);
    if (removed && !late) localUsers.leave(user, groupID, d.memberVersion);
  }

  #toGroup(group: LocalGroup, d: log.Delivery): void {
    const { localUsers, metrics } = this.#deps;
    const changed = changesMembership(d) ? new Set([...d.addedUserIDs, ...d.removedUserIDs]) : undefined;
    // An older change than what is known came late: what it says of its users is over.
    const moves = changed !== undefined && (d.memberVersion === 0 || d.memberVersion >= group.version);
    if (moves) {
      for (const userID of d.addedUserIDs) {
        const user = localUsers.user(d.tenant, userID);
        if (user) localUsers.join(user, group.groupID, undefined, d.memberVersion);
      }
    }
    const frame = new SharedFrame(() => pushEnvelope(d));
    const written: Written = { sockets: 0, bytes: 0 };
    for (const user of group.users) {
      if (changed?.has(user.userID) && !this.#first(user, d)) continue;
      this.#toConnections(user, d, frame, written);
    }
    metrics.pushed(written.sockets, written.bytes);
    if (!moves) return;
    for (const userID of d.removedUserIDs) {
      const user = localUsers.user(d.tenant, userID);
      if (user) localUsers.leave(user, group.groupID, d.memberVersion);
    }
    if (!isBehind(group, d)) group.version = Math.max(group.version, d.memberVersion);
  }

  #toConnections(user: LocalUser, d: log.Delivery, frame: SharedFrame, written: Written): void {
    for (const connection of user.connections) {
      if (!connection.open || connection.sleeping || hasAlready(connection, d)) continue;
      const bytes = frame.for(connection.framing);
      written.sockets++;
      written.bytes += bytes.length;
      if (!this.#deps.catchUps.hold(connection, d, bytes)) this.forward(connection, d, bytes);
    }
  }

  /** Whether this user gets this membership change for the first time. */
  #first(user: LocalUser, d: log.Delivery): boolean {
    const key = `${d.tenant}\u0000${user.userID}\u0000${d.partition}.${d.position}.${d.entry}`;
    if (this.#remembered.has(key)) return false;
    this.#remembered.add(key);
    if (this.#remembered.size > MAX_REMEMBERED) {
      for (const oldest of this.#remembered) {
        this.#remembered.delete(oldest);
        break;
      }
    }
    return true;
  }
}
