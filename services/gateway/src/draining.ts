import type { GatewayStatus } from '@im/contract';
import type { Metrics } from '@im/kit';
import type { OpsRequest, OpsResponse, OpsRoutes, StatusRegistry } from '@im/process';
import type { Connection } from './connection.ts';
import { Drain } from './drain.ts';
import type { Handshakes } from './handshake.ts';

/** Parts of {@link Draining}. */
export interface DrainingDeps {
  readonly connections: ReadonlySet<Connection>;
  readonly handshakes: Pick<Handshakes, 'refuseAll' | 'acceptAgain'>;
  /** Most connections closed per second. */
  readonly maxPerSecond: () => number;
  /** Time that a drain takes at most, ms. */
  readonly deadlineMs: () => number;
  /** Time in which others learn that this gateway takes nobody, before it closes the first connection, ms. */
  readonly settleMs: () => number;
}

/** Time for a client to notice that it was closed; one that does not is cut, ms. */
const LAST_CLOSE_MS = 1_000;

/** Whether this gateway gives its clients away, and how far it is. */
export class Draining {
  readonly #deps: DrainingDeps;
  #drain: Drain | undefined;
  #done: Promise<void> = Promise.resolve();

  constructor(deps: DrainingDeps) {
    this.#deps = deps;
  }

  get on(): boolean {
    return this.#drain !== undefined;
  }

  /** What it adds to the gateway's status. */
  get status(): Pick<GatewayStatus, 'draining' | 'drainRemaining' | 'drainEtaSeconds'> {
    if (!this.#drain) return { draining: false, drainRemaining: 0, drainEtaSeconds: 0 };
    const remaining = this.#deps.connections.size;
    const etaMs = remaining === 0 ? 0 : Math.max(this.#drain.etaMs, LAST_CLOSE_MS);
    return { draining: true, drainRemaining: remaining, drainEtaSeconds: Math.ceil(etaMs / 1_000) };
  }

  /**
   * Takes nobody any more, and closes all connections within the time given or the config's deadline.
   * While it is under way, a further call only sets that time anew.
   */
  begin(withinMs?: number): void {
    if (!this.#drain) this.#start(withinMs ?? this.#deps.deadlineMs(), this.#deps.settleMs());
    else if (withinMs !== undefined) this.#drain.within(withinMs);
  }

  /** Takes clients again; those that are still here stay. */
  cancel(): void {
    this.#drain?.cancel();
    this.#drain = undefined;
    this.#deps.handshakes.acceptAgain();
  }

  /** Closes what is left, now, within this time; resolves when each was told to. */
  async finish(withinMs: number): Promise<void> {
    if (!this.#drain) this.#start(withinMs, 0);
    this.#drain?.within(withinMs);
    this.#drain?.begin();
    await this.#done;
  }

  /** Closes all that are left at once. */
  endNow(): void {
    this.#drain?.within(0);
    this.#drain?.begin();
  }

  /** Resolves when each connection was told to close, or when the drain was cancelled. */
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
    const drain = new Drain(connections, { reason: 'drain', maxPerSecond, withinMs, settleMs });
    this.#drain = drain;
    this.#done = drain.run();
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
