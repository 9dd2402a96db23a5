import { isDeepStrictEqual } from 'node:util';
import { eachLimited, Slots, sleep } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import type { CheckResult } from '../../../checks/check.ts';
import { NO_OBSERVATION, type Observation, STORE_KEYS, type StoreKey } from './observation.ts';
import { essence } from './observation-essence.ts';
import type { ProcessApi } from './process-api.ts';
import { Reports, type RunningProcess, type Target } from './reports.ts';

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

/** Shortest and longest interval between polls of a cluster's processes, ms; random by a fifth. */
const POLL_MS = { min: 1_500, max: 5_000 } as const;
const JITTER = 0.2;
/** Polls per second of all clusters above which intervals grow. */
const POLLS_PER_SECOND = 300;
/** Time between looks for clusters whose poll is due, ms. */
const TICK_MS = 100;
/** Intervals between checks of a store that passed, and of one that failed, ms. */
const CHECK_MS = 5_000;
const RECHECK_MS = 1_500;
/** Concurrent polls of one cluster, whose pods may all be silent, and of all clusters. */
const PARALLEL = 16;
const PARALLEL_OVERALL = 64;
/** Concurrent checks of all clusters: of stores that were usable, and of those that were not and may be slow to fail. */
const CHECKS_OVERALL = 32;
const RECHECKS_OVERALL = 16;

interface Subject {
  /** Called for each poll and each look, so that it contains the newest pods. */
  watched: () => Watched;
  readonly reports: Reports;
  stores: Observation['stores'];
  observedAt: number | undefined;
  /** What was known after the last poll. */
  essence: unknown;
  readonly nextCheck: Map<StoreKey, number>;
  polling: boolean;
  /** Stores whose check is running or waits for others. */
  readonly checking: Set<StoreKey>;
  /** Time of the next poll, by the monotonic clock. */
  nextPoll: number;
  /** Processes at the last poll. */
  size: number;
}

/**
 * Polls what the API server does not know: the status of processes, and whether the stores are usable. The last answer
 * of each process is kept with its age.
 */
export class Observer {
  readonly #deps: ObserverDeps;
  readonly #subjects = new Map<string, Subject>();
  readonly #slots = new Slots(PARALLEL_OVERALL);
  readonly #checks = new Slots(CHECKS_OVERALL);
  readonly #rechecks = new Slots(RECHECKS_OVERALL);

  constructor(deps: ObserverDeps) {
    this.#deps = deps;
  }

  /** Starts polling a cluster, or replaces its targets. */
  watch(key: string, watched: () => Watched): void {
    const known = this.#subjects.get(key);
    if (known) known.watched = watched;
    else
      this.#subjects.set(key, {
        watched,
        reports: new Reports(),
        stores: {},
        observedAt: undefined,
        essence: undefined,
        nextCheck: new Map(),
        polling: false,
        checking: new Set(),
        nextPoll: 0,
        size: 0,
      });
  }

  /** Stops polling a cluster. */
  forget(key: string): void {
    this.#subjects.delete(key);
  }

  /** What is known of the pods that a cluster has now. */
  observationOf(key: string): Observation {
    const subject = this.#subjects.get(key);
    return subject ? observationOf(subject, subject.watched().targets) : NO_OBSERVATION;
  }

  /** The processes of a cluster that run now. */
  processesOf(key: string): readonly RunningProcess[] {
    const subject = this.#subjects.get(key);
    return subject?.reports.processesAt(subject.watched().targets) ?? [];
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
        if (subject.polling || subject.nextPoll > performance.now()) continue;
        this.#start(key, subject, signal);
      }
      await sleep(TICK_MS, signal).catch(() => undefined);
    }
    this.#subjects.clear();
  }

  #start(key: string, subject: Subject, signal: AbortSignal): void {
    subject.polling = true;
    subject.nextPoll = performance.now() + this.#intervalMs();
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

  /** Interval to the next poll, random so that clusters watched at the same time are not polled together. */
  #intervalMs(): number {
    let processes = 0;
    for (const { size } of this.#subjects.values()) processes += size;
    const interval = Math.max(POLL_MS.min, (processes / POLLS_PER_SECOND) * 1_000);
    return Math.min(POLL_MS.max, interval) * (1 - JITTER + Math.random() * 2 * JITTER);
  }

  async #poll(key: string, subject: Subject, signal: AbortSignal): Promise<void> {
    const { targets, checks } = subject.watched();
    subject.size = targets.length;
    subject.reports.keep(targets);
    this.#checkDue(key, subject, checks, signal);
    await this.#askAll(subject.reports, targets, signal);
    if (signal.aborted) return;
    subject.observedAt = Date.now();
    this.#compare(key, subject);
  }

  /** Reports a change since the last comparison. */
  #compare(key: string, subject: Subject): void {
    if (subject.observedAt === undefined || this.#subjects.get(key) !== subject) return;
    const known = essence(observationOf(subject, subject.watched().targets));
    if (isDeepStrictEqual(known, subject.essence)) return;
    subject.essence = known;
    this.#deps.onChange(key);
  }

  async #askAll(reports: Reports, targets: readonly Target[], signal: AbortSignal): Promise<void> {
    await eachLimited(targets, PARALLEL, async ({ pod, host }) => {
      try {
        const status = await this.#slots.use(() => this.#deps.processes.status(host, signal));
        reports.add(pod, { at: Date.now(), status });
      } catch (error) {
        this.#deps.log.debug({ pod, err: error }, 'process does not answer');
      }
    });
  }

  /** Starts the checks that are due. A store that is slow to answer delays no poll. */
  #checkDue(key: string, subject: Subject, checks: Watched['checks'], signal: AbortSignal): void {
    const { checking, nextCheck } = subject;
    for (const store of STORE_KEYS) {
      const check = checks[store];
      if (!check || checking.has(store) || (nextCheck.get(store) ?? 0) > performance.now()) continue;
      const slots = subject.stores[store]?.ok === false ? this.#rechecks : this.#checks;
      const work = async () => {
        try {
          const result = await slots.use(() => check(signal));
          nextCheck.set(store, performance.now() + (result.ok ? CHECK_MS : RECHECK_MS));
          subject.stores = { ...subject.stores, [store]: result };
          if (!signal.aborted) this.#compare(key, subject);
        } finally {
          checking.delete(store);
        }
      };
      checking.add(store);
      this.#deps.tasks.spawn('check store', work, { onRefused: () => checking.delete(store) });
    }
  }
}

function observationOf({ reports, stores, observedAt }: Subject, targets: readonly Target[]): Observation {
  const known = reports.of(targets, Date.now());
  return { ...known, complete: known.complete && observedAt !== undefined, observedAt, stores };
}
