import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { ServerConfig, TenantId } from '@im/contract';
import {
  Batcher,
  type CallContext,
  clientAddress,
  FailedAttempts,
  type Metrics,
  plainAddress,
  randomId,
  type TenantDirectory,
} from '@im/kit';
import type { Logger } from '@im/process';
import { ERR, ImError, toImError } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import { type Server, WebSocketServer } from 'ws';
import { ClientSocket } from '../connection/client-socket.ts';
import type { GatewayMetrics, RefusalReason } from '../metrics.ts';
import { refuseByFrame, refuseByHttp } from './connect-reply.ts';
import { FairRate } from './fair-rate.ts';
import { type HandshakeArgs, parseHandshakeArgs } from './handshake-args.ts';
import { LoginRate, type LoginRateLimits, RecentRate } from './handshake-rates.ts';
import type { TenantLimits } from './tenant-limits.ts';
import { routeTenant } from './tenant-route.ts';

/** A client that passed all checks, upgraded. */
export interface Accepted {
  readonly tenant: TenantId;
  readonly args: HandshakeArgs;
  readonly webSocket: ClientSocket;
  readonly socket: Duplex;
  /** The client's address. */
  readonly address: string;
  /** How long the handshake took, ms. */
  readonly handshakeMs: number;
}

/** How many clients may come. */
export interface Admission {
  readonly maxConnections: number;
  readonly handshakes: {
    readonly ratePerSecond: number;
    readonly burst: number;
    readonly perLogin: LoginRateLimits;
  };
}

export interface HandshakeDeps {
  readonly tenants: TenantDirectory;
  readonly limits: TenantLimits;
  readonly auth: Pick<DomainService<'auth'>, 'parseToken'>;
  readonly metrics: GatewayMetrics;
  readonly registry: Metrics;
  readonly log: Logger;
  /** Largest message of a client as it is received, bytes. */
  readonly readLimit: number;
  /** Connections now. */
  readonly connections: () => number;
  /** Limits on new connections. */
  readonly admission: Admission;
  /** Limits of failed attempts, as they are now. */
  readonly attempts: () => ServerConfig['attempts'];
  /** Why a new connection could not be served now, or undefined when it could. */
  readonly unavailable: () => string | undefined;
  /** Called within the upgrade, before any frame of the client is looked at. */
  readonly onAccepted: (accepted: Accepted) => void;
}

/** Time limit of a handshake. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/**
 * In a storm, clients are let in together this often, ms: from the token to the first answer each question to the stores
 * is then one for all of them.
 */
const PACE_MS = 10;
/** Clients let in within one turn of the event loop. */
const MOST_AT_ONCE = 64;

/**
 * The checks of a new client, in the order of docs/protocol/connection.md: room, arguments, token, owner
 * of the token, upgrade. Before a backend is asked, rates admit or refuse. A refusal for
 * want of room or of a backend is always one that clients try again; the codes 1501-1507, which log
 * a client out, come from auth alone.
 */
export class Handshakes {
  readonly #deps: HandshakeDeps;
  readonly #admitted: FairRate;
  readonly #logins: LoginRate;
  readonly #failures: FailedAttempts;
  readonly #gate: Batcher<undefined, undefined>;
  readonly #webSockets: Server<typeof ClientSocket>;
  readonly #rate = new RecentRate();
  readonly #refused = new RecentRate();
  #maxConnections: number;
  #pending = 0;
  #draining = false;

  constructor(deps: HandshakeDeps) {
    this.#deps = deps;
    this.#maxConnections = deps.admission.maxConnections;
    this.#admitted = new FairRate(deps.admission.handshakes);
    this.#logins = new LoginRate(deps.admission.handshakes.perLogin);
    this.#failures = new FailedAttempts('handshake', () => deps.attempts().tokens, deps.registry);
    this.#gate = new Batcher({
      name: 'handshakes',
      metrics: deps.registry,
      maxBatch: MOST_AT_ONCE,
      maxQueue: Number.POSITIVE_INFINITY,
      paceMs: PACE_MS,
      paceAlways: true,
      async run(clients) {
        // Between two batches there is a turn of the event loop for all else.
        await setImmediate();
        return clients.map(() => undefined);
      },
    });
    this.#webSockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      clientTracking: false,
      autoPong: false,
      // Texts are parsed as JSON, which finds what is wrong with them.
      skipUTF8Validation: true,
      maxPayload: deps.readLimit,
      WebSocket: ClientSocket,
      handleProtocols: () => false,
    });
  }

  /** From now on every handshake is refused, with the code of a full gateway. */
  refuseAll(): void {
    this.#draining = true;
  }

  /** Ends what {@link refuseAll} began. */
  acceptAgain(): void {
    this.#draining = false;
  }

  /** Changes the limits; connections beyond a lower one stay. */
  admit({ maxConnections, handshakes }: Admission): void {
    this.#maxConnections = maxConnections;
    this.#admitted.configure(handshakes);
    this.#logins.configure(handshakes.perLogin);
  }

  /** Handshakes that arrived per second of late, refused ones included. */
  get perSecond(): number {
    return this.#rate.perSecond;
  }

  /** Handshakes refused per second of late for want of room or rate of this gateway. */
  get refusedPerSecond(): number {
    return this.#refused.perSecond;
  }

  /** Most connections that it takes. */
  get maxConnections(): number {
    return this.#maxConnections;
  }

  /** Takes a request to upgrade. Never rejects. */
  async take(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // A client that goes away while its token is looked at; without a listener the error would be fatal.
    socket.on('error', destroySocket);
    const startedAt = performance.now();
    this.#pending++;
    this.#rate.count();
    let args: HandshakeArgs | undefined;
    try {
      this.#admitAny();
      const { path, query } = splitTarget(request.url ?? '/');
      const { id: tenant } = routeTenant(this.#deps.tenants, path, request.headers.host ?? '');
      args = parseHandshakeArgs(query, header(request, 'compression'));
      if (!this.#logins.take(args.token)) {
        throw this.#refusal('login', 'too many handshakes of this login, try again');
      }
      // The tenant's own quota comes first: what it refuses costs the others nothing.
      const full = this.#deps.limits.refusal(tenant);
      if (full !== undefined) throw this.#refusal('tenant', full);
      if (!this.#admitted.take(tenant)) throw this.#refusal('rate', 'too many handshakes, try again');
      const unavailable = this.#deps.unavailable();
      if (unavailable !== undefined) throw this.#refusal('unavailable', unavailable);
      const address = clientAddress(request, this.#deps.attempts().trustedProxies);
      if (!this.#failures.allows(tenant, address)) {
        throw this.#refusal(
          'attempts',
          'attempts.tokens: too many attempts of this address failed; try later',
        );
      }
      await this.#gate.add(undefined);
      if (socket.destroyed) return;
      try {
        await this.#authenticate(tenant, args);
      } catch (error) {
        if (isTokenRefusal(error)) this.#failures.failed(tenant, address);
        throw asKicked(error);
      }
      this.#upgrade(request, socket, head, { tenant, args, address, startedAt });
    } catch (error) {
      this.#refuse(request, socket, head, toImError(error), args?.wantsReply ?? false);
    } finally {
      this.#pending--;
    }
  }

  #admitAny(): void {
    if (this.#draining) throw this.#refusal('draining', 'the gateway is closing');
    if (this.#deps.connections() + this.#pending > this.#maxConnections) {
      throw this.#refusal('full', 'too many connections');
    }
  }

  /** A refusal that clients try again. */
  #refusal(reason: RefusalReason, detail: string): ImError {
    this.#deps.metrics.refused(reason);
    if (reason === 'full' || reason === 'rate') this.#refused.count();
    return new ImError(ERR.ConnOverMaxNumLimit, detail);
  }

  async #authenticate(tenant: TenantId, args: HandshakeArgs): Promise<void> {
    const { token, userID, platformID, operationID } = args;
    const ctx: CallContext = {
      tenant,
      operationID: operationID === '' ? randomId() : operationID,
      deadline: Date.now() + HANDSHAKE_TIMEOUT_MS,
      opUserID: '',
      opPlatformID: 0,
      opAdmin: false,
      connID: '',
    };
    const owner = await this.#deps.auth.parseToken(ctx, { token, acceptRoles: false });
    if (owner.userID !== userID) throw new ImError(ERR.TokenInvalidError, 'token of another user');
    if (owner.platformID !== platformID)
      throw new ImError(ERR.TokenInvalidError, 'token of another platform');
  }

  #upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    { startedAt, ...client }: Pick<Accepted, 'tenant' | 'args' | 'address'> & { readonly startedAt: number },
  ): void {
    if (socket.destroyed) return;
    // A drain that started meanwhile has not seen this client.
    if (this.#draining) throw this.#refusal('draining', 'the gateway is closing');
    // Others of this tenant may have come while the token was looked at.
    const full = this.#deps.limits.full(client.tenant);
    if (full !== undefined) throw this.#refusal('tenant', full);
    // The answer to the upgrade and the first frame leave in one system call.
    socket.cork();
    try {
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.#deps.metrics.handshake(0);
        const handshakeMs = Math.round(performance.now() - startedAt);
        const address = plainAddress(client.address);
        this.#deps.onAccepted({ ...client, address, webSocket, socket, handshakeMs });
      });
    } finally {
      socket.uncork();
    }
  }

  #refuse(request: IncomingMessage, socket: Duplex, head: Buffer, error: ImError, wantsReply: boolean): void {
    this.#deps.metrics.handshake(error.code);
    this.#deps.log.debug({ code: error.code, err: error }, 'handshake refused');
    if (socket.destroyed) return;
    if (!wantsReply) {
      refuseByHttp(socket, error);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', ignore);
      refuseByFrame(socket, error);
    });
  }
}

/** Whether an error says that a token does not pass. */
function isTokenRefusal(error: unknown): boolean {
  return (
    error instanceof ImError && error.code >= ERR.TokenExpiredError && error.code <= ERR.TokenNotExistError
  );
}

/** SDKs try again after any code but 1501 to 1507: a banned user is kicked. */
function asKicked(error: unknown): unknown {
  if (!(error instanceof ImError) || error.code !== ERR.UserBannedError) return error;
  return new ImError(ERR.TokenKickedError, error.detail);
}

function ignore(): void {}

/** A listener without a closure: it stays on the socket for as long as the connection lives. */
function destroySocket(this: Duplex): void {
  this.destroy();
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Path and query of a request target. */
function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const cut = target.indexOf('?');
  return cut < 0 ? { path: target, query: '' } : { path: target.slice(0, cut), query: target.slice(cut + 1) };
}
