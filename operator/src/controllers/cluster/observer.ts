import { isDeepStrictEqual } from 'node:util';
import type { ProcessStatus } from '@im/contract';
import { eachLimited, sleep } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import type { CheckResult } from '../../checks/check.ts';
import { NO_OBSERVATION, type Observation, STORE_KEYS, type StoreKey } from './observation.ts';

/** Requests to the ops port of a process of a cluster. */
export interface ProcessApi {
  /** The status that the process reports. @throws when it does not answer within two seconds. */
  status(host: string, signal: AbortSignal): Promise<ProcessStatus>;
  /** Makes a gateway refuse new connections and close its own at a pace. Idempotent. */
  drain(at: ActionTarget, withinSeconds: number, signal: AbortSignal): Promise<void>;
  /** Cancels a drain. */
  undrain(at: ActionTarget, signal: AbortSignal): Promise<void>;
}

/** Address and credential of an action. */
export interface ActionTarget {
  readonly host: string;
  /** Key of its cluster. */
  readonly key: string;
}

const TIMEOUT_MS = 2_000;

interface Action {
  readonly key: string;
  readonly body?: object;
}

/** {@link ProcessApi} over HTTP. */
export function httpProcessApi(port: number): ProcessApi {
  async function call(host: string, path: string, signal: AbortSignal, action?: Action) {
    const method = action ? 'POST' : 'GET';
    const address = host.includes(':') ? `[${host}]` : host;
    const response = await fetch(`http://${address}:${port}${path}`, {
      method,
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      ...(action && { headers: { authorization: `Bearer ${action.key}` } }),
      ...(action?.body && { body: JSON.stringify(action.body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 200)}`);
    return text;
  }
  return {
    status: async (host, signal) => JSON.parse(await call(host, '/status', signal)) as ProcessStatus,
    async drain({ host, key }, withinSeconds, signal) {
      await call(host, '/drain', signal, { key, body: { withinSeconds } });
    },
    async undrain({ host, key }, signal) {
      await call(host, '/undrain', signal, { key });
    },
  };
}

/** A running process. */
export interface Target {
  readonly pod: string;
  readonly host: string;
}

/** What is observed of one cluster. */
export interface Watched {
  readonly targets: readonly Target[];
  /** One check by store. */
  readonly checks: Readonly<Partial<Record<StoreKey, (signal: AbortSignal) => Promise<CheckResult>>>>;
}

export interface ObserverDeps {
  readonly processes: Pick<ProcessApi, 'status'>;
  readonly tasks: TaskRunner;
  readonly log: Logger;
  /** Called with the cluster's key after a change that makes a reconcile necessary. */
  readonly onChange: (key: string) => void;
}

/** Interval between polls of the processes, ms. */
const POLL_MS = 1_500;
/** Intervals between checks of a store that passed, and of one that failed, ms. */
const CHECK_MS = 5_000;
const RECHECK_MS = 1_500;
/** Concurrent requests. */
const PARALLEL = 16;

interface Subject {
  /** Called for each poll, so that it contains the newest pods. */
  watched: () => Watched;
  observation: Observation;
  readonly nextCheck: Map<StoreKey, number>;
  polling: boolean;
}

/**
 * Polls what the API server does not know: the status of processes, and whether the stores are usable. Each poll
 * replaces the observation before it; a process that does not answer is absent.
 */
export class Observer {
  readonly #deps: ObserverDeps;
  readonly #subjects = new Map<string, Subject>();

  constructor(deps: ObserverDeps) {
    this.#deps = deps;
  }

  /** Starts polling a cluster, or replaces its targets. */
  watch(key: string, watched: () => Watched): void {
    const known = this.#subjects.get(key);
    if (known) known.watched = watched;
    else
      this.#subjects.set(key, { watched, observation: NO_OBSERVATION, nextCheck: new Map(), polling: false });
  }

  /** Stops polling a cluster. */
  forget(key: string): void {
    this.#subjects.delete(key);
  }

  /** The last observation. */
  observationOf(key: string): Observation {
    return this.#subjects.get(key)?.observation ?? NO_OBSERVATION;
  }

  /** Checks the stores of a cluster at the next poll, because their pods have changed. */
  recheck(key: string): void {
    this.#subjects.get(key)?.nextCheck.clear();
  }

  /** Polls until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const [key, subject] of this.#subjects) {
        // A slow poll of one cluster must not delay the others.
        if (subject.polling) continue;
        subject.polling = true;
        const poll = async () => {
          try {
            await this.#poll(key, subject, signal);
          } finally {
            subject.polling = false;
          }
        };
        this.#deps.tasks.spawn('observe cluster', poll, {
          onRefused: () => {
            subject.polling = false;
          },
        });
      }
      await sleep(POLL_MS, signal).catch(() => undefined);
    }
    this.#subjects.clear();
  }

  async #poll(key: string, subject: Subject, signal: AbortSignal): Promise<void> {
    const { targets, checks } = subject.watched();
    const before = subject.observation;
    const [processes, stores] = await Promise.all([
      this.#askAll(targets, signal),
      this.#checkDue(subject, checks, signal),
    ]);
    if (signal.aborted) return;
    subject.observation = { processes, stores: { ...before.stores, ...stores } };
    if (!isDeepStrictEqual(essence(before), essence(subject.observation))) this.#deps.onChange(key);
  }

  async #askAll(targets: readonly Target[], signal: AbortSignal): Promise<Map<string, ProcessStatus>> {
    const answers = new Map<string, ProcessStatus>();
    await eachLimited(targets, PARALLEL, async ({ pod, host }) => {
      try {
        answers.set(pod, await this.#deps.processes.status(host, signal));
      } catch (error) {
        this.#deps.log.debug({ pod, err: error }, 'process does not answer');
      }
    });
    return answers;
  }

  async #checkDue(
    { nextCheck }: Subject,
    checks: Watched['checks'],
    signal: AbortSignal,
  ): Promise<Partial<Record<StoreKey, CheckResult>>> {
    const now = performance.now();
    const results: Partial<Record<StoreKey, CheckResult>> = {};
    await Promise.all(
      STORE_KEYS.map(async (store) => {
        const check = checks[store];
        if (!check || (nextCheck.get(store) ?? 0) > now) return;
        const result = await check(signal);
        results[store] = result;
        nextCheck.set(store, performance.now() + (result.ok ? CHECK_MS : RECHECK_MS));
      }),
    );
    return results;
  }
}

/** The part of an observation whose change triggers a reconcile: all but figures that change all the time. */
function essence({ processes, stores }: Observation): unknown {
  return {
    processes: [...processes].map(([pod, { eventLoopDelayMs: _d, rssBytes: _r, gateway, ...rest }]) => ({
      pod,
      ...rest,
      gateway: gateway && { ...gateway, handshakesPerSecond: 0 },
    })),
    stores,
  };
}
