/** How an entry of a version log changed. */
export const CHANGE = { Insert: 1, Delete: 2, Update: 3 } as const;
export type ChangeState = (typeof CHANGE)[keyof typeof CHANGE];

/** Entry of a group-member log that stands for the group's own info and status. */
export const INFO_ENTRY = '';
/** Entry that stands for a changed order: roles of members, pinned friends. */
export const SORT_ENTRY = '____S_O_R_T_I_D____';

/** A client that is behind by more entries than this gets everything. */
export const MAX_DELTA = 200;
/**
 * Entries that a log keeps. One more than a delta may have, so that a client that misses an entry that was dropped is
 * always behind by too many: entries leave a full log only to be replaced by newer ones.
 */
export const KEPT_ENTRIES = MAX_DELTA + 1;

/** A place in a version log: the log's identity (24 hexadecimal digits) and the number of its last write. */
export interface VersionStamp {
  readonly versionID: string;
  readonly version: number;
}

/** One changed element: which, how, and by which write. */
export interface LogEntry {
  readonly e: string;
  readonly s: ChangeState;
  readonly v: number;
}

/** What a client must do to come to {@link Delta.stamp}: start over (`full`), or apply the ids in the lists. */
export interface Delta {
  readonly stamp: VersionStamp;
  readonly full: boolean;
  readonly insert: readonly string[];
  readonly update: readonly string[];
  readonly delete: readonly string[];
  /** Version of the last change of order since then; 0 when there was none. */
  readonly sortVersion: number;
  /** The entry that stands for the group itself changed. */
  readonly infoChanged: boolean;
}

const ZERO_ID = '0'.repeat(24);
const OBJECT_ID = /^[0-9a-fA-F]{24}$/;

/** True for what a client may call a version: an ObjectID that is not zero, and a version from 1 on. */
export function isKnownStamp({ versionID, version }: VersionStamp): boolean {
  return version > 0 && versionID !== ZERO_ID && OBJECT_ID.test(versionID);
}

function isSame(a: string, b: string): boolean {
  return a === b || a.toLowerCase() === b.toLowerCase();
}

/**
 * Whether a client at `known` must start over, is up to date, or needs the log's entries, as far as
 * `current` alone shows.
 */
export function compareStamps(current: VersionStamp, known: VersionStamp): 'full' | 'equal' | 'behind' {
  if (!isKnownStamp(known) || !isSame(known.versionID, current.versionID)) return 'full';
  if (known.version === current.version) return 'equal';
  return known.version > current.version ? 'full' : 'behind';
}

function answer(stamp: VersionStamp, full: boolean): Delta {
  return { stamp, full, insert: [], update: [], delete: [], sortVersion: 0, infoChanged: false };
}

/** What a client at `known` misses of a log at `current` with these entries. */
export function deltaOf(current: VersionStamp, entries: readonly LogEntry[], known: VersionStamp): Delta {
  const place = compareStamps(current, known);
  if (place !== 'behind') return answer(current, place === 'full');
  const missed = entries.filter(({ v }) => v > known.version);
  if (missed.length > MAX_DELTA) return answer(current, true);
  const lists: Record<ChangeState, string[]> = { 1: [], 2: [], 3: [] };
  let sortVersion = 0;
  let infoChanged = false;
  for (const { e, s, v } of missed) {
    if (e === INFO_ENTRY) infoChanged = true;
    else if (e === SORT_ENTRY) sortVersion = v;
    else lists[s].push(e);
  }
  return {
    stamp: current,
    full: false,
    insert: lists[CHANGE.Insert],
    update: lists[CHANGE.Update],
    delete: lists[CHANGE.Delete],
    sortVersion,
    infoChanged,
  };
}
