/** What NATS answers about the copies of a stream: the used fields of `STREAM.INFO`. */
export interface StreamCopies {
  readonly config: { readonly num_replicas: number };
  /** Absent where the server belongs to no cluster. */
  readonly cluster?: {
    readonly leader?: string;
    /** The copies besides the leader's, as the leader sees them. */
    readonly replicas?: readonly StreamCopy[];
  };
}

/** One copy of a stream, as its leader sees it. */
export interface StreamCopy {
  /** Of the server. */
  readonly name: string;
  readonly current: boolean;
  readonly offline?: boolean;
  /** Time since its last answer to the leader, ns; 0 before the first. */
  readonly active: number;
  /** Log entries that it lacks. */
  readonly lag?: number;
}

/** Silence after which a copy of a stream counts as lost, ns; the leader hears from each every second. */
const LONGEST_SILENCE_NS = 10e9;
/** Entries that a copy may lack while it counts as up to date. */
const MOST_LAG = 10_000;

/** Number of copies of a stream that are up to date; none while it has no leader. */
export function currentCopies({ config, cluster }: StreamCopies): number {
  // Without a cluster the server itself is the one copy.
  if (cluster && !cluster.leader && config.num_replicas > 1) return 0;
  return (cluster?.replicas ?? []).filter(follows).length + 1;
}

/**
 * How many more copies of a stream may fail before nothing is stored in it any more: a majority has to store each message.
 * Below 0 too few are left.
 * @param have copies that are up to date @param wanted copies that there should be
 */
export function spareCopies(have: number, wanted: number): number {
  return have - (Math.floor(wanted / 2) + 1);
}

/**
 * Whether a copy keeps up: under load a few entries are always on their way. One that never answered a new leader counts
 * as current there, as long as nothing is written.
 */
function follows({ current, offline, active, lag = 0 }: StreamCopy): boolean {
  if (offline || active <= 0 || active >= LONGEST_SILENCE_NS) return false;
  return current || (lag > 0 && lag <= MOST_LAG);
}
