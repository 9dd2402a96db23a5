import type { TenantsReport } from '@im/contract';
import { eachLimited, type Metrics } from '@im/kit';
import type { Logger } from '@im/process';
import type { ProcessApi } from '../cluster/observation/process-api.ts';
import type { RunningProcess } from '../cluster/observation/reports.ts';
import { hashesOf, updateFor, type WantedTenants } from './wanted.ts';

/** What is to be delivered to the processes of a cluster. */
export interface Delivery {
  readonly wanted: WantedTenants;
  /** Key of the cluster; undefined while processes do not require it, when none takes tenants over. */
  readonly key: string | undefined;
}

/** How far a tenant is in force. */
export interface Coverage {
  /** Processes with its settings. */
  readonly current: number;
  /** Processes of which this is not known, as after a start of the operator. */
  readonly unknown: number;
  readonly all: number;
  /** Why a process refuses the entry of the tenant. */
  readonly refusal: string | undefined;
}

/** What a process is known to have. */
interface Known {
  /** Of the process: a restarted one reads its file again. */
  readonly instance: string;
  /** Time of its answer, ms since the epoch. */
  readonly at: number;
  readonly digest: string;
  readonly hashes: ReadonlyMap<string, string>;
  readonly refused: Readonly<Record<string, string>>;
}

interface Subject {
  delivery: Delivery;
  readonly known: Map<string, Known>;
}

/** Concurrent requests to the processes of a cluster. */
const PARALLEL = 8;

/**
 * Delivers changed tenants to running processes, which would otherwise get them when kubelets refresh mounted files, up
 * to two minutes later. A process is sent only what differs from what it has.
 */
export class TenantDelivery {
  readonly #processes: Pick<ProcessApi, 'tenants'>;
  readonly #log: Logger;
  readonly #sent: (result: 'accepted' | 'differs' | 'failed') => void;
  readonly #subjects = new Map<string, Subject>();

  constructor(processes: Pick<ProcessApi, 'tenants'>, log: Logger, metrics: Metrics) {
    this.#processes = processes;
    this.#log = log;
    const updates = metrics.counter(
      'openim_operator_tenant_updates_total',
      'Updates of tenants sent to processes, by result',
      ['result'],
    );
    this.#sent = (result) => updates.inc({ result });
  }

  /** Sets what the processes of a cluster are to have. @returns whether it differs from before. */
  want(cluster: string, delivery: Delivery): boolean {
    const subject = this.#subjects.get(cluster);
    if (!subject) {
      this.#subjects.set(cluster, { delivery, known: new Map() });
      return true;
    }
    const { wanted, key } = subject.delivery;
    subject.delivery = delivery;
    return wanted.revision !== delivery.wanted.revision || key !== delivery.key;
  }

  forget(cluster: string): void {
    this.#subjects.delete(cluster);
  }

  /**
   * Sends each process what it lacks.
   * @returns whether all that can have the wanted tenants have them; undefined for an unknown cluster.
   */
  async deliver(
    cluster: string,
    processes: readonly RunningProcess[],
    signal: AbortSignal,
  ): Promise<boolean | undefined> {
    const subject = this.#subjects.get(cluster);
    if (!subject) return undefined;
    const pods = new Set(processes.map(({ pod }) => pod));
    for (const pod of subject.known.keys()) if (!pods.has(pod)) subject.known.delete(pod);
    const { delivery } = subject;
    const { key, wanted } = delivery;
    if (key === undefined) return true;
    let complete = true;
    await eachLimited(processes, PARALLEL, async (process) => {
      const tenants = process.report?.status.tenants;
      if (tenants === undefined) return;
      const known = knownOf(subject, process);
      if ((known?.digest ?? tenants.digest) === wanted.digest) {
        if (!known) remember(subject, process, { ...wanted, refused: {} }, wanted.hashes);
        return;
      }
      try {
        await this.#send(subject, process, { ...delivery, key }, known, signal);
      } catch (error) {
        signal.throwIfAborted();
        complete = false;
        this.#sent('failed');
        this.#log.warn({ pod: process.pod, err: error }, 'tenants were not delivered');
      }
    });
    return complete;
  }

  async #send(
    subject: Subject,
    process: RunningProcess,
    { wanted, key }: Delivery & { readonly key: string },
    known: Known | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    let from = known?.hashes ?? new Map<string, string>();
    // The second attempt is based on the answer to the first.
    for (let attempt = 0; attempt < 2; attempt++) {
      const { accepted, report } = await this.#processes.tenants(
        { host: process.host, key },
        updateFor(wanted, from),
        signal,
      );
      this.#sent(accepted ? 'accepted' : 'differs');
      if (accepted) {
        remember(subject, process, report, wanted.hashes);
        return;
      }
      from = hashesOf(report) ?? new Map();
      remember(subject, process, report, from);
      if (report.revision > wanted.revision) throw new Error('the process has newer tenants');
    }
    throw new Error('the tenants of the process changed at the same time');
  }

  /** The complete entry of a tenant that the processes of a cluster are to have. */
  entryOf(cluster: string, id: string): Readonly<Record<string, unknown>> | undefined {
    return this.#subjects.get(cluster)?.delivery.wanted.entries.get(id);
  }

  /** Whether something is to be delivered to this cluster. */
  knows(cluster: string): boolean {
    return this.#subjects.has(cluster);
  }

  /** Key of a cluster; undefined while its processes take no orders. */
  keyOf(cluster: string): string | undefined {
    return this.#subjects.get(cluster)?.delivery.key;
  }

  /** Key of a cluster whose processes all have the wanted list, without this tenant; undefined otherwise. */
  keyWhenGone(cluster: string, id: string, processes: readonly RunningProcess[]): string | undefined {
    const subject = this.#subjects.get(cluster);
    if (!subject || processes.length === 0 || subject.delivery.wanted.entries.has(id)) return undefined;
    const { digest } = subject.delivery.wanted;
    const isGone = (process: RunningProcess) => {
      const reported = process.report?.status.tenants?.digest;
      return reported !== undefined && (knownOf(subject, process)?.digest ?? reported) === digest;
    };
    return processes.every(isGone) ? subject.delivery.key : undefined;
  }

  /** The complete entry of a tenant that all processes of a cluster have; undefined while they differ. */
  entryInForce(
    cluster: string,
    id: string,
    processes: readonly RunningProcess[],
  ): Readonly<Record<string, unknown>> | undefined {
    const { current, all } = this.coverageOf(cluster, id, processes);
    const entry = this.#subjects.get(cluster)?.delivery.wanted.entries.get(id);
    return all > 0 && current === all ? entry : undefined;
  }

  /**
   * In how many processes a tenant has the wanted settings.
   * @param configHashes of the applied config, by which processes that take no tenants over are judged.
   */
  coverageOf(
    cluster: string,
    id: string,
    processes: readonly RunningProcess[],
    configHashes: ReadonlySet<string> = new Set(),
  ): Coverage {
    const subject = this.#subjects.get(cluster);
    const wanted = subject?.delivery.wanted;
    let current = 0;
    let unknown = 0;
    let refusal: string | undefined;
    for (const process of processes) {
      const { tenants, configHash: loaded } = process.report?.status ?? {};
      const known = subject && knownOf(subject, process);
      refusal ??= known?.refused[id];
      if (tenants === undefined || !wanted) {
        // It reports one hash for all settings, which changes with those of any tenant.
        if (loaded !== undefined && configHashes.has(loaded)) current++;
        else unknown++;
        continue;
      }
      const digest = known?.digest ?? tenants.digest;
      if (digest === wanted.digest || known?.hashes.get(id) === wanted.hashes.get(id)) current++;
      else if (!known) unknown++;
    }
    return { current, unknown, all: processes.length, refusal };
  }
}

function remember(
  { known }: Subject,
  { pod, report }: RunningProcess,
  { digest, refused }: Pick<TenantsReport, 'digest' | 'refused'>,
  hashes: Known['hashes'],
): void {
  const instance = report?.status.instance ?? '';
  known.set(pod, { instance, at: Date.now(), digest, hashes, refused });
}

/** What is known of a process, unless it reported something else since. */
function knownOf({ known }: Subject, { pod, report }: RunningProcess): Known | undefined {
  const found = known.get(pod);
  if (!found || !report || found.instance !== report.status.instance) return undefined;
  return report.at > found.at && report.status.tenants?.digest !== found.digest ? undefined : found;
}
