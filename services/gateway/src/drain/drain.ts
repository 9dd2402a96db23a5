import type { GatewayStatus } from '@im/contract';
import type { Handshakes } from '../connect/handshake.ts';
import type { Connection } from '../connection/connection.ts';
import { ConnectionCloser } from './connection-closer.ts';
import { LeasedPace } from './pace.ts';

export interface DrainControllerDeps {
  readonly connections: ReadonlySet<Connection>;
  readonly handshakes: Pick<Handshakes, 'refuseAll' | 'acceptAgain'>;
  /** Most connections closed per second. */
  readonly maxPerSecond: () => number;
  /** Time that a drain takes at most, ms. */
  readonly deadlineMs: () => number;
  /** Time in which load balancers learn that this gateway refuses clients, before it closes the first connection, ms. */
  readonly settleMs: () => number;
}

/** When a drain ends, and at what pace. */
export interface DrainRequest {
  /** When all connections are closed, ms since the epoch. */
  readonly until?: number;
  /** The same as a time from now; the same number again does not prolong a drain. */
  readonly withinMs?: number;
  /** Pace of the caller in place of the configured one. */
  readonly maxPerSecond?: number;
  /** Validity of that pace. @default the end of the drain */
  readonly ttlMs?: number;
}

/** Allowance in the estimate for clients to notice the close of their connection, ms. */
const LAST_CLOSE_MS = 1_000;
/** Of the configured deadline, so much is left for clients that do not close their side, when a stop is announced. */
const ANNOUNCED_SHARE = 0.9;

/**
 * Moves the clients of this gateway to others, on request of the operator or before a stop. The deadline holds at
 * any pace: as many connections are closed per second as it demands.
 */
export class DrainController {
  readonly #deps: DrainControllerDeps;
  readonly #pace: LeasedPace;
  #closer: ConnectionCloser | undefined;
  #done: Promise<void> = Promise.resolve();
  /** ms since the epoch. */
  #until = 0;
  #withinMs: number | undefined;
  /** No later deadline is accepted, ms since the epoch; infinite before a stop is announced. */
  #latest = Number.POSITIVE_INFINITY;

  constructor(deps: DrainControllerDeps) {
    this.#deps = deps;
    this.#pace = new LeasedPace(deps.maxPerSecond);
  }

  get on(): boolean {
    return this.#closer !== undefined;
  }

  /** Its fields in the gateway's status. */
  get status(): Pick<
    GatewayStatus,
    'draining' | 'drainRemaining' | 'drainEtaSeconds' | 'drainUntil' | 'drainPerSecond'
  > {
    if (!this.#closer) return { draining: false, drainRemaining: 0, drainEtaSeconds: 0 };
    const remaining = this.#deps.connections.size;
    const etaMs = remaining === 0 ? 0 : Math.max(this.#closer.etaMs, LAST_CLOSE_MS);
    return {
      draining: true,
      drainRemaining: remaining,
      drainEtaSeconds: Math.ceil(etaMs / 1_000),
      drainUntil: this.#until,
      drainPerSecond: Math.round(this.#closer.perSecond * 10) / 10,
    };
  }

  /**
   * Refuses new clients, and closes all connections by the time given, else within the config's deadline. While a
   * drain is under way, a further call replaces what it names; the same call again changes nothing.
   */
  begin({ until, withinMs, maxPerSecond, ttlMs }: DrainRequest = {}): void {
    if (maxPerSecond !== undefined) this.#pace.lease(maxPerSecond, ttlMs);
    const repeated = this.on && withinMs === this.#withinMs;
    if (until !== undefined) this.#endAt(until);
    else if (withinMs !== undefined && !repeated) this.#endAt(Date.now() + withinMs);
    else if (!this.on) this.#endAt(Date.now() + this.#deps.deadlineMs());
    this.#withinMs = withinMs;
  }

  /**
   * Drains before a stop of the process, somewhat faster than the config's deadline. From now on no request
   * prolongs it, as the time to stop is limited.
   * @returns resolves when the close of each connection has started.
   */
  async beforeStop(): Promise<void> {
    this.#latest = Math.round(Date.now() + this.#deps.deadlineMs() * ANNOUNCED_SHARE);
    this.#endAt(this.on ? this.#until : this.#latest);
    await this.#done;
  }

  /** Accepts clients again; connections that are still open stay. */
  cancel(): void {
    this.#closer?.cancel();
    this.#closer = undefined;
    this.#withinMs = undefined;
    this.#pace.release();
    this.#deps.handshakes.acceptAgain();
  }

  /** Closes what is left within this time, without the time to settle; resolves when the close of each has started. */
  async finish(withinMs: number): Promise<void> {
    if (!this.#closer) this.#start(withinMs, 0);
    this.#closer?.within(withinMs);
    this.#closer?.begin();
    await this.#done;
  }

  /** Closes all that are left at once. */
  endNow(): void {
    this.#closer?.within(0);
    this.#closer?.begin();
  }

  /** @param until ms since the epoch. */
  #endAt(until: number): void {
    this.#until = Math.min(until, this.#latest);
    const withinMs = Math.max(0, this.#until - Date.now());
    if (this.#closer) this.#closer.within(withinMs);
    else this.#start(withinMs, this.#deps.settleMs());
  }

  #start(withinMs: number, settleMs: number): void {
    const { connections, handshakes } = this.#deps;
    handshakes.refuseAll();
    const maxPerSecond = () => this.#pace.perSecond;
    const closer = new ConnectionCloser(connections, { reason: 'drain', maxPerSecond, withinMs, settleMs });
    this.#closer = closer;
    this.#done = closer.run();
  }
}
