import type { CallerProof, ProcessStatus } from '@im/contract';
import { makeRpcKey } from '../../resources/stores/credentials.ts';
import { templateHash } from '../../resources/template-hash.ts';

/** Entries of the Secret of generated passwords that are about the key of the cluster. */
export const RPC_KEY_ENTRY = {
  key: 'rpcKey',
  /** Hash of the key that every process knew, so that it is required; empty while one may not. */
  required: 'rpcKeyRequired',
  /** Image whose processes take a key over. */
  image: 'rpcKeyImage',
  /** People add it to have the key changed. */
  rotate: 'rpcKeyRotate',
} as const;

type Kept = Readonly<Record<string, string>>;

/** Entries to write; an empty one is removed. */
export type KeptChanges = Readonly<Record<string, string>>;

/** A pod of one of the roles that has a node. */
export interface RolePod {
  readonly name: string;
  readonly image: string;
}

/** What decides about the key, beside the Secret. */
export interface RpcKeySeen {
  /** Image of the roles, as it should be. */
  readonly image: string;
  readonly operatorImage: string;
  readonly pods: readonly RolePod[];
  /** Whether the cluster has workloads: there may be pods of which is not known yet. */
  readonly started: boolean;
  readonly processes: ReadonlyMap<string, ProcessStatus>;
}

/** How the key is used now. */
export interface RpcKeyPlan {
  readonly use: CallerProof;
  readonly keep: KeptChanges;
}

/**
 * Whether processes are given the key, and whether they require it: pure. A new cluster requires it from the
 * beginning. One that runs without it accepts callers without a key until every process has taken the key over;
 * {@link settleRpcKey} says when. An image that may not know the setting gets none, since its processes would refuse
 * their config: known are the operator's own version, and images whose processes tell of it.
 */
export function planRpcKey(kept: Kept, seen: RpcKeySeen): RpcKeyPlan {
  const { image, pods, processes, started } = seen;
  const tell = pods.length > 0 && pods.every(({ name }) => processes.get(name)?.rpcKey !== undefined);
  const observed = tell && pods.every((pod) => pod.image === image);
  const began = kept[RPC_KEY_ENTRY.image] === image;
  if (!began && !observed && !sameRelease(image, seen.operatorImage))
    return { use: 'none', keep: forget(kept) };
  const hash = hashOf(kept);
  if (!started || kept[RPC_KEY_ENTRY.required] === hash) {
    const keep = differing(kept, { [RPC_KEY_ENTRY.image]: image, [RPC_KEY_ENTRY.required]: hash });
    return { use: kept[RPC_KEY_ENTRY.rotate] === undefined ? 'required' : 'optional', keep };
  }
  // Processes of the image before may still run.
  if (!began && !tell) return { use: 'none', keep: {} };
  return { use: 'optional', keep: differing(kept, { [RPC_KEY_ENTRY.image]: image }) };
}

/**
 * What follows once every process has taken over the config that `plan` led to: the key is required from then on, or,
 * where people asked for another, is changed.
 * @param configHash of that config.
 */
export function settleRpcKey(
  kept: Kept,
  { use }: RpcKeyPlan,
  { pods, processes }: RpcKeySeen,
  configHash: string,
): KeptChanges {
  const all = pods.length > 0 && pods.every(({ name }) => processes.get(name)?.configHash === configHash);
  if (use !== 'optional' || !all) return {};
  return kept[RPC_KEY_ENTRY.rotate] === undefined
    ? { [RPC_KEY_ENTRY.required]: hashOf(kept) }
    : { [RPC_KEY_ENTRY.key]: makeRpcKey(), [RPC_KEY_ENTRY.rotate]: '' };
}

/** Names the key without telling it. */
function hashOf(kept: Kept): string {
  return templateHash(kept[RPC_KEY_ENTRY.key]);
}

function forget(kept: Kept): KeptChanges {
  return differing(kept, { [RPC_KEY_ENTRY.image]: '', [RPC_KEY_ENTRY.required]: '' });
}

function differing(kept: Kept, wanted: KeptChanges): KeptChanges {
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => (kept[key] ?? '') !== value));
}

/** Whether two images are of one version, in whatever registry: by digest, or by a tag that names a version. */
function sameRelease(image: string, other: string): boolean {
  if (image === other) return true;
  const release = releaseOf(image);
  return release !== undefined && release !== 'latest' && release === releaseOf(other);
}

function releaseOf(image: string): string | undefined {
  return (/@(sha256:[a-f0-9]+)$/.exec(image) ?? /:([^:/@]+)$/.exec(image))?.[1];
}
