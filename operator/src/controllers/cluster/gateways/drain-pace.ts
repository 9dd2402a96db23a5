/** A gateway that clients of draining ones connect to. */
export interface Receiver {
  readonly connections: number;
  /** Most connections that it takes. */
  readonly maxConnections: number;
  /** Handshakes that arrived per second, as a mean of 10 s. */
  readonly handshakesPerSecond: number;
  /** Handshakes that it refused per second; versions before do not report them. */
  readonly refusedPerSecond?: number | undefined;
  /** Time until a new connection is usable, ms; absent without samples. */
  readonly loginP99Ms?: number | undefined;
  readonly eventLoopDelayMs: number;
}

/** A gateway that drains. */
export interface DrainingGateway {
  readonly name: string;
  readonly remaining: number;
  /** Ms since the epoch. */
  readonly until: number;
}

/** What a pace is made from. */
export interface PaceInput {
  readonly receivers: readonly Receiver[];
  readonly drains: readonly DrainingGateway[];
  /** New connections that a gateway admits per second; 0 is no limit. */
  readonly handshakeBudget: number;
  /** Most connections that a gateway closes per second, unless its deadline requires more. */
  readonly maxPerSecond: number;
  readonly now: number;
}

/** What is kept between two paces; losing it costs some seconds of caution. */
export interface PaceMemory {
  readonly at: number;
  /** Share of the offers that is used, which halves under distress and recovers. */
  readonly caution: number;
  /** Connections closed per second, as a mean of about 10 s. */
  readonly granted: number;
  /** Login time of the receivers without distress, ms. */
  readonly loginBaselineMs?: number | undefined;
}

/** Connections to close per second, by name of the gateway. */
export interface Pace {
  readonly perSecond: ReadonlyMap<string, number>;
  readonly memory: PaceMemory;
}

/** Share of what receivers offer that drains use. */
const SHARE = 0.8;
/** Event loop delay from which on a receiver takes no more, ms. */
const BUSY_MS = 100;
/** Time in which drains may at most fill the room of receivers, s. */
const HEADROOM_SECONDS = 10;
/** Window of the figures of gateways, s. */
const WINDOW_SECONDS = 10;
/** Login time that is no distress whatever it was before, ms. */
const LOGIN_FINE_MS = 500;
const LEAST_CAUTION = 1 / 32;
/** Growth of the used share per second without distress. */
const RECOVERY = 1.05;
/** Time kept between the end at the present pace and the deadline, s. */
const MARGIN_SECONDS = 5;

/**
 * The pace of all drains together: what receivers can take, halved while they refuse clients or logins become slow, and
 * divided by urgency. A drain never gets less than its deadline requires.
 */
export function drainPace(input: PaceInput, before: PaceMemory | undefined): Pace {
  const { receivers, drains, now, maxPerSecond } = input;
  const elapsed = before === undefined ? 0 : Math.max(0, (now - before.at) / 1_000);
  const loginMs = Math.max(0, ...receivers.map(({ loginP99Ms }) => loginP99Ms ?? 0));
  const refused = receivers.reduce((sum, { refusedPerSecond = 0 }) => sum + refusedPerSecond, 0);
  const baseline = before?.loginBaselineMs ?? loginMs;
  const distress = refused >= 1 || loginMs > Math.max(LOGIN_FINE_MS, 2 * baseline);
  const was = before?.caution ?? 1;
  const caution = distress ? Math.max(LEAST_CAUTION, was / 2) : Math.min(1, was * RECOVERY ** elapsed);

  const total = SHARE * caution * offered(input, before?.granted ?? 0);
  const urgency = new Map(drains.map((drain) => [drain.name, required(drain, now)]));
  const sum = [...urgency.values()].reduce((all, each) => all + each, 0);
  const perSecond = new Map<string, number>();
  for (const [name, least] of urgency) {
    const share = sum === 0 ? 0 : (total * least) / sum;
    perSecond.set(name, Math.max(1, Math.ceil(least), Math.floor(Math.min(share, maxPerSecond))));
  }
  const pace = [...perSecond.values()].reduce((all, each) => all + each, 0);
  const weight = Math.min(1, elapsed / WINDOW_SECONDS);
  const granted = before === undefined ? 0 : before.granted + (pace - before.granted) * weight;
  const loginBaselineMs = distress ? baseline : baseline + (loginMs - baseline) * weight;
  return { perSecond, memory: { at: now, caution, granted, loginBaselineMs } };
}

/**
 * Connections per second that receivers can take from drains. What arrives because of drains already is not counted
 * against them.
 */
function offered({ receivers, handshakeBudget }: PaceInput, granted: number): number {
  const arrived = receivers.reduce((sum, { handshakesPerSecond }) => sum + handshakesPerSecond, 0);
  const ownShare = arrived === 0 ? 0 : Math.min(1, granted / arrived);
  return receivers.reduce((sum, receiver) => {
    if (receiver.eventLoopDelayMs >= BUSY_MS) return sum;
    const others = receiver.handshakesPerSecond * (1 - ownShare);
    const admitted = handshakeBudget === 0 ? Number.MAX_SAFE_INTEGER : handshakeBudget - others;
    const room = (receiver.maxConnections - receiver.connections) / HEADROOM_SECONDS;
    return sum + Math.max(0, Math.min(admitted, room));
  }, 0);
}

/** Pace at which a drain ends just before its deadline. */
function required({ remaining, until }: DrainingGateway, now: number): number {
  return remaining / Math.max(1, (until - now) / 1_000 - MARGIN_SECONDS);
}
