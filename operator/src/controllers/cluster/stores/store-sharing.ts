import type { EffectiveSpec } from '../../../resources/effective.ts';
import { BrokenReferenceError } from '../broken-reference.ts';
import type { Observation, StoreKey } from '../observation/observation.ts';

/**
 * Whether nothing may be started, because an external store belongs to another cluster, or it is not known yet. A pure
 * function.
 * @param runs whether the cluster has workloads already.
 * @returns what the roles of a new cluster wait for; undefined to go on.
 * @throws BrokenReferenceError when a store belongs to another cluster.
 */
export function storeSharing(
  { nats, mongodb, redis, objectStorage }: Pick<EffectiveSpec, StoreKey>,
  { stores }: Pick<Observation, 'stores'>,
  runs: boolean,
): string | undefined {
  const external = Object.entries({ nats, mongodb, redis, objectStorage }).flatMap(([name, { kind }]) =>
    kind === 'external' ? [name as StoreKey] : [],
  );
  for (const name of external) {
    const result = stores[name];
    if (result?.ok === false && result.reason === 'UsedByAnotherCluster') {
      throw new BrokenReferenceError({ reason: result.reason, message: result.message });
    }
  }
  const unchecked = external.filter((name) => stores[name] === undefined);
  if (runs || unchecked.length === 0) return undefined;
  return `the first check of ${unchecked.join(', ')}, which must not belong to another cluster`;
}
