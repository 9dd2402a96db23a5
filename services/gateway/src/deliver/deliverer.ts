import type { Deliveries, DeliveryFeed } from '@im/bus';
import { KEY_SEPARATOR, type Span, type Tracer, type Tracing } from '@im/kit';
import { callFields, type Logger, type TaskRunner } from '@im/process';
import { encodePushMessages, type log, REQ, type ResponseEnvelope } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { Connection, LocalGroup, LocalUser } from '../connection/connection.ts';
import type { TenantTraffic } from '../connection/tenant-traffic.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { SharedFrame } from '../wire/frame.ts';
import { CatchUps } from './catch-up.ts';
import { type Joined, LocalUsers } from './local-users.ts';
import { MembershipRereads } from './membership-reread.ts';
import { OwnPushes } from './own-push.ts';

export interface DelivererDeps {
  readonly deliveries: Pick<Deliveries, 'feed'>;
  /** Called when deliveries were lost for good. */
  readonly onGap: (reason: string) => void;
  readonly groups: Pick<DomainService<'group'>, 'getMembership'>;
  readonly tasks: TaskRunner;
  readonly metrics: GatewayMetrics;
  readonly traffic: Pick<TenantTraffic, 'pushed'>;
  readonly log: Logger;
  readonly tracing: Tracing;
}

/** A client that synchronizes does so within this time. */
const SYNC_MS = 10_000;
/** Copies of membership changes that are remembered. */
const MAX_REMEMBERED = 20_000;
/** Users' copies of changes that wait for one group. */
const MAX_KEPT = 1_000;

function changesMembership(delivery: log.Delivery): boolean {
  return delivery.addedUserIDs.length > 0 || delivery.removedUserIDs.length > 0;
}

/** The group of a delivery to it, or of a membership change delivered to one of the users changed. */
function groupOf(delivery: log.Delivery): string {
  if (delivery.targetGroupID !== '') return delivery.targetGroupID;
  if (!changesMembership(delivery)) return '';
  // sg_<group> or n_<group>
  return delivery.conversationID.slice(delivery.conversationID.indexOf('_') + 1);
}

/** Whether the local users are those of a change that came before what is delivered. */
function isBehind(group: LocalGroup, delivery: log.Delivery): boolean {
  const { memberVersion, memberVersionBefore } = delivery;
  if (memberVersion <= group.version) return false;
  if (!changesMembership(delivery)) return true;
  // A change is one step ahead of what it changes.
  if (memberVersionBefore > 0) return memberVersionBefore > group.version;
  return group.version > 0 && memberVersion > group.version + 1;
}

function pushEnvelope(delivery: log.Delivery): ResponseEnvelope {
  return {
    reqIdentifier: REQ.PushMsg,
    msgIncr: '',
    operationID: delivery.operationID,
    errCode: 0,
    errMsg: '',
    data: encodePushMessages(delivery.conversationID, delivery.msgData),
  };
}

/**
 * Whether a client has a message that is only delivered again: it synchronized after that run
 * started, or has yet to synchronize, and has read, or will then read, what the run found stored. A
 * client that does not synchronize, such as a bot that only listens, counts as synchronized at its
 * connecting once {@link SYNC_MS} have passed.
 */
function hasAlready(connection: Connection, delivery: log.Delivery): boolean {
  if (!delivery.again) return false;
  const { syncedAtRun, openedAt, openedAtRun } = connection;
  if (syncedAtRun !== undefined) return delivery.run <= syncedAtRun;
  // A client that has asked for nothing by now never will: what runs deliver again from then on is all that it gets.
  return performance.now() - openedAt < SYNC_MS || delivery.run <= openedAtRun;
}

/** The step of handing a delivery to connections; undefined unless its trace is recorded. */
function pushSpan(tracer: Tracer, delivery: log.Delivery): Span | undefined {
  if (delivery.traceparent === '') return undefined;
  return tracer.resume(delivery.traceparent, delivery.tenant, 'push to clients', {
    kind: 'consumer',
    attributes: { 'openim.operation_id': delivery.operationID },
  });
}

/** What was written of one delivery. */
interface Written {
  sockets: number;
  bytes: number;
}

/**
 * Forwards deliveries to the connections they are for, and applies the membership changes that they
 * carry at their place in the order: users who are added get the message, users who are removed get it last.
 */
export class Deliverer {
  /** Source of deliveries, subscribed to those of {@link localUsers}. */
  readonly feed: DeliveryFeed;
  readonly localUsers: LocalUsers;
  readonly ownPushes: OwnPushes;
  readonly catchUps: CatchUps;
  readonly #metrics: GatewayMetrics;
  readonly #traffic: Pick<TenantTraffic, 'pushed'>;
  readonly #log: Logger;
  readonly #tracing: Tracing;
  /** (user, record) pairs: a membership change comes both by the group and to each user changed. */
  readonly #remembered = new Set<string>();
  readonly #rereads: MembershipRereads;

  constructor({ deliveries, onGap, groups, tasks, metrics, traffic, log, tracing }: DelivererDeps) {
    const onDelivery = (delivery: log.Delivery) => this.onDelivery(delivery);
    this.#metrics = metrics;
    this.#traffic = traffic;
    this.#log = log;
    this.#tracing = tracing;
    this.feed = deliveries.feed({ onDelivery, onGap });
    this.localUsers = new LocalUsers(this.feed);
    this.ownPushes = new OwnPushes(() => metrics.bounded('own-push'));
    this.catchUps = new CatchUps(
      (connection, delivery, frame) => this.forward(connection, delivery, frame),
      () => metrics.bounded('catch-up'),
    );
    const { localUsers } = this;
    this.#rereads = new MembershipRereads({
      localUsers,
      groups,
      tasks,
      metrics,
      log,
      forward: onDelivery,
    });
  }

  /** Takes one delivery of the feed. Never throws. */
  onDelivery(delivery: log.Delivery): void {
    const { tracer } = this.#tracing;
    const span = tracer && pushSpan(tracer, delivery);
    try {
      const sockets = this.#take(delivery);
      span?.set({ 'openim.sockets': sockets });
      span?.end();
    } catch (error) {
      span?.end(error);
      const { tenant, operationID } = delivery;
      this.#log.error({ ...callFields({ tenant, operationID, span }), err: error }, 'delivery not forwarded');
    }
  }

  /** Writes one delivery to one connection, in its place among those that wait there. */
  forward(connection: Connection, delivery: log.Delivery, bytes: Buffer): void {
    if (connection.held !== undefined || (delivery.connID !== '' && delivery.connID === connection.id)) {
      this.ownPushes.offer(connection, delivery, bytes);
    } else {
      connection.push(bytes);
    }
  }

  /** @returns the connections that it was written to, those included where it waits for its place. */
  #take(delivery: log.Delivery): number {
    const groupID = groupOf(delivery);
    const group = groupID === '' ? undefined : this.localUsers.group(delivery.tenant, groupID);
    if (group && this.#rereads.hold(group, delivery)) return 0;
    if (delivery.targetGroupID === '') {
      const user = this.localUsers.user(delivery.tenant, delivery.targetUserID);
      if (user && !(group && this.#keep(group, delivery))) return this.#toUser(user, groupID, delivery);
    } else if (group) {
      if (!isBehind(group, delivery) || group.rereading) return this.#toGroup(group, delivery);
      this.#rereads.begin(group, delivery);
    }
    return 0;
  }

  /**
   * Keeps a user's copy of a change while the group is caught up on from an earlier one: the group's own copy comes at
   * its place among the messages, so that a leaver misses none from before and a newcomer gets none.
   * @returns false when there is nothing to wait for, or no room.
   */
  #keep({ joined }: LocalGroup, delivery: log.Delivery): boolean {
    if (!joined || delivery.position <= joined.position) return false;
    if (joined.waiting.length >= MAX_KEPT || !this.#rereads.reserve(delivery)) return false;
    joined.waiting.push(delivery);
    return true;
  }

  /** Those users whom the group's own copies have served get nothing twice; others get theirs now. */
  #caughtUp(waiting: readonly log.Delivery[]): void {
    for (const delivery of waiting) {
      this.#rereads.free(delivery);
      this.onDelivery(delivery);
    }
  }

  #toUser(user: LocalUser, groupID: string, delivery: log.Delivery): number {
    const { localUsers } = this;
    const added = delivery.addedUserIDs.includes(user.userID);
    const removed = delivery.removedUserIDs.includes(user.userID);
    if ((added || removed) && !this.#first(user, delivery)) return 0;
    const joined: Joined = {
      position: delivery.position,
      timeMs: delivery.logTime,
      onCaughtUp: (waiting) => this.#caughtUp(waiting),
    };
    const known = localUsers.group(delivery.tenant, groupID);
    // A group that another user's copy of the same change has just brought here knows nothing of this one.
    const late = known !== undefined && delivery.memberVersion > 0 && delivery.memberVersion < known.version;
    if (added && !late && localUsers.join(user, groupID, joined, delivery.memberVersion)) {
      const group = localUsers.group(delivery.tenant, groupID);
      if (group) group.version = delivery.memberVersion;
    }
    const written: Written = { sockets: 0, bytes: 0 };
    this.#toConnections(user, delivery, new SharedFrame(() => pushEnvelope(delivery)), written);
    this.#metrics.pushed(written.sockets, written.bytes);
    this.#traffic.pushed(user.tenant, written.sockets);
    if (removed && !late) localUsers.leave(user, groupID, delivery.memberVersion);
    return written.sockets;
  }

  #toGroup(group: LocalGroup, delivery: log.Delivery): number {
    const { localUsers } = this;
    const changed = changesMembership(delivery)
      ? new Set([...delivery.addedUserIDs, ...delivery.removedUserIDs])
      : undefined;
    // An older change than what is known came late: what it says of its users is over.
    const moves =
      changed !== undefined && (delivery.memberVersion === 0 || delivery.memberVersion >= group.version);
    if (moves) {
      for (const userID of delivery.addedUserIDs) {
        const user = localUsers.user(delivery.tenant, userID);
        if (user) localUsers.join(user, group.groupID, undefined, delivery.memberVersion);
      }
    }
    const frame = new SharedFrame(() => pushEnvelope(delivery));
    const written: Written = { sockets: 0, bytes: 0 };
    const only = delivery.onlyUserIDs.length > 0 ? new Set(delivery.onlyUserIDs) : undefined;
    for (const user of group.users) {
      if (only && !only.has(user.userID)) continue;
      if (changed?.has(user.userID) && !this.#first(user, delivery)) continue;
      this.#toConnections(user, delivery, frame, written);
    }
    this.#metrics.pushed(written.sockets, written.bytes);
    this.#traffic.pushed(group.tenant, written.sockets);
    if (!moves) return written.sockets;
    for (const userID of delivery.removedUserIDs) {
      const user = localUsers.user(delivery.tenant, userID);
      if (user) localUsers.leave(user, group.groupID, delivery.memberVersion);
    }
    if (!isBehind(group, delivery)) group.version = Math.max(group.version, delivery.memberVersion);
    return written.sockets;
  }

  #toConnections(user: LocalUser, delivery: log.Delivery, frame: SharedFrame, written: Written): void {
    for (const connection of user.connections) {
      if (!connection.open || connection.sleeping || hasAlready(connection, delivery)) continue;
      const bytes = frame.for(connection.framing);
      written.sockets++;
      written.bytes += bytes.length;
      if (!this.catchUps.hold(connection, delivery, bytes)) this.forward(connection, delivery, bytes);
    }
  }

  /** Whether this user gets this membership change for the first time. */
  #first(user: LocalUser, delivery: log.Delivery): boolean {
    const key = `${delivery.tenant}${KEY_SEPARATOR}${user.userID}${KEY_SEPARATOR}${delivery.partition}.${delivery.position}.${delivery.entry}`;
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
