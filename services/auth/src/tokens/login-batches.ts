import type { TenantId, TenantSettings } from '@im/contract';
import {
  batchMeters,
  type CallScope,
  currentCall,
  type Metrics,
  outsideCalls,
  sharedWork,
  unlessAborted,
} from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import { LoginQueue } from './login-queue.ts';

/** A login that is asked for. */
export interface LoginRequest {
  readonly tenant: TenantSettings;
  readonly userID: string;
  readonly platformID: number;
  /** Rejects when the user may not log in; called while the batch is read for. */
  readonly authorize: () => Promise<void>;
}

/** A login that waits for its batch or for the result of that. */
export class PendingLogin<R> implements LoginRequest {
  readonly tenant: TenantSettings;
  readonly userID: string;
  readonly platformID: number;
  readonly authorize: () => Promise<void>;
  readonly #call: CallScope | undefined = currentCall();
  readonly #result = Promise.withResolvers<R>();
  readonly #onDone: (login: PendingLogin<R>) => void;
  #settled = false;

  constructor(request: LoginRequest, onDone: (login: PendingLogin<R>) => void) {
    this.tenant = request.tenant;
    this.userID = request.userID;
    this.platformID = request.platformID;
    this.authorize = request.authorize;
    this.#onDone = onDone;
  }

  /** The caller waits no longer. */
  get isLate(): boolean {
    return this.#call?.leftMs() === 0;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** The result, for as long as the caller has time. */
  result(): Promise<R> {
    const { promise } = this.#result;
    const signal = this.#call?.signal;
    return signal ? unlessAborted(promise, signal) : promise;
  }

  resolve(result: R): void {
    if (this.#settle()) this.#result.resolve(result);
  }

  reject(error: unknown): void {
    if (this.#settle()) this.#result.reject(error);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#onDone(this);
    return true;
  }
}

export interface LoginBatchesDeps<R> {
  /** The database that the tenant's logins are written to. */
  readonly databaseOf: (tenant: TenantId) => string;
  /** Settles each login of a batch, which are of one database and of different users. Never rejects. */
  readonly run: (batch: readonly PendingLogin<R>[]) => Promise<void>;
  readonly metrics: Metrics;
}

/** Logins of one commit. */
const MAX_BATCH = 64;
/** Batches of one database at once. */
const MAX_IN_FLIGHT = 1;
/**
 * While logins come together, one that is not full begins so many ms after the end of the one before: its commit costs the
 * database about as much as ten logins in it, and callers who have just got a token ask for the next one.
 */
const LINGER_MS = 2;
/** A batch under way for this long, ms, gives its place to the next one: a few slow logins hold up no others. */
const SLOT_MS = 100;
/** A flood of logins of one tenant is refused from here on; a second or two of what a process can do. */
const MAX_OF_TENANT = 4_000;
const MAX_BEHIND_OF_USER = 50;

/**
 * Gathers the logins of each database: what arrives in one tick, or while batches are under way, is one batch. Tenants
 * have turns in it, and a database that is slow or away holds up only its own.
 */
export class LoginBatches<R> {
  readonly #deps: LoginBatchesDeps<R>;
  readonly #databases = new Map<string, DatabaseLogins<R>>();
  readonly #meters: ReturnType<typeof batchMeters>;
  #open = 0;

  constructor(deps: LoginBatchesDeps<R>) {
    this.#deps = deps;
    const { metrics } = deps;
    this.#meters = batchMeters('logins', metrics);
    metrics.observe('openim_auth_logins_open', 'Logins that wait for their token', () => this.#open);
  }

  /** @throws ImError 429 when too many logins of the tenant wait, 90004 when too many of the user do. */
  async login(request: LoginRequest): Promise<R> {
    const { tenant } = request;
    const logins = this.#loginsOf(tenant.id);
    const { queue } = logins;
    if (queue.openOf(tenant.id) >= MAX_OF_TENANT) {
      this.#meters.refused.inc();
      throw new ImError(
        ERR.TooManyRequests,
        `${queue.openOf(tenant.id)} logins of this tenant wait, try again`,
      );
    }
    const login = new PendingLogin<R>(request, (done) => {
      this.#open--;
      logins.done(done);
    });
    if (queue.behindOf(login) >= MAX_BEHIND_OF_USER) {
      this.#meters.refused.inc();
      throw new ImError(ERR.NetworkError, 'too many logins of this user at once');
    }
    this.#open++;
    logins.add(login);
    return login.result();
  }

  #loginsOf(tenant: TenantId): DatabaseLogins<R> {
    const database = this.#deps.databaseOf(tenant);
    let logins = this.#databases.get(database);
    if (!logins) {
      logins = new DatabaseLogins<R>({
        run: (batch) => {
          this.#meters.size.observe(batch.length);
          return this.#deps.run(batch);
        },
        onIdle: () => this.#databases.delete(database),
      });
      this.#databases.set(database, logins);
    }
    return logins;
  }
}

interface DatabaseLoginsDeps<R> {
  readonly run: (batch: readonly PendingLogin<R>[]) => Promise<void>;
  readonly onIdle: () => void;
}

/** Commits the logins of one database, one batch after the other. */
class DatabaseLogins<R> {
  readonly queue = new LoginQueue<PendingLogin<R>>();
  readonly #deps: DatabaseLoginsDeps<R>;
  #inFlight = 0;
  #scheduled = false;
  /** Before this no batch begins unless it is full, ms of the monotonic clock. */
  #nextAt = 0;

  constructor(deps: DatabaseLoginsDeps<R>) {
    this.#deps = deps;
  }

  add(login: PendingLogin<R>): void {
    this.queue.push(login);
    this.#schedule();
  }

  done(login: PendingLogin<R>): void {
    this.queue.done(login);
    if (this.queue.isEmpty) this.#deps.onIdle();
    else this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= MAX_IN_FLIGHT || this.queue.ready === 0) return;
    this.#scheduled = true;
    const flush = () => {
      this.#scheduled = false;
      this.#flush();
    };
    if (this.#isEarly()) setTimeout(flush, Math.ceil(this.#nextAt - performance.now()));
    else setImmediate(flush);
  }

  #isEarly(): boolean {
    return this.queue.ready < MAX_BATCH && performance.now() < this.#nextAt;
  }

  #flush(): void {
    while (this.#inFlight < MAX_IN_FLIGHT && this.queue.ready > 0 && !this.#isEarly()) {
      const batch: PendingLogin<R>[] = [];
      for (const login of this.queue.take(MAX_BATCH)) {
        if (login.isLate) login.reject(new ImError(ERR.NetworkError, 'the deadline passed in the queue'));
        else batch.push(login);
      }
      // A batch belongs to no single caller: it must not end with the call of its first login.
      if (batch.length > 0) void outsideCalls(() => this.#run(batch));
    }
    this.#schedule();
  }

  /** Never rejects: every outcome goes to the logins. */
  async #run(batch: readonly PendingLogin<R>[]): Promise<void> {
    this.#inFlight++;
    let holdsPlace = true;
    const giveAway = () => {
      if (!holdsPlace) return;
      holdsPlace = false;
      this.#inFlight--;
      this.#schedule();
    };
    const timer = setTimeout(giveAway, SLOT_MS);
    try {
      await sharedWork(() => this.#deps.run(batch));
    } catch (error) {
      for (const login of batch) login.reject(error);
    } finally {
      clearTimeout(timer);
      if (batch.length > 1) this.#nextAt = performance.now() + LINGER_MS;
      giveAway();
    }
    for (const login of batch) login.reject(new Error('a login was left without a result'));
  }
}
