import { COUNT_BUCKETS, type Counter, type Gauge, type Metrics } from '@im/kit';
import { PLATFORM_NAMES } from '@im/protocol';
import { FRAMINGS } from './wire/frame.ts';

/** Why a connection ended. */
export type CloseReason =
  | 'client'
  | 'kick'
  | 'user-limit'
  | 'admin'
  | 'token'
  | 'logout'
  | 'drain'
  | 'rebalance'
  | 'resync'
  | 'tenant'
  | 'timeout'
  | 'overflow'
  | 'flood'
  | 'malformed'
  | 'sender'
  | 'unknown-request'
  | 'text'
  | 'protocol';

/** Why a handshake was refused with a code that clients try again. */
export type RefusalReason = 'draining' | 'full' | 'login' | 'tenant' | 'rate' | 'unavailable' | 'attempts';

/** Kinds of frames that a gateway writes. */
export type FrameKind = 'reply' | 'push' | 'presence' | 'kick' | 'connect' | 'pong' | 'ping';

/** The gateway's metrics; children of labelled ones are made once. */
export interface GatewayMetrics {
  /** Handshakes by the code they were answered with; 0 for accepted ones. */
  handshake(code: number): void;
  refused(reason: RefusalReason): void;
  opened(platformID: number, framing: number): void;
  closed(platformID: number, framing: number, reason: CloseReason): void;
  received(kind: 'request' | 'text' | 'ping' | 'pong', bytes: number): void;
  written(kind: FrameKind, bytes: number): void;
  /** One request answered. */
  answered(id: number, code: number, seconds: number): void;
  /** A send that the log acknowledged. */
  sendAccepted(): void;
  /** One delivery written to this many sockets. */
  pushed(sockets: number, bytes: number): void;
  /** Time that the server took until a new connection was usable. */
  readonly loginSeconds: { observe(seconds: number): void };
  readonly overflows: Counter;
  /** Memberships read again because a delivery was newer. */
  readonly rereads: Counter;
  /** Bytes of deliveries that wait for that. */
  readonly membershipHeldBytes: Gauge;
  /** A bound on memory or on what a client may ask has taken effect. */
  bounded(bound: Bound): void;
}

/** Bounds that are counted when they take effect. */
export type Bound = 'input-rate' | 'input-bytes' | 'request-bytes' | 'own-push' | 'catch-up';

/** A counter with its labels fixed. */
interface Tally {
  inc(by?: number): void;
}

function children<K extends string | number, T = Tally>(make: (key: K) => T): (key: K) => T {
  const made = new Map<K, T>();
  return (key) => {
    let child = made.get(key);
    if (!child) {
      child = make(key);
      made.set(key, child);
    }
    return child;
  };
}

/** Registers the gateway's metrics. */
export function gatewayMetrics(metrics: Metrics): GatewayMetrics {
  const connections = metrics.gauge('openim_gateway_connections', 'Connections now', [
    'platform',
    'encoding',
  ]);
  const handshakes = metrics.counter('openim_gateway_handshakes_total', 'Handshakes by answer', ['code']);
  const refusals = metrics.counter(
    'openim_gateway_refused_total',
    'Handshakes refused with 1601, by reason',
    ['reason'],
  );
  const closes = metrics.counter('openim_gateway_closed_total', 'Connections ended, by reason', ['reason']);
  const frames = metrics.counter('openim_gateway_frames_total', 'Frames', ['direction', 'kind']);
  const bytes = metrics.counter('openim_gateway_bytes_total', 'Bytes of frames', ['direction']);
  const bytesIn = bytes.labels({ direction: 'in' });
  const bytesOut = bytes.labels({ direction: 'out' });
  const latency = metrics.histogram('openim_gateway_request_seconds', 'Time from request to answer', ['id']);
  const answers = metrics.counter('openim_gateway_answers_total', 'Requests answered, by id and code', [
    'id',
    'code',
  ]);
  const accepted = metrics.counter('openim_gateway_sends_accepted_total', 'Sends acknowledged by the log');
  const pushes = metrics.counter('openim_gateway_pushes_written_total', 'Push frames written to sockets');
  const fanout = metrics.histogram(
    'openim_gateway_push_fanout_sockets',
    'Sockets per delivery',
    [],
    COUNT_BUCKETS,
  );

  const bounds = metrics.counter(
    'openim_gateway_bounds_total',
    'Times that a bound of the gateway took effect',
    ['bound'],
  );

  const byBound = children((bound: Bound) => bounds.labels({ bound }));
  const framesIn = children((kind: string) => frames.labels({ direction: 'in', kind }));
  const framesOut = children((kind: FrameKind) => frames.labels({ direction: 'out', kind }));
  const byRefusal = children((reason: RefusalReason) => refusals.labels({ reason }));
  const byReason = children((reason: CloseReason) => closes.labels({ reason }));
  const latencies = new Map<number, { observe(seconds: number): void }>();
  const byAnswer = new Map<number, Tally>();
  const byCode = children((code: number) => handshakes.labels({ code: String(code) }));
  const byFraming = children((framing: number) =>
    children((platformID: number) =>
      connections.labels({
        platform: PLATFORM_NAMES[platformID] ?? 'unknown',
        encoding: FRAMINGS[framing]?.encoding ?? 'gob',
      }),
    ),
  );

  return {
    handshake: (code) => byCode(code).inc(),
    refused: (reason) => byRefusal(reason).inc(),
    opened: (platformID, framing) => byFraming(framing)(platformID).inc(),
    closed(platformID, framing, reason) {
      byFraming(framing)(platformID).dec();
      byReason(reason).inc();
    },
    received(kind, size) {
      framesIn(kind).inc();
      bytesIn.inc(size);
    },
    written(kind, size) {
      framesOut(kind).inc();
      bytesOut.inc(size);
    },
    answered(id, code, seconds) {
      let child = latencies.get(id);
      if (!child) {
        child = latency.labels({ id: String(id) });
        latencies.set(id, child);
      }
      child.observe(seconds);
      // Codes have at most five digits, so the pair makes one number.
      const pair = id * 100_000 + code;
      let tally = byAnswer.get(pair);
      if (!tally) {
        tally = answers.labels({ id: String(id), code: String(code) });
        byAnswer.set(pair, tally);
      }
      tally.inc();
    },
    sendAccepted: () => accepted.inc(),
    pushed(sockets, size) {
      fanout.observe(sockets);
      if (sockets === 0) return;
      pushes.inc(sockets);
      framesOut('push').inc(sockets);
      bytesOut.inc(size);
    },
    loginSeconds: metrics.histogram(
      'openim_gateway_login_seconds',
      'Time for the handshake and the first request for the newest seqs of a connection',
    ),
    overflows: metrics.counter(
      'openim_gateway_queue_overflows_total',
      'Connections that did not read fast enough',
    ),
    bounded: (bound) => byBound(bound).inc(),
    rereads: metrics.counter('openim_gateway_membership_rereads_total', 'Memberships of a group read again'),
    membershipHeldBytes: metrics.gauge(
      'openim_gateway_membership_held_bytes',
      'Bytes of deliveries that wait for the membership of their group',
    ),
  };
}

/** What is counted at the time of a scrape. */
export interface ObservedGateway {
  readonly connections: Iterable<{ readonly queuedBytes: number; readonly heldBytes: number }>;
  readonly localUsers: { readonly userCount: number; readonly groupCount: number };
  readonly requests: { readonly waitingBytes: number };
  readonly inputRate: { readonly size: number };
  readonly catchUps: { readonly bytes: number };
  readonly presence: { readonly waiting: number };
  readonly watch: { readonly size: number; readonly waiting: number };
}

/** Registers the metrics of what a gateway holds. */
export function observeGateway(metrics: Metrics, gateway: ObservedGateway): void {
  const { connections, localUsers, requests, inputRate, catchUps, presence, watch } = gateway;
  const total = (bytes: 'queuedBytes' | 'heldBytes') => () => {
    let sum = 0;
    for (const connection of connections) sum += connection[bytes];
    return sum;
  };
  metrics.observe('openim_gateway_users', 'Users with a connection', () => localUsers.userCount);
  metrics.observe('online_user_num', 'As openim_gateway_users; OpenIM’s name', () => localUsers.userCount);
  metrics.observe('openim_gateway_groups', 'Groups that a connected user is in', () => localUsers.groupCount);
  metrics.observe('openim_gateway_watched_users', 'Users whose presence is watched', () => watch.size);
  metrics.observe(
    'openim_gateway_watch_changes_waiting',
    'Connections whose presence subscriptions wait for their turn to change',
    () => watch.waiting,
  );
  metrics.observe(
    'openim_gateway_output_bytes',
    'Bytes of frames that wait because a socket takes no more',
    total('queuedBytes'),
  );
  metrics.observe(
    'openim_gateway_own_push_bytes',
    'Bytes of pushes that wait behind the answer to their send',
    total('heldBytes'),
  );
  metrics.observe(
    'openim_gateway_input_bytes',
    'Bytes of requests that wait behind others of their connection',
    () => requests.waitingBytes,
  );
  metrics.observe(
    'openim_gateway_throttled',
    'Connections that are not read for a while because they asked too much',
    () => inputRate.size,
  );
  metrics.observe(
    'openim_gateway_catch_up_bytes',
    'Bytes of pushes that wait for clients to catch up',
    () => catchUps.bytes,
  );
  metrics.observe(
    'openim_gateway_presence_waiting',
    'Users whose presence is to be reported',
    () => presence.waiting,
  );
}
