import type { CallerProof, ProcessStatus } from '@im/contract';
import { templateHash } from '../../resources/pod-template.ts';
import { makeRpcKey } from '../../resources/stores/credentials.ts';

/** Entries for the key of the cluster in the Secret of generated passwords. */
export const RPC_KEY_ENTRY = {
  key: 'rpcKey',
  /** Hash of the key that is required, because every process knows it; empty while one may not. */
  required: 'rpcKeyRequired',
  /** Image whose processes accept a key. */
  image: 'rpcKeyImage',
  /** A user adds it to rotate the key. */
  rotate: 'rpcKeyRotate',
} as const;

type Kept = Readonly<Record<string, string>>;

/** Entries to write; an empty value removes the entry. */
export type EntryChanges = Readonly<Record<string, string>>;

/** A scheduled pod of a role. */
export interface RolePod {
  readonly name: string;
  readonly image: string;
}

/** What the plan depends on, in addition to the Secret. */
export interface RpcKeyObservation {
  /** Wanted image of the roles. */
  readonly image: string;
  readonly operatorImage: string;
  readonly pods: readonly RolePod[];
  /** Whether the cluster has workloads, whose pods may not be observed yet. */
  readonly started: boolean;
  readonly processes: ReadonlyMap<string, ProcessStatus>;
}

/** How the key is used, and the entries to write. */
export interface RpcKeyPlan {
  readonly use: CallerProof;
  readonly keep: EntryChanges;
}

/**
 * Whether processes get the key, and whether they require it; a pure function. A new cluster requires it from the
 * start. One that runs without it accepts callers without a key until every process has loaded the key
 * ({@link settleRpcKey}). An image that may not know the setting gets none, since its processes would reject their
 * config: known are the operator's own version, and images whose processes report the key's state.
 */
export function planRpcKey(kept: Kept, seen: RpcKeyObservation): RpcKeyPlan {
  const { image, pods, processes, started } = seen;
  const reported = pods.length > 0 && pods.every(({ name }) => processes.get(name)?.rpcKey !== undefined);
  const observed = reported && pods.every((pod) => pod.image === image);
  const known = kept[RPC_KEY_ENTRY.image] === image;
  if (!known && !observed && !sameRelease(image, seen.operatorImage))
    return { use: 'none', keep: forget(kept) };
  const hash = hashOf(kept);
  if (!started || kept[RPC_KEY_ENTRY.required] === hash) {
    const keep = differing(kept, { [RPC_KEY_ENTRY.image]: image, [RPC_KEY_ENTRY.required]: hash });
    return { use: kept[RPC_KEY_ENTRY.rotate] === undefined ? 'required' : 'optional', keep };
  }
  // Processes of the previous image may still run.
  if (!known && !reported) return { use: 'none', keep: {} };
  return { use: 'optional', keep: differing(kept, { [RPC_KEY_ENTRY.image]: image }) };
}

/**
 * The entries to write once every process has loaded the config of the plan: the key is required from then on, or, if a
 * rotation was requested, replaced.
 * @param configHashes of that config.
 */
export function settleRpcKey(
  kept: Kept,
  { use }: RpcKeyPlan,
  { pods, processes }: RpcKeyObservation,
  configHashes: ReadonlySet<string>,
): EntryChanges {
  const all =
    pods.length > 0 && pods.every(({ name }) => configHashes.has(processes.get(name)?.configHash ?? ''));
  if (use !== 'optional' || !all) return {};
  return kept[RPC_KEY_ENTRY.rotate] === undefined
    ? { [RPC_KEY_ENTRY.required]: hashOf(kept) }
    : { [RPC_KEY_ENTRY.key]: makeRpcKey(), [RPC_KEY_ENTRY.rotate]: '' };
}

/** Identifies the key without revealing it. */
function hashOf(kept: Kept): string {
  return templateHash(kept[RPC_KEY_ENTRY.key]);
}

function forget(kept: Kept): EntryChanges {
  return differing(kept, { [RPC_KEY_ENTRY.image]: '', [RPC_KEY_ENTRY.required]: '' });
}

function differing(kept: Kept, wanted: EntryChanges): EntryChanges {
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => (kept[key] ?? '') !== value));
}

/** Whether two images are the same version in any registry: by digest, or by a tag that names a version. */
function sameRelease(image: string, other: string): boolean {
  if (image === other) return true;
  const release = releaseOf(image);
  return release !== undefined && release !== 'latest' && release === releaseOf(other);
}

function releaseOf(image: string): string | undefined {
  return (/@(sha256:[a-f0-9]+)$/.exec(image) ?? /:([^:/@]+)$/.exec(image))?.[1];
}
