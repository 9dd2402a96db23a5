import { preferredShard } from '../../resources/tenant-shards.ts';
import type { Refusal } from '../cluster/observation/observation.ts';
import type { TenantSize } from './entry.ts';

/** Bytes that the entries of tenants may take in one object, a ConfigMap of at most 1 MiB. */
const MAX_BYTES = 900_000;
/** Bytes that their keys and credentials may take in one Secret. */
const MAX_SECRET_BYTES = 900_000;

/** Where the settings of a tenant are. */
export interface Placed extends TenantSize {
  readonly shard: number;
}

const NONE: TenantSize = { bytes: 0, secretBytes: 0 };

/**
 * The room for the tenants of a cluster, in one or more shards. What is in force is reserved: a change that grows takes it
 * from nobody. A tenant stays in its shard as long as that has room.
 */
export class Room {
  readonly #shards: number;
  readonly #cluster: string;
  readonly #used: TenantSize[];
  readonly #reserved: TenantSize[];

  /** @param shards number of shards. @param cluster name, for messages. @param inForce what is in these shards. */
  constructor(shards: number, cluster: string, inForce: readonly Placed[]) {
    this.#shards = shards;
    this.#cluster = cluster;
    this.#used = Array(shards).fill(NONE);
    this.#reserved = Array(shards).fill(NONE);
    for (const placed of inForce) this.#reserve(placed);
  }

  /** Takes room for a tenant, in place of what it has in force. @returns its shard, or why there is no room. */
  take(id: string, size: TenantSize, inForce: Placed | undefined): number | Refusal {
    if (inForce) this.#release(inForce);
    const preferred = inForce?.shard ?? preferredShard(id, this.#shards);
    for (let i = 0; i < this.#shards; i++) {
      const shard = (preferred + i) % this.#shards;
      if (!this.#fits(shard, size)) continue;
      this.#used[shard] = sum(this.#used[shard] ?? NONE, size);
      return shard;
    }
    if (inForce) this.#reserve(inForce);
    return this.#full(size);
  }

  /** Turns the reservation of a tenant into room that it takes. @returns whether there is room. */
  keep(id: string, inForce: Placed): boolean {
    return typeof this.take(id, inForce, inForce) === 'number';
  }

  #reserve({ shard, ...size }: Placed): void {
    this.#reserved[shard] = sum(this.#reserved[shard] ?? NONE, size);
  }

  #release({ shard, bytes, secretBytes }: Placed): void {
    const reserved = this.#reserved[shard] ?? NONE;
    this.#reserved[shard] = {
      bytes: reserved.bytes - bytes,
      secretBytes: reserved.secretBytes - secretBytes,
    };
  }

  #fits(shard: number, size: TenantSize): boolean {
    const total = sum(sum(this.#used[shard] ?? NONE, this.#reserved[shard] ?? NONE), size);
    return total.bytes <= MAX_BYTES && total.secretBytes <= MAX_SECRET_BYTES;
  }

  #full({ bytes }: TenantSize): Refusal {
    const most = this.#shards * MAX_BYTES;
    const settingsFit = this.#used.some(
      (used, shard) => used.bytes + (this.#reserved[shard] ?? NONE).bytes + bytes <= MAX_BYTES,
    );
    const whose = `of OpenIMCluster ${this.#cluster}`;
    const message = settingsFit
      ? `spec.clusterRef: the keys and credentials of the tenants ${whose} fill its Secrets (${this.#shards * MAX_SECRET_BYTES} bytes); delete unused ones, or use another cluster`
      : `spec.clusterRef: the settings of the tenants ${whose} fill its config (${most} bytes); delete unused ones, shorten their settings, or use another cluster`;
    return { reason: 'ClusterFull', message };
  }
}

function sum(a: TenantSize, b: TenantSize): TenantSize {
  return { bytes: a.bytes + b.bytes, secretBytes: a.secretBytes + b.secretBytes };
}
