import type { ProcessStatus } from '@im/contract';
import type { Observation, Report } from './observation.ts';

/** A running process. */
export interface Target {
  readonly pod: string;
  readonly host: string;
  /** Component, such as `gateway`. */
  readonly role: string;
  readonly ready: boolean;
}

/** A running process that counts, and its last report; undefined before the first. */
export interface RunningProcess {
  readonly pod: string;
  readonly host: string;
  readonly report: Report | undefined;
}

/** Age from which a report no longer counts as an answer, ms. */
export const FRESH_MS = 10_000;
/** Age until which looks are kept, ms. */
export const LOOKS_MS = 60_000;

/** Reports of the processes of one cluster. A failed poll leaves the report before it in place, which ages. */
export class Reports {
  readonly #last = new Map<string, Report>();
  readonly #looks = new Map<string, Report[]>();

  /** Adds an answer. */
  add(pod: string, report: Report): void {
    this.#last.set(pod, report);
    if (!report.status.gateway) return;
    const looks = this.#looks.get(pod) ?? [];
    this.#looks.set(pod, [...looks.filter(({ at }) => at > report.at - LOOKS_MS), report]);
  }

  /** Drops the reports of pods that are gone. */
  keep(targets: readonly Target[]): void {
    const pods = new Set(targets.map(({ pod }) => pod));
    for (const reports of [this.#last, this.#looks])
      for (const pod of reports.keys()) if (!pods.has(pod)) reports.delete(pod);
  }

  /** The processes at `targets`, without those that start and have not answered yet. */
  processesAt(targets: readonly Target[]): RunningProcess[] {
    return targets.flatMap(({ pod, host, ready }) => {
      const report = this.#last.get(pod);
      return report || ready ? [{ pod, host, report }] : [];
    });
  }

  /** What is known of `targets`, the pods that run now. */
  of(targets: readonly Target[], now: number): Omit<Observation, 'observedAt' | 'stores'> {
    const processes = new Map<string, ProcessStatus>();
    const reports = new Map<string, Report>();
    const looks = new Map<string, readonly Report[]>();
    const silentGateways: string[] = [];
    for (const { pod, role, ready } of targets) {
      const report = this.#last.get(pod);
      const fresh = report !== undefined && now - report.at <= FRESH_MS;
      if (report) reports.set(pod, report);
      if (fresh) processes.set(pod, report.status);
      const own = this.#looks.get(pod)?.filter(({ at }) => at > now - LOOKS_MS) ?? [];
      if (own.length > 0) looks.set(pod, own);
      if (role === 'gateway' && ready && !(fresh && report.status.gateway)) silentGateways.push(pod);
    }
    return { processes, reports, looks, silentGateways, complete: silentGateways.length === 0 };
  }
}
