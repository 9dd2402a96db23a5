import type { GatewayStatus } from '@im/contract';
import { type Metrics, sleep } from '@im/kit';
import type { OpsRequest, OpsResponse, OpsRoutes, StatusRegistry } from '@im/process';
import type { Handshakes } from '../connect/handshake.ts';
import type { Connection } from '../connection/connection.ts';
import type { CloseReason } from '../metrics.ts';

export interface CloserOptions {
  readonly reason: CloseReason;
  /** Most connections closed per second, unless the time left demands more; asked again at every step. */
  readonly maxPerSecond: () => number;
  /** Time within which all must be closed, ms. */
  readonly withinMs: number;
  /** Time before the first is closed, ms. @default 0 */
  readonly settleMs?: number;
}

const STEP_MS = 50;
/** Longest that a connection waits for the answer to the request that it is working on, ms. */
const REQUEST_GRACE_MS = 2_000;

function shuffled<T>(items: Iterable<T>): T[] {
  const list = [...items];
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    const swap = list[i] as T;
    list[i] = list[j] as T;
    list[j] = swap;
  }
  return list;
}

/**
 * Closes connections in random order at an even pace, because clients dial again at once: the
 * gateways that take them shall not be hit all at once. Each is closed behind what is queued for it
 * and behind the answer it waits for.
 */
export class ConnectionCloser {
  readonly #connections: ReadonlySet<Connection>;
  readonly #options: CloserOptions;
  #beginsAt: number;
  #endsAt: number;
  #waiting: Connection[] | undefined;
  #answering: { readonly connection: Connection; readonly until: number }[] = [];
  #cancelled = false;

  /** @param connections those in the set when the first is closed are closed. */
  constructor(connections: ReadonlySet<Connection>, options: CloserOptions) {
    const now = performance.now();
    this.#connections = connections;
    this.#options = options;
    this.#beginsAt = now + (options.settleMs ?? 0);
    this.#endsAt = now + options.withinMs;
  }

  /** Resolves when the close of each has started, or after {@link cancel}. */
  async run(): Promise<void> {
    while (performance.now() < this.#beginsAt && !this.#cancelled) await sleep(STEP_MS);
    const waiting = shuffled(this.#connections);
    this.#waiting = waiting;
    let allowed = 0;
    let before = performance.now() - STEP_MS;
    while (!this.#cancelled) {
      const now = performance.now();
      allowed += (now - before) * this.#perMs(now);
      before = now;
      for (; waiting.length > 0 && (allowed >= 1 || now >= this.#endsAt); allowed--) this.#take(now);
      this.#answering = this.#answering.filter(({ connection, until }) => {
        if (connection.busy && connection.open && now < until && now < this.#endsAt) return true;
        connection.close(this.#options.reason);
        return false;
      });
      if (waiting.length === 0 && this.#answering.length === 0) return;
      await sleep(STEP_MS);
    }
  }

  /** Time until the close of the last begins at the present pace, ms. */
  get etaMs(): number {
    const now = performance.now();
    const left = this.#waiting?.length ?? this.#connections.size;
    if (left === 0) return 0;
    return Math.max(0, this.#beginsAt - now) + left / this.#perMs(Math.max(now, this.#beginsAt));
  }

  /** Replaces the time within which all must be closed, counted from now. */
  within(ms: number): void {
    this.#endsAt = performance.now() + ms;
  }

  /** Begins to close now, whatever `settleMs` said. */
  begin(): void {
    this.#beginsAt = Math.min(this.#beginsAt, performance.now());
  }

  /** Leaves those that are still open. */
  cancel(): void {
    this.#cancelled = true;
  }

  #perMs(now: number): number {
    const left = this.#waiting?.length ?? this.#connections.size;
    const demanded = left / Math.max(this.#endsAt - now, STEP_MS);
    return Math.max(this.#options.maxPerSecond() / 1_000, demanded);
  }

  #take(now: number): void {
    let connection = this.#waiting?.pop();
    // Those that went by themselves cost nothing.
    while (connection && !connection.open) connection = this.#waiting?.pop();
    if (connection?.busy) this.#answering.push({ connection, until: now + REQUEST_GRACE_MS });
    else connection?.close(this.#options.reason);
  }
}

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

/** Allowance in the estimate for clients to notice the close of their connection, ms. */
const LAST_CLOSE_MS = 1_000;

/** Moves the clients of this gateway to others, on request of the operator or before a stop. */
export class DrainController {
  readonly #deps: DrainControllerDeps;
  #closer: ConnectionCloser | undefined;
  #done: Promise<void> = Promise.resolve();

  constructor(deps: DrainControllerDeps) {
    this.#deps = deps;
  }

  get on(): boolean {
    return this.#closer !== undefined;
  }

  /** Its fields in the gateway's status. */
  get status(): Pick<GatewayStatus, 'draining' | 'drainRemaining' | 'drainEtaSeconds'> {
    if (!this.#closer) return { draining: false, drainRemaining: 0, drainEtaSeconds: 0 };
    const remaining = this.#deps.connections.size;
    const etaMs = remaining === 0 ? 0 : Math.max(this.#closer.etaMs, LAST_CLOSE_MS);
    return { draining: true, drainRemaining: remaining, drainEtaSeconds: Math.ceil(etaMs / 1_000) };
  }

  /**
   * Refuses new clients, and closes all connections within the time given or the config's deadline.
   * While a drain is under way, a further call only replaces that time.
   */
  begin(withinMs?: number): void {
    if (!this.#closer) this.#start(withinMs ?? this.#deps.deadlineMs(), this.#deps.settleMs());
    else if (withinMs !== undefined) this.#closer.within(withinMs);
  }

  /** Accepts clients again; connections that are still open stay. */
  cancel(): void {
    this.#closer?.cancel();
    this.#closer = undefined;
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

  /** Resolves when the close of each connection has started, or after {@link cancel}. */
  async finished(): Promise<void> {
    await this.#done;
  }

  /** `POST /drain` with an optional `{"withinSeconds": n}`, and `POST /undrain`. Both answer with the status. */
  serve(ops: OpsRoutes, status: Pick<StatusRegistry, 'read'>, metrics: Metrics): void {
    metrics.observe('openim_gateway_draining', 'Newcomers are refused and connections closed', () =>
      this.on ? 1 : 0,
    );
    ops.handle('POST', '/drain', (request) => {
      const within = withinSeconds(request);
      if (typeof within === 'string') return { status: 400, body: { error: within } };
      this.begin(within === undefined ? undefined : within * 1_000);
      return { status: 202, body: status.read() };
    });
    ops.handle('POST', '/undrain', (): OpsResponse => {
      this.cancel();
      return { status: 202, body: status.read() };
    });
  }

  #start(withinMs: number, settleMs: number): void {
    const { connections, handshakes, maxPerSecond } = this.#deps;
    handshakes.refuseAll();
    const closer = new ConnectionCloser(connections, { reason: 'drain', maxPerSecond, withinMs, settleMs });
    this.#closer = closer;
    this.#done = closer.run();
  }
}

/** What a request to drain asks for, or what is wrong with it. */
function withinSeconds({ body }: OpsRequest): number | undefined | string {
  if (body.trim() === '') return undefined;
  let asked: unknown;
  try {
    asked = JSON.parse(body);
  } catch {
    return 'the body is not JSON';
  }
  if (typeof asked !== 'object' || asked === null) return 'the body must be an object';
  const seconds = 'withinSeconds' in asked ? asked.withinSeconds : undefined;
  if (seconds === undefined) return undefined;
  return typeof seconds === 'number' && seconds >= 0 && Number.isFinite(seconds)
    ? seconds
    : 'withinSeconds must be a number of seconds, 0 or more';
}
