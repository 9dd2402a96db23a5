import type { ServerConfig, TenantId } from '@im/contract';
import type { Invalidations, Metrics, ProcessDirectory, TenantDirectory } from '@im/kit';
import type { LiveConfig, Logger, Service, TaskRunner } from '@im/process';
import type { event, log, user } from '@im/protocol';

/** What the bus reads of the configuration. */
export type BusConfig = Omit<ServerConfig['nats'], 'tls'> & Partial<Pick<ServerConfig['nats'], 'tls'>>;

/** Parts that a bus needs. */
export interface BusDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tasks: TaskRunner;
  /** Name of this process among its peers, new at every start. */
  readonly instanceId: string;
  /** Settings that change while the process runs; without it those of the start hold. */
  readonly live?: Pick<LiveConfig, 'onChange'>;
  /** Where there are several, each has its share of the message log. */
  readonly tenants?: Pick<TenantDirectory, 'list'>;
}

/**
 * Everything that travels between processes by NATS: the message log, deliveries and events.
 * It starts without NATS, connects in the background for as long as it takes, and survives every
 * restart of the servers. Methods that need a connection wait for it within their own time limit.
 */
export interface Bus extends Service {
  readonly log: MessageLog;
  readonly deliveries: Deliveries;
  readonly events: Events;
  readonly webhooks: WebhookQueue;
  readonly processes: ProcessDirectory;
  readonly gateways: GatewayRequests;
  readonly tenantRecords: TenantRecords;
  /** Cache invalidations across processes, this one included. */
  readonly invalidations: Invalidations;
  /**
   * Partition of a message, 0 to 63.
   * @param queueKey `queueKey(addressing)` of @im/protocol; a chat and its notification conversation share it.
   */
  partitionOf(queueKey: string): number;
}

/** What a gateway answers; neither may throw, and both only know the tenant that a request names. */
export interface GatewayAnswers {
  connections(request: user.GatewayConnectionsReq): user.GatewayConnectionsResp;
  kick(request: user.GatewayKickReq): user.GatewayKickResp;
}

/** Requests to one gateway about its live connections. */
export interface GatewayRequests {
  /** Answers what this gateway is asked. @returns a function that ends it. */
  serve(gatewayID: string, answers: GatewayAnswers): Unsubscribe;
  /** @throws ImError 90004 when the gateway does not answer in time, or is gone. */
  connections(
    gatewayID: string,
    request: user.GatewayConnectionsReq,
    timeoutMs: number,
  ): Promise<user.GatewayConnectionsResp>;
  /** @throws ImError 90004 as above: the connections may have been kicked or not. */
  kick(gatewayID: string, request: user.GatewayKickReq, timeoutMs: number): Promise<user.GatewayKickResp>;
}

/** Where a record went. */
export interface Appended {
  /** Sequence in the stream. */
  readonly position: number;
}

/** One record as read back from the log. */
export interface LogEntry {
  readonly tenant: TenantId;
  readonly partition: number;
  /** Sequence in the stream; rises by at least one per entry, over all partitions. */
  readonly position: number;
  /** Time of the log, ms since the epoch; never a client's or a worker's clock. */
  readonly timeMs: number;
  /** A `log.Record`; a view that is valid for as long as it is referenced. */
  readonly record: Uint8Array;
}

/** State of the log's stream. */
export interface LogInfo {
  /** Time of the stream's creation, ms; another one means another stream, with separate positions. */
  readonly createdMs: number;
  /** First position that is still there; `lastPosition + 1` when the log is empty. */
  readonly firstPosition: number;
  /** Last position given; 0 in a new stream. */
  readonly lastPosition: number;
  readonly bytes: number;
  readonly maxBytes: number;
}

export interface AppendOptions {
  /** Appended even while records are refused because the log is filling up: for what makes room in it. */
  readonly whenFull?: boolean;
  /** What the partition was chosen by: records of one key keep the order of the calls, and those of others may overtake them. */
  readonly queueKey?: string;
}

/** Where reading begins: at this position, or at the first record that is not older than this time. */
export type LogStart = { readonly position: number } | { readonly timeMs: number };

export interface LogReadOptions {
  /** Partitions to read, in any order; all 64 are read by one filter. */
  readonly partitions: readonly number[];
  readonly from: LogStart;
  /** `createdMs` of the stream that `from` belongs to; another stream ends the reading. */
  readonly createdMs: number;
  /** Most entries of one batch. @default 1000 */
  readonly maxBatch?: number;
  /**
   * Shortest time between the starts of two batches, in ms. What arrives meanwhile goes into the
   * next one, which starts at once when it is full. After a quiet time nothing waits.
   * @default 0
   */
  readonly gatherMs?: number;
  /**
   * Called with entries in log order, never two calls at once. While it works, reading goes on until
   * a bounded buffer is full. A rejection ends the reading with that error.
   * @param behind entries of these partitions in the log that were not delivered yet.
   */
  readonly onBatch: (entries: readonly LogEntry[], behind: number) => Promise<void>;
  /**
   * Asked before reading begins, and after an outage until an entry has been read: false ends the reading, because the
   * log is not the one that the reader's position belongs to. Later the last entry that was read is compared.
   */
  readonly isSame?: (info: LogInfo) => Promise<boolean>;
  /** Called once when there is nothing to read at the start; `onBatch` may still follow. */
  readonly onNothing?: () => void;
  readonly signal: AbortSignal;
}

/** An entry for a durable reader; exactly one of its functions is called within a minute, or it comes again. */
export interface FollowedEntry extends LogEntry {
  /** How often it was handed out, this time included. */
  readonly attempt: number;
  done(): void;
  /** It is to come again after a while, to any process. */
  again(delayMs: number): void;
}

export interface LogFollowOptions {
  /** Whose records are read; asked every few seconds. More than 64: those of all tenants. */
  readonly tenants: () => readonly TenantId[];
  /** Entries that the process can take now. */
  readonly room: () => number;
  /** Must not throw. */
  readonly onEntry: (entry: FollowedEntry) => void;
  readonly signal: AbortSignal;
}

/** The log was recreated or set back while it was read: positions have a new meaning. */
export class LogRecreatedError extends Error {
  override readonly name = 'LogRecreatedError';
}

/** The message log: stream MSGS. */
export interface MessageLog {
  /**
   * Appends one record and resolves when the log has stored it durably. What arrives in one tick
   * travels as one batch, all or nothing; queue keys take turns, and records of one tenant, partition and queue key
   * keep the order of the calls. A batch whose fate is unknown is sent again for up to `publishTimeoutMs`, so a record
   * may be in the log twice: readers drop the second one by its dedup key.
   * @throws ImError NetworkError (90004, retryable) when the queue or the log is full, or when the
   * servers did not acknowledge in time; the record may be in the log nevertheless. ArgsError (1001)
   * when the servers do not take messages of its size.
   */
  append(tenant: TenantId, partition: number, record: Uint8Array, options?: AppendOptions): Promise<Appended>;
  /**
   * Reads entries in log order until the signal aborts or the bus stops; outlives restarts of the servers. It
   * acknowledges nothing: the reader keeps its own position.
   * @throws LogRecreatedError when positions lost their meaning; whatever `onBatch` threw.
   */
  read(options: LogReadOptions): Promise<void>;
  /**
   * Reads the records of some tenants, at least once, from where the durable reader `name` stopped; the first time from
   * now on. Several processes may share a name: each record goes to one of them. What the log no longer holds is left
   * out. Ends when the signal aborts or the bus stops.
   */
  follow(name: string, options: LogFollowOptions): Promise<void>;
  /** State of the stream, from the server. @throws when the server does not answer within 5 s. */
  info(): Promise<LogInfo>;
  /** The entry at exactly this position, or undefined when there is none (any more). */
  entryAt(position: number): Promise<LogEntry | undefined>;
  /** The first entry that is not older than this time, or undefined when all are older. */
  firstSince(timeMs: number): Promise<LogEntry | undefined>;
  /** Removes the entries before `position`. */
  purgeBefore(position: number): Promise<void>;
  /**
   * Announces that these entries are folded and delivered, or kept apart: appending processes hold back large records
   * while too many bytes of them wait for that. Cheap when none of them is large; may get lost without harm.
   */
  announceFolded(entries: readonly LogEntry[]): void;
}

/** One delivery on its way to one user or to the members of one group: exactly one of the two targets. */
export interface OutgoingDelivery {
  readonly tenant: TenantId;
  readonly targetUserID?: string;
  readonly targetGroupID?: string;
  /** An encoded `log.Delivery`. */
  readonly payload: Uint8Array;
}

/** One delivery as read from the stream of deliveries. */
export interface KeptDelivery {
  readonly tenant: TenantId;
  readonly delivery: log.Delivery;
  /** When it was published, ms. */
  readonly publishedMs: number;
  /** How often it was handed out, this time included; 1 unless it comes again. */
  readonly attempt: number;
}

/** A delivery that is to come again after a while, alone. */
export interface PutOff {
  readonly kept: KeptDelivery;
  readonly delayMs: number;
}

/** Deliveries: live on user and group subjects, and for ten minutes in stream SEQ. */
export interface Deliveries {
  /**
   * Publishes in the given order and resolves when SEQ has all of them. Calls queue: the order of
   * calls is the order of deliveries. A call that rejects may have been published in part or in
   * full; publish again, feeds drop what they have seen.
   */
  publish(batch: readonly OutgoingDelivery[]): Promise<void>;
  /**
   * Publishes one delivery that may be lost (typing): position 0, not kept by feeds, never
   * replayed. Resolves when it was handed to the connection; dropped when there is none.
   */
  publishTransient(outgoing: OutgoingDelivery): void;
  /** What a gateway listens with. Deliveries of no target arrive until targets are added. */
  feed(options: FeedOptions): DeliveryFeed;
  /**
   * All deliveries of a tenant as they are published, transient ones included: encoded `log.Delivery`, of which each target has a
   * copy. May miss some and have others twice; listeners slow no one down. For people who watch.
   */
  watch(tenant: TenantId, onDelivery: (payload: Uint8Array) => void): Unsubscribe;
  /**
   * Announces this process as a producer of deliveries: it sends heartbeats, answers barriers and
   * announces takeovers to feeds. For transfer.
   */
  announceProducer(options: ProducerOptions): DeliveryProducer;
  /**
   * Reads all deliveries in order, at least once, from where the durable reader `name` stopped; the
   * first time, and after SEQ was lost, from now on. Acknowledged when `onBatch` resolves; when it
   * rejects, the batch comes again after a while. Several processes may share a name: each batch
   * goes to one of them. Transient deliveries are left out. Ends when the signal aborts or the bus stops.
   */
  consume(name: string, options: ConsumeOptions): Promise<void>;
}

export interface ConsumeOptions {
  /**
   * Gets deliveries of one tenant; those of several tenants that arrive together are handed on at the same time.
   * @returns those that are to come again; all others are settled. When it rejects, the whole batch comes again.
   */
  readonly onBatch: (batch: readonly KeptDelivery[]) => Promise<readonly PutOff[] | undefined>;
  /** Most deliveries of one batch. @default 500 */
  readonly maxBatch?: number;
  /**
   * How many more deliveries of a tenant are taken while a batch of it is being handled, so that a tenant that is slow
   * holds up no other.
   * @default 0: nothing is read until all that was read is handled.
   */
  readonly ahead?: () => number;
  /** Decides about deliveries of a tenant that are too many: those that are to come again. @default all, after 5 s. */
  readonly onFull?: (kept: readonly KeptDelivery[]) => readonly PutOff[];
  /** A batch that is not full is handed on this long after its first delivery arrived. @default 0 */
  readonly gatherMs?: number;
  readonly signal: AbortSignal;
}

export interface FeedOptions {
  /**
   * Called once per delivery and target, per (target, conversation) in the order of the log.
   * Called synchronously from the connection's reader: it must not block or throw.
   * @param payload the encoded `log.Delivery`, for instance to hand on.
   */
  readonly onDelivery: (delivery: log.Delivery, payload: Uint8Array) => void;
  /**
   * Deliveries may have been missed that no replay can bring back (an outage longer than SEQ
   * keeps). Clients of this process must synchronize: close their connections, paced.
   */
  readonly onGap: (reason: string) => void;
}

/** A place in the log from which a group's deliveries are wanted. */
export interface JoinedAt {
  /** Deliveries at this position and before it are not wanted. */
  readonly position: number;
  /** Its time in the log, ms. */
  readonly timeMs: number;
}

/**
 * The deliveries of a changing set of users and groups, complete for as long as the feed lives:
 * after an outage it replays what it missed before anything newer, and it drops copies.
 */
export interface DeliveryFeed {
  /** Counted: as many removals as additions end the subscription. Cheap from the second time on. */
  addUser(tenant: TenantId, userID: string): void;
  removeUser(tenant: TenantId, userID: string): void;
  /**
   * @param joinedAt the place of the delivery that made a user here a member. What was published to
   * the group behind it then arrives too, although the subscription begins only now.
   * @param onCaughtUp called once, when all of that was forwarded or the group is removed.
   * @returns whether there is something to catch up on; else `onCaughtUp` is never called.
   */
  addGroup(tenant: TenantId, groupID: string, joinedAt?: JoinedAt, onCaughtUp?: () => void): boolean;
  removeGroup(tenant: TenantId, groupID: string): void;
  /**
   * Resolves when everything added so far is effective at every live producer: what is published
   * from then on arrives here, and what was published before is in the database. Calls of one tick
   * share one request. A producer that stays silent for two heartbeats counts as dead.
   * @throws ImError NetworkError (90004) when there is no connection within 5 s.
   */
  barrier(): Promise<void>;
  /**
   * Resolves when every partition has a live consumer, or after 4 s: until then, consumers may start that
   * redeliver what a client gets now by synchronizing.
   */
  allPartitionsOwned(): Promise<void>;
  /** Highest generation of a partition consumer that is known. */
  generation(): number;
  stop(): Promise<void>;
}

export interface ProducerOptions {
  /** A feed missed deliveries that SEQ lost: deliver again what was delivered last. */
  readonly onRedeliver: () => void;
  /** A partition changed hands or became free somewhere. */
  readonly onTakeover: () => void;
  /** Travels with every heartbeat. */
  readonly state: () => ProducerState;
}

/** What a producer announces of partition consumers. */
export interface ProducerState {
  /** Highest generation of its partition consumers; 0 before the first. */
  readonly generation: number;
  /** Every partition has a live consumer, as far as it knows. */
  readonly allPartitionsOwned: boolean;
}

/** A process that publishes deliveries, as feeds see it. */
export interface DeliveryProducer {
  /** Announces to feeds that a partition changed hands; they look for what they may have missed. */
  announceTakeover(partition: number, fence: number): void;
  /** Names of the producers with a heartbeat within the last heartbeats, this one included. */
  liveProducers(): readonly string[];
  stop(): Promise<void>;
}

/** Ends a subscription. */
export type Unsubscribe = () => void;

/** What all streams hold of a tenant that is served no more. */
export interface TenantRecords {
  /** Partitions of the log with records of the tenant. */
  partitions(tenant: TenantId): Promise<readonly number[]>;
  /** Records of the tenant in all streams. */
  count(tenant: TenantId): Promise<number>;
  /**
   * Removes the tenant's records from the log. By the record at its position a consumer recognizes the log, so that the
   * position of none may be at one of them. @returns how many.
   */
  removeFromLog(tenant: TenantId): Promise<number>;
  /** Removes the tenant's deliveries to clients and webhooks. @returns how many. */
  removeOthers(tenant: TenantId): Promise<number>;
}

/** Events between processes: best effort, they carry no truth. Own events come back too. */
export interface Events {
  publishKick(tenant: TenantId, kick: event.Kick): void;
  /** Kicks of one user. Handlers must not throw. */
  subscribeKicks(tenant: TenantId, userID: string, handler: (kick: event.Kick) => void): Unsubscribe;
  /** Kicks of all users of all tenants: for those who remember tokens. */
  subscribeAllKicks(handler: (tenant: TenantId, kick: event.Kick) => void): Unsubscribe;
  publishPresence(tenant: TenantId, presence: event.Presence): void;
  /** Presence of one user. Handlers must not throw. */
  subscribePresence(
    tenant: TenantId,
    userID: string,
    handler: (presence: event.Presence) => void,
  ): Unsubscribe;
  /** Called after every outage of the connection: events may have been missed. */
  onMissed(handler: () => void): Unsubscribe;
}

/** A webhook delivery on its way to the queue. */
export interface QueuedWebhook {
  /** Names it: stored twice within two minutes, it is one. Letters, digits, `-` and `_`. */
  readonly id: string;
  readonly payload: Uint8Array;
}

/** A webhook delivery from the queue; exactly one of its functions is called within a minute, or it comes again. */
export interface TakenWebhook {
  readonly tenant: TenantId;
  readonly payload: Uint8Array;
  /** How often it was handed out, this time included. */
  readonly attempt: number;
  /** It was delivered, or is stored elsewhere. */
  done(): void;
  /** It is to come again after a while, to any process. */
  again(delayMs: number): void;
}

export interface WebhookConsumeOptions {
  /** Deliveries that the process can take now. */
  readonly room: () => number;
  /** Must not throw. */
  readonly onDelivery: (delivery: TakenWebhook) => void;
  readonly signal: AbortSignal;
}

/** Webhook deliveries between those who make them and the dispatchers: stream HOOKS, on disk. */
export interface WebhookQueue {
  /**
   * Stores deliveries of one tenant, and resolves when all are stored. When it rejects, some may be.
   * @throws WebhookQueueFull (90004) when the tenant has as many waiting as it may have; ImError NetworkError
   * (90004) when the servers did not acknowledge in time.
   */
  publish(tenant: TenantId, items: readonly QueuedWebhook[]): Promise<void>;
  /** Hands out deliveries, each to one of the processes that consume, at least once. Ends when the signal aborts or the bus stops. */
  consume(options: WebhookConsumeOptions): Promise<void>;
}
