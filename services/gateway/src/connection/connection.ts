import type { Duplex } from 'node:stream';
import type { TenantId } from '@im/contract';
import { randomId } from '@im/kit';
import { type log, PLATFORM } from '@im/protocol';
import type { WebSocket } from 'ws';
import type { CloseReason, FrameKind, GatewayMetrics } from '../metrics.ts';
import type { Watch } from '../presence/watched-user.ts';
import { PING_FRAME, pongFrame, textFrame } from '../wire/frame.ts';
import { Outbox, type OutboxLimits, type TickFlusher } from './outbox.ts';

/** What all connections of a gateway share. */
export interface ConnectionDeps {
  readonly metrics: GatewayMetrics;
  readonly flusher: TickFlusher;
  readonly limits: OutboxLimits;
}

/** What is fixed for the life of a connection. */
export interface ConnectionInit {
  readonly webSocket: WebSocket;
  readonly socket: Duplex;
  readonly user: LocalUser;
  readonly platformID: number;
  /** Index of `FRAMINGS`. */
  readonly framing: number;
  readonly token: string;
  /** Highest run of transfer that is known. */
  readonly run: number;
  /** How long its handshake took, ms. */
  readonly handshakeMs: number;
  /** The client's address. */
  readonly address: string;
}

/** A push that must not be written yet. */
export interface HeldPush {
  readonly conversationID: string;
  readonly frame: Buffer;
  /** ms of the monotonic clock; infinite while its send has no answer. */
  notBefore: number;
}

/** One delivery that waits. */
interface HeldDelivery {
  readonly delivery: log.Delivery;
  readonly frame: Buffer;
}

/** What waits for a client that has yet to learn what it missed. */
export interface CatchUp {
  readonly held: HeldDelivery[];
  /** Bytes of what is held. */
  bytes: number;
  /** Highest seqs that the client knows, by conversation, once it has asked. */
  known: ReadonlyMap<string, number> | undefined;
  /** When the wait ends, ms of the monotonic clock; infinite while an answer is being made. */
  until: number;
}

/** With this many requests waiting, a connection is not read any further. */
export const PAUSE_READING_AT = 4;
/** Control frames are dropped, not queued, for a client that leaves this much unread. */
const CONTROL_MAX_BYTES = 65_536;

/**
 * One client connection: plain fields, no timers, no closures, because there are very many and most
 * of them do nothing.
 */
export class Connection {
  readonly id: string = randomId();
  readonly user: LocalUser;
  readonly platformID: number;
  readonly framing: number;
  readonly token: string;
  readonly webSocket: WebSocket;
  readonly address: string;
  readonly #socket: Duplex;
  readonly #deps: ConnectionDeps;
  readonly #outbox: Outbox;
  /** Place among the connections of the gateway in the order of their opening; 0 before it has one. */
  serial = 0;

  /** Issue number of its token; undefined until auth has answered. */
  issue: number | undefined;
  /** When auth was last asked for it, ms of the monotonic clock; 0 before. */
  checkedAt = 0;
  /** Connections below this issue number are kicked; received before its own number was known. */
  kickBelow = 0;
  inBackground = false;
  /** When the client last sent anything, ms of the monotonic clock. */
  lastSeen: number = performance.now();
  readonly openedAt: number = this.lastSeen;
  lastPing: number = this.lastSeen;
  /** A request is being worked on. */
  busy = false;
  /** Requests that wait behind it. */
  input: Buffer[] | undefined;
  /** Their bytes. */
  inputBytes = 0;
  /** What it may still ask at once; negative for what it has asked too much. */
  allowance = 0;
  /** When the allowance was counted, ms of the monotonic clock; 0 before the first frame. */
  allowanceAt = 0;
  /** It asked too much of late, and is not read until its allowance is back. */
  throttled = false;
  /** A request had to be answered before deliveries were complete: the client must synchronize again. */
  answeredEarly = false;
  /**
   * Highest run of transfer that was known when the client last synchronized: what such a run only
   * delivers again, the client has. Undefined before the first time.
   */
  syncedAtRun: number | undefined;
  /** Highest run of transfer that was known when it connected. */
  readonly openedAtRun: number;
  /** How long its handshake took, ms. */
  readonly handshakeMs: number;
  /** operationID of the send that has no answer yet. */
  sending: string | undefined;
  /** When the latest send was answered, ms of the monotonic clock. */
  sendAnswered = 0;
  /** Pushes that wait behind the answer to their own send. */
  held: HeldPush[] | undefined;
  /** Their bytes. */
  heldBytes = 0;
  /** What waits for a client that has yet to learn what it missed. */
  catchUp: CatchUp | undefined;
  /** Its presence subscriptions, by user id. */
  watched: Map<string, Watch> | undefined;
  /** When closing began, ms of the monotonic clock; undefined while open. */
  closingSince: number | undefined;
  closeReason: CloseReason | undefined;

  constructor(init: ConnectionInit, deps: ConnectionDeps) {
    this.user = init.user;
    this.platformID = init.platformID;
    this.framing = init.framing;
    this.token = init.token;
    this.openedAtRun = init.run;
    this.handshakeMs = init.handshakeMs;
    this.address = init.address;
    this.webSocket = init.webSocket;
    this.#socket = init.socket;
    this.#deps = deps;
    this.#outbox = new Outbox(init.socket, deps.flusher);
  }

  get open(): boolean {
    return this.closingSince === undefined;
  }

  /** Frames that wait for the socket. */
  get queued(): number {
    return this.#outbox.length;
  }

  /** Their bytes. */
  get queuedBytes(): number {
    return this.#outbox.bytes;
  }

  /** An iOS app in the background reads nothing: it is not written to, and counts as offline. */
  get sleeping(): boolean {
    return this.inBackground && this.platformID === PLATFORM.IOS;
  }

  /** Queues one frame behind all earlier ones. Too many waiting closes the connection. */
  send(frame: Buffer, kind: FrameKind): void {
    if (!this.open) return;
    this.#deps.metrics.written(kind, frame.length);
    this.#queue(frame);
  }

  /** As {@link send}, for pushes, which are counted per delivery. */
  push(frame: Buffer): void {
    if (this.open) this.#queue(frame);
  }

  /** Writes what is queued now, without waiting for the end of the tick. */
  flush(): void {
    this.#outbox.flush();
  }

  sendText(text: string, kind: 'connect' | 'pong'): void {
    this.send(textFrame(text), kind);
  }

  /** Answers a control ping, past the queue. */
  pong(payload: Buffer): void {
    this.#control(pongFrame(payload), 'pong');
  }

  ping(): void {
    this.#control(PING_FRAME, 'ping');
  }

  /** Reads on, unless enough requests wait already or the connection is throttled. */
  resumeReading(): void {
    if (!this.open || this.throttled || !this.webSocket.isPaused) return;
    if ((this.input?.length ?? 0) < PAUSE_READING_AT) this.webSocket.resume();
  }

  /** Writes what is queued, then closes the TCP connection without a close frame. */
  close(reason: CloseReason): void {
    if (!this.#beginClose(reason)) return;
    // Reading goes on, so that the client's end is noticed and unread bytes do not reset the connection.
    this.webSocket.resume();
    this.#outbox.end();
  }

  /** Closes at once; what is queued is lost. */
  destroy(reason: CloseReason): void {
    this.#beginClose(reason);
    this.#socket.destroy();
  }

  /** The socket is closing by itself, or closed: only notes why. */
  ended(reason: CloseReason): void {
    this.#beginClose(reason);
  }

  #beginClose(reason: CloseReason): boolean {
    if (!this.open) return false;
    this.closingSince = performance.now();
    this.closeReason = reason;
    this.input = undefined;
    this.held = undefined;
    this.catchUp = undefined;
    return true;
  }

  #queue(frame: Buffer): void {
    if (this.#outbox.add(frame, this.#deps.limits)) return;
    this.#deps.metrics.overflows.inc();
    this.destroy('overflow');
  }

  #control(frame: Buffer, kind: 'ping' | 'pong'): void {
    if (!this.open || this.#socket.writableLength > CONTROL_MAX_BYTES) return;
    this.#deps.metrics.written(kind, frame.length);
    this.#socket.write(frame);
  }
}

/** Membership of a user by the log, and the version of that change; 0 when unknown. */
export interface LoggedMembership {
  readonly member: boolean;
  readonly version: number;
}

/** A user with at least one connection here. */
export class LocalUser {
  readonly tenant: TenantId;
  readonly userID: string;
  readonly connections: Connection[] = [];
  /** Undefined while there is none. */
  groups: Set<LocalGroup> | undefined;
  /** Resolves when what is published to the user from then on arrives here; undefined when it does. */
  subscribed: Promise<void> | undefined;
  /** Resolves when that holds for the user's groups too; undefined when it does. */
  complete: Promise<void> | undefined;
  /** While the groups are being read: what the log said meanwhile, by group. */
  changes: Map<string, LoggedMembership> | undefined;
  /** When a connection of theirs was last given to another gateway, ms of the monotonic clock. */
  shedAt: number | undefined;
  /** The last connection is gone; nothing may be done on its behalf any more. */
  gone = false;

  constructor(tenant: TenantId, userID: string) {
    this.tenant = tenant;
    this.userID = userID;
  }
}

/**
 * A group that came here by a change of membership: what was published to it behind that change is still being
 * caught up on.
 */
export interface JoinedGroup {
  /** Place of that change in the log. */
  readonly position: number;
  /** Users' copies of later changes, which wait for the group's own copies. */
  readonly waiting: log.Delivery[];
}

/** A group that at least one local user is a member of. */
export class LocalGroup {
  readonly tenant: TenantId;
  readonly groupID: string;
  readonly users: Set<LocalUser> = new Set();
  /** Version of the group's members that `users` is known to reflect; 0 when unknown. */
  version = 0;
  /** While membership is read again: deliveries that wait for it, in order. */
  held: log.Delivery[] | undefined;
  heldBytes = 0;
  /** Membership is being read again, whether or not deliveries still wait for it. */
  rereading = false;
  /** Since that began, some deliveries have gone to those who were known, without waiting. */
  missed = false;
  /** While the group is caught up on since a user joined: see {@link JoinedGroup}. */
  joined: JoinedGroup | undefined;

  constructor(tenant: TenantId, groupID: string) {
    this.tenant = tenant;
    this.groupID = groupID;
  }
}
