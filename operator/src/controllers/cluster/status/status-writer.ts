import { type Applier, type EventRecorder, keyOf, type Stored } from '@im/kube';
import type { OpenIMClusterStatus } from '../../../gen/openimcluster.ts';
import { OPENIM_CLUSTER, type OpenIMCluster } from '../../../resources/kinds.ts';
import { API_VERSION } from '../../../resources/names.ts';
import { recordEvents } from './cluster-events.ts';

/** A status that was written, until the local copy has it. */
interface Written {
  /** Versions that came before it: those of the local copy at the time, and of earlier writes. */
  readonly over: ReadonlySet<string>;
  readonly cluster: Stored<OpenIMCluster>;
}

/**
 * Writes the status of clusters and records events of its changes. The next status is derived from the one before, so
 * the last written one is kept until the local copy has moved on: else a change would be reported twice.
 */
export class StatusWriter {
  readonly #applier: Applier;
  readonly #events: EventRecorder;
  readonly #written = new Map<string, Written>();

  constructor(applier: Applier, events: EventRecorder) {
    this.#applier = applier;
    this.#events = events;
  }

  /** The cluster with the status that was written last. @param cluster from the local copy. */
  latest(cluster: Stored<OpenIMCluster>): Stored<OpenIMCluster> {
    const key = keyOf(cluster);
    const written = this.#written.get(key);
    if (written?.over.has(cluster.metadata.resourceVersion)) return written.cluster;
    this.#written.delete(key);
    return cluster;
  }

  /** Writes the status unless it is as before, and records its events. @param cluster the result of {@link latest}. */
  async write(
    cluster: Stored<OpenIMCluster>,
    status: OpenIMClusterStatus,
    signal: AbortSignal,
  ): Promise<void> {
    const { name, namespace, resourceVersion } = cluster.metadata;
    // Status alone: the operator must own no field of the spec.
    const object = { apiVersion: API_VERSION, kind: 'OpenIMCluster', metadata: { name, namespace }, status };
    const applied = await this.#applier.applyStatus(
      OPENIM_CLUSTER,
      object as unknown as OpenIMCluster,
      cluster,
      { signal },
    );
    const key = keyOf(cluster);
    if (applied.object.metadata.resourceVersion !== resourceVersion) {
      const over = new Set([...(this.#written.get(key)?.over ?? []), resourceVersion]);
      this.#written.set(key, { over, cluster: applied.object });
    }
    recordEvents(this.#events, cluster, status);
  }

  /** Drops what is kept about a deleted cluster. */
  forget(key: string): void {
    this.#written.delete(key);
  }
}
