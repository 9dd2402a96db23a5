import { dayName } from '@im/kit';
import { defineCollection, type TenantCollection, type TenantDocument } from '../collection.ts';
import { insertMissing } from './bulk-writes.ts';
import type { DaySpan, MessageTotals } from './stat-day.ts';

/** Messages of one day that were counted together. Lists belong together by position. */
export interface DayCounts extends MessageTotals {
  /** Days since 1970. */
  readonly day: number;
  readonly types: Readonly<Record<string, number>>;
  readonly users: { readonly ids: string[]; readonly single: number[]; readonly group: number[] };
  readonly groups: { readonly ids: string[]; readonly count: number[] };
}

/**
 * Counts of a day, written once and never changed: those of one batch, or, with `chunks`, all counts of the day up to
 * that batch. `_id` = tenant, day, batch, number of the chunk.
 */
interface StatPartDocument extends TenantDocument, DayCounts {
  v: 1;
  batch: number;
  /** Documents that the merged counts of the day have together; absent in those of a batch. */
  chunks?: number;
}

/** Collection of the counts of messages by day, user and group; the statistics job of cron alone writes it. */
export const STAT_PARTS = defineCollection<StatPartDocument>('stat_part', [{ keys: { day: 1 } }]);

const BATCH_DIGITS = 12;
const CHUNK_DIGITS = 5;
/** Users and groups in one document, and their characters. */
const CHUNK_ENTRIES = 10_000;
const CHUNK_CHARACTERS = 1_000_000;
/** Documents read at once. */
const READ_BATCH = 50;

function keyOf({ key }: TenantCollection<StatPartDocument>, day: number, batch: number, chunk: number) {
  return key(
    dayName(day),
    String(batch).padStart(BATCH_DIGITS, '0'),
    String(chunk).padStart(CHUNK_DIGITS, '0'),
  );
}

/** Adds up counts of a day. */
export interface DayTally {
  add(counts: DayCounts): void;
  addRow(row: CountedMessage): void;
  counts(): DayCounts;
  /** Characters of the ids in it. */
  readonly characters: number;
  readonly users: number;
  readonly groups: number;
}

/** What a message counts as. */
export interface CountedMessage {
  readonly kind: keyof MessageTotals;
  /** Key in `types`. */
  readonly type: string;
  /** Sender of a single chat or a group; undefined when not counted by user. */
  readonly sendID?: string;
  readonly groupID?: string;
}

/** Starts to add up a day. */
export function dayTally(day: number): DayTally {
  const totals = { single: 0, group: 0, notification: 0 };
  const types = new Map<string, number>();
  const users = new Map<string, { single: number; group: number }>();
  const groups = new Map<string, number>();
  let characters = 0;

  function addUser(id: string, single: number, group: number): void {
    const known = users.get(id);
    if (known) {
      known.single += single;
      known.group += group;
      return;
    }
    users.set(id, { single, group });
    characters += id.length;
  }
  function addGroup(id: string, count: number): void {
    const known = groups.get(id);
    if (known === undefined) characters += id.length;
    groups.set(id, (known ?? 0) + count);
  }
  function addType(type: string, count: number): void {
    types.set(type, (types.get(type) ?? 0) + count);
  }

  return {
    add(counts) {
      totals.single += counts.single;
      totals.group += counts.group;
      totals.notification += counts.notification;
      for (const [type, count] of Object.entries(counts.types)) addType(type, count);
      const { ids, single, group } = counts.users;
      for (const [i, id] of ids.entries()) addUser(id, single[i] ?? 0, group[i] ?? 0);
      for (const [i, id] of counts.groups.ids.entries()) addGroup(id, counts.groups.count[i] ?? 0);
    },
    addRow({ kind, type, sendID, groupID }) {
      totals[kind]++;
      addType(type, 1);
      if (sendID !== undefined) addUser(sendID, kind === 'single' ? 1 : 0, kind === 'group' ? 1 : 0);
      if (groupID !== undefined) addGroup(groupID, 1);
    },
    counts() {
      // In the order of ids, so that two processes write the same.
      const userIDs = [...users.keys()].sort();
      const groupIDs = [...groups.keys()].sort();
      return {
        day,
        ...totals,
        types: Object.fromEntries(types),
        users: {
          ids: userIDs,
          single: userIDs.map((id) => users.get(id)?.single ?? 0),
          group: userIDs.map((id) => users.get(id)?.group ?? 0),
        },
        groups: { ids: groupIDs, count: groupIDs.map((id) => groups.get(id) ?? 0) },
      };
    },
    get characters() {
      return characters;
    },
    get users() {
      return users.size;
    },
    get groups() {
      return groups.size;
    },
  };
}

/** Cuts counts into pieces of a bounded size; the totals are in the first. */
function chunksOf(counts: DayCounts): DayCounts[] {
  const { day, users, groups } = counts;
  const chunks: DayCounts[] = [];
  const empty = () => ({
    ...{ day, single: 0, group: 0, notification: 0, types: {} },
    users: { ids: [] as string[], single: [] as number[], group: [] as number[] },
    groups: { ids: [] as string[], count: [] as number[] },
  });
  let current = { ...empty(), ...totalsOf(counts), types: counts.types };
  let [entries, characters] = [0, 0];
  const room = (id: string) => {
    if (entries >= CHUNK_ENTRIES || (entries > 0 && characters + id.length > CHUNK_CHARACTERS)) {
      chunks.push(current);
      current = empty();
      [entries, characters] = [0, 0];
    }
    entries++;
    characters += id.length;
  };
  for (const [i, id] of users.ids.entries()) {
    room(id);
    current.users.ids.push(id);
    current.users.single.push(users.single[i] ?? 0);
    current.users.group.push(users.group[i] ?? 0);
  }
  for (const [i, id] of groups.ids.entries()) {
    room(id);
    current.groups.ids.push(id);
    current.groups.count.push(groups.count[i] ?? 0);
  }
  return [...chunks, current];
}

function totalsOf({ single, group, notification }: MessageTotals): MessageTotals {
  return { single, group, notification };
}

/** Writes the counts of a batch; those that are there already stay. */
export async function insertParts(
  view: TenantCollection<StatPartDocument>,
  batch: number,
  counts: readonly DayCounts[],
): Promise<void> {
  const documents = counts.map((one): StatPartDocument => {
    const _id = keyOf(view, one.day, batch, 0);
    return { _id, t: view.tenant, v: 1, batch, ...one };
  });
  await insertMissing(view.col, documents);
}

/** What says which documents of a day count. */
type PartName = Pick<StatPartDocument, '_id' | 'batch' | 'chunks'>;

/** Of the documents of one day, those that have each message once: the last merged ones, and what came after them. */
function currentOf<N extends PartName>(names: readonly N[]): N[] {
  const seen = new Map<number, number>();
  let merged = -1;
  for (const { batch, chunks } of names) {
    if (chunks === undefined) continue;
    const count = (seen.get(batch) ?? 0) + 1;
    seen.set(batch, count);
    // Merged counts are of use once all of them are there.
    if (count === chunks) merged = Math.max(merged, batch);
  }
  return names.filter(({ batch, chunks }) => (chunks === undefined ? batch > merged : batch === merged));
}

/** @throws CountsMergedError when one of them is there no more. */
async function* readParts(
  { col }: TenantCollection<StatPartDocument>,
  names: readonly PartName[],
): AsyncGenerator<StatPartDocument> {
  for (let at = 0; at < names.length; at += READ_BATCH) {
    const ids = names.slice(at, at + READ_BATCH).map(({ _id }) => _id);
    const found = await col.find({ _id: { $in: ids } }, { batchSize: READ_BATCH }).toArray();
    if (found.length < ids.length) throw new CountsMergedError();
    yield* found;
  }
}

/** Documents were merged into others while they were read. */
class CountsMergedError extends Error {}

const NAME_FIELDS = { projection: { day: 1, batch: 1, chunks: 1 }, batchSize: 1_000 } as const;
const ATTEMPTS = 5;

/**
 * Folds the counts of a span of days, each message once.
 * @param start makes the empty result; it is called again when counts were merged while they were read.
 */
export async function foldParts<R>(
  view: TenantCollection<StatPartDocument>,
  { first, last }: DaySpan,
  start: () => R,
  add: (result: R, counts: DayCounts) => void,
): Promise<R> {
  for (let attempt = 1; ; attempt++) {
    const filter = { t: view.tenant, day: { $gte: first, $lt: last + 1 } };
    const names = await view.col.find(filter, NAME_FIELDS).toArray();
    const current = [...Map.groupBy(names, ({ day }) => day).values()].flatMap(currentOf);
    const result = start();
    try {
      for await (const part of readParts(view, current)) add(result, part);
      return result;
    } catch (error) {
      if (!(error instanceof CountsMergedError) || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Documents of batches that a day may have; from this many on they are merged. */
const MERGE_FROM = 8;

/**
 * Adds up the counts of a day up to a batch, all of which are there, and merges their documents when they are many.
 * @returns undefined when another process merges them.
 */
export async function sumDay(
  view: TenantCollection<StatPartDocument>,
  day: number,
  batch: number,
): Promise<DayTally | undefined> {
  const { col, tenant } = view;
  const all = await col.find({ t: tenant, day }, NAME_FIELDS).toArray();
  const names = all.filter((name) => name.batch <= batch);
  const current = currentOf(names);
  const tally = dayTally(day);
  try {
    for await (const part of readParts(view, current)) tally.add(part);
  } catch (error) {
    if (error instanceof CountsMergedError) return undefined;
    throw error;
  }
  const isMerged = current.filter(({ chunks }) => chunks === undefined).length >= MERGE_FROM;
  if (isMerged) {
    const chunks = chunksOf(tally.counts());
    const documents = chunks.map((counts, i): StatPartDocument => {
      const _id = keyOf(view, day, batch, i + 1);
      return { _id, t: tenant, v: 1, batch, chunks: chunks.length, ...counts };
    });
    await insertMissing(col, documents);
  }
  const kept = new Set(isMerged ? [] : current);
  const old = names.filter((name) => !kept.has(name)).map(({ _id }) => _id);
  if (old.length > 0) await col.deleteMany({ _id: { $in: old } });
  return tally;
}

/** Removes the counts of all days before one. @returns how many documents. */
export async function removePartsBefore(
  { col, tenant }: TenantCollection<StatPartDocument>,
  day: number,
): Promise<number> {
  return (await col.deleteMany({ t: tenant, day: { $lt: day } })).deletedCount;
}
