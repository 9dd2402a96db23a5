import { isConflict, isRefusal, type Stored } from '@im/kube';
import type { EffectiveSpec } from '../../resources/effective.ts';
import type { OpenIMCluster } from '../../resources/kinds.ts';
import type { AspectName, AspectReport } from './aspect-report.ts';
import type { Desired } from './create.ts';
import type { ObservedCluster } from './observation/observed-cluster.ts';
import { problemOf } from './problem.ts';

/** What every aspect of one reconcile starts from. */
export interface AspectInput {
  readonly cluster: Stored<OpenIMCluster>;
  readonly observed: ObservedCluster;
  /** With the sizes of volumes that the spec wishes; `desired` is made of the real ones. */
  readonly effective: EffectiveSpec;
  readonly desired: Desired;
  /** Key of the cluster, which drains need. */
  readonly rpcKey: string;
}

/** Outcome of one aspect. */
export interface AspectResult<R> extends AspectReport {
  readonly result: R;
  /** A write that was based on stale state. */
  readonly conflict?: unknown;
}

/**
 * Runs an aspect. An error becomes its problem, with `fallback` as result.
 * @throws only when aborted.
 */
export async function runAspect<R>(
  name: AspectName,
  fallback: R,
  work: () => Promise<AspectResult<R>>,
  signal: AbortSignal,
): Promise<AspectResult<R>> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (isConflict(error)) return { result: fallback, problems: [], stalled: false, conflict: error };
    return {
      result: fallback,
      problems: [problemOf({ kind: name }, error)],
      stalled: isRefusal(error),
    };
  }
}
