import { createHash } from 'node:crypto';
import { OF_CLUSTER } from '../../resources/config.ts';
import { type Desired, type DesiredInput, desiredObjects } from './create.ts';

interface Known {
  /** Hash of the input. */
  readonly input: string;
  readonly desired: Desired;
}

/**
 * Remembers the wanted objects of each cluster. Most reconciles follow a change of a pod or of a status, on which no
 * object depends; rendering and comparing all of them again is most of the work of a reconcile.
 */
export class DesiredMemory {
  readonly #known = new Map<string, Known>();

  /** The result of {@link desiredObjects}; the same object while its input is the same. @throws as that one. */
  of(key: string, input: DesiredInput): Desired {
    const hash = createHash('sha256').update(textOf(input)).digest('base64url');
    const known = this.#known.get(key);
    if (known?.input === hash) return known.desired;
    const desired = desiredObjects(input);
    this.#known.set(key, { input: hash, desired });
    return desired;
  }

  /** Drops what is kept about a deleted cluster. */
  forget(key: string): void {
    this.#known.delete(key);
  }
}

type Input = Omit<DesiredInput, 'history' | 'statefulSets'>;

/** With shards, many megabytes of settings are known by the version of the list and of its files. */
function withoutTenants({ tenants, tenantShards, tenantSecrets, ...input }: Input): object {
  const kept = [...(tenantShards?.secrets ?? [])].map(([shard, values]) => [shard, Object.keys(values)]);
  const ofCluster = Object.entries(tenantSecrets).filter(([key]) => key.startsWith(`${OF_CLUSTER}.`));
  return [input, tenants.length, tenantShards?.index, kept, ofCluster];
}

/** All that the wanted objects depend on, as text. */
function textOf({ history, statefulSets, ...input }: DesiredInput): string {
  const { revisions, mounted, configs, connections } = history;
  return JSON.stringify([
    input.tenantShards ? withoutTenants(input) : input,
    // Only their specs are read.
    statefulSets.map(({ metadata }) => [metadata?.uid, metadata?.generation]),
    revisions,
    // Pods come and go with the same mounts.
    [...new Set(mounted.map((each) => JSON.stringify(each)))].sort(),
    [...configs],
    [...connections],
  ]);
}
