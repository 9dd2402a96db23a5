import { isDeepStrictEqual } from 'node:util';
import type { ProcessStatus } from '@im/contract';
import { eachLimited, sleep } from '@im/kit';
import type { Background, Logger } from '@im/process';
import type { CheckResult } from '../../checks/index.ts';
import { NOTHING_SEEN, type Observation, STORE_KEYS, type StoreKey } from './observation.ts';
import type { ProcessApi } from './process-api.ts';

/** A process that can be asked. */
export interface Target {
  readonly pod: string;
  readonly host: string;
}

/** What is to be looked at for one cluster. */
export interface Watched {
  readonly targets: readonly Target[];
  /** One check by store. */
  readonly checks: Readonly<Partial<Record<StoreKey, (signal: AbortSignal) => Promise<CheckResult>>>>;
}

export interface ObserverDeps {
  readonly processes: Pick<ProcessApi, 'status'>;
  readonly background: Background;
  readonly log: Logger;
  /** Called with the cluster's key when something that counts has changed. */
  readonly onChange: (key: string) => void;
}

/** Time between looks at the processes, ms. */
const LOOK_MS = 1_500;
/** Time between checks of a store that was fine, and of one that was not, ms. */
const CHECK_MS = 5_000;
const RECHECK_MS = 1_500;
/** Processes that are asked at once. */
const PARALLEL = 16;

interface Subject {
  /** Asked at each look, so that it is always of the newest pods. */
  watched: () => Watched;
  observation: Observation;
  readonly nextCheck: Map<StoreKey, number>;
  looking: boolean;
}

/**
 * Looks at what the API server does not know: what our processes tell of themselves, and whether
 * the stores can be used. Each look replaces what was seen; a process that does not answer is absent.
 */
export class Observer {
  readonly #deps: ObserverDeps;
  readonly #subjects = new Map<string, Subject>();

  constructor(deps: ObserverDeps) {
    this.#deps = deps;
  }

  /** Begins to look at a cluster, or goes on with other targets. */
  watch(key: string, watched: () => Watched): void {
    const known = this.#subjects.get(key);
    if (known) known.watched = watched;
    else
      this.#subjects.set(key, { watched, observation: NOTHING_SEEN, nextCheck: new Map(), looking: false });
  }

  /** Forgets a cluster. */
  forget(key: string): void {
    this.#subjects.delete(key);
  }

  /** What was seen last. */
  seen(key: string): Observation {
    return this.#subjects.get(key)?.observation ?? NOTHING_SEEN;
  }

  /** Looks at the stores of a cluster again at the next turn, as their pods have changed. */
  recheck(key: string): void {
    this.#subjects.get(key)?.nextCheck.clear();
  }

  /** Looks until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const [key, subject] of this.#subjects) {
        // A slow look at one cluster holds up no other.
        if (subject.looking) continue;
        subject.looking = true;
        const look = async () => {
          try {
            await this.#look(key, subject, signal);
          } finally {
            subject.looking = false;
          }
        };
        this.#deps.background.spawn('observe cluster', look, {
          onRefused: () => {
            subject.looking = false;
          },
        });
      }
      await sleep(LOOK_MS, signal).catch(() => undefined);
    }
    this.#subjects.clear();
  }

  async #look(key: string, subject: Subject, signal: AbortSignal): Promise<void> {
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
        this.#deps.log.debug({ pod, err: error }, 'process cannot be asked');
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

/** What of an observation makes a reconcile worth while: everything but figures that move all the time. */
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
