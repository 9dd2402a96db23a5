import { randomBytes } from 'node:crypto';
import type { TenantId } from '@im/contract';
import { ERR, ImError } from '@im/protocol';
import { type Document, ObjectId } from 'mongodb';
import { defineCollection, type TenantCollection, type TenantDocument } from '../collection.ts';
import { guarded, isDuplicateKey, retryDuplicate } from '../errors.ts';
import type { Store } from '../store.ts';
import { bulkUpsert } from './bulk-writes.ts';
import {
  CHANGE,
  type ChangeState,
  compareStamps,
  type Delta,
  deltaOf,
  KEPT_ENTRIES,
  type LogEntry,
  type VersionStamp,
} from './version-delta.ts';

/** The last changes of one list: the friends of a user, the members of a group, … `_id` = tenant, owner of the list. */
export interface VersionLogDocument extends TenantDocument {
  v: 1;
  /** Identity of the log, 24 hexadecimal digits; changes only when the document is recreated. */
  versionID: string;
  /** Number of the last write. */
  version: number;
  logs: LogEntry[];
  /** Marks of the last writes, by which a writer finds its own number; the last one made `version`. */
  marks?: string[];
  /** Of a group's members: numbers of the last writes that changed who is one, the newest last. */
  members?: number[];
}

const FRIEND_VERSIONS = defineCollection<VersionLogDocument>('friend_version');
const GROUP_MEMBER_VERSIONS = defineCollection<VersionLogDocument>('group_member_version');
const GROUP_JOIN_VERSIONS = defineCollection<VersionLogDocument>('group_join_version');
const CONVERSATION_VERSIONS = defineCollection<VersionLogDocument>('conversation_version');

/** Which lists have a log, and where it is kept; the domain that owns the list writes it. */
export const VERSION_LOGS = {
  /** Friends, by user. */
  friend: FRIEND_VERSIONS,
  /** Members, by group. */
  groupMember: GROUP_MEMBER_VERSIONS,
  /** Joined groups, by user. */
  groupJoin: GROUP_JOIN_VERSIONS,
  /** Conversations, by user. */
  conversation: CONVERSATION_VERSIONS,
} as const;

/** Elements that changed in the same way. */
export interface Change {
  readonly state: ChangeState;
  readonly ids: readonly string[];
}

/** A write to one log: its changes become one version. */
export interface LogWrite {
  /** Owner of the list: a user or a group. */
  readonly owner: string;
  readonly changes: readonly Change[];
}

/**
 * Version logs of one kind. Write the log after the change that it reports: a client that then reads the log first
 * and the elements after it never misses one.
 */
export interface VersionLogs {
  /** Appends one write: the version rises by one, older entries of the same ids go. @returns the new stamp. */
  write(tenant: TenantId, owner: string, ...changes: readonly Change[]): Promise<VersionStamp>;
  /** As {@link write} for many logs, in bulk. */
  writeMany(tenant: TenantId, writes: readonly LogWrite[]): Promise<void>;
  /** Where the log is now; a log that does not exist is made, empty, at version 1. */
  stamp(tenant: TenantId, owner: string): Promise<VersionStamp>;
  /** As {@link stamp} for many. */
  stamps(tenant: TenantId, owners: readonly string[]): Promise<Map<string, VersionStamp>>;
  /** What a client at `known` misses. */
  since(tenant: TenantId, owner: string, known: VersionStamp): Promise<Delta>;
  /** As {@link since} for many. */
  sinceMany(tenant: TenantId, known: ReadonlyMap<string, VersionStamp>): Promise<Map<string, Delta>>;
  /** Removes the log; the next one of this owner has another identity. */
  drop(tenant: TenantId, owner: string): Promise<void>;
}

/** All ids as inserted, deleted or updated. */
export const inserted = (...ids: readonly string[]): Change => ({ state: CHANGE.Insert, ids });
export const deleted = (...ids: readonly string[]): Change => ({ state: CHANGE.Delete, ids });
export const updated = (...ids: readonly string[]): Change => ({ state: CHANGE.Update, ids });

const BULK = 500;
/** Marks kept; a writer whose mark is gone before it looks writes once more. */
export const KEPT_MARKS = 32;
const MAX_ATTEMPTS = 10;
const MARK_BYTES = 6;

function chunks<T>(items: readonly T[]): T[][] {
  const out: T[][] = [];
  for (let i = 0; i < items.length; i += BULK) out.push(items.slice(i, i + BULK));
  return out;
}

/** One atomic update of one document: the next version, without the older entries of these ids. */
function appendPipeline(tenant: TenantId, changes: readonly Change[], mark: string): Document[] {
  // Literal: an id that begins with $ would be read as an expression.
  const ids = changes.flatMap((change) => [...change.ids]);
  const fresh = changes.flatMap(({ state, ids }) =>
    ids.map((id) => ({ e: { $literal: id }, s: { $literal: state }, v: '$version' })),
  );
  const others = {
    $filter: {
      input: { $ifNull: ['$logs', []] },
      as: 'entry',
      cond: { $not: [{ $in: ['$$entry.e', { $literal: ids }] }] },
    },
  };
  return [
    {
      $set: {
        t: { $literal: tenant },
        v: { $literal: 1 },
        versionID: { $ifNull: ['$versionID', new ObjectId().toHexString()] },
        version: { $add: [{ $ifNull: ['$version', 0] }, 1] },
      },
    },
    {
      $set: {
        logs: { $slice: [{ $concatArrays: [others, fresh] }, -KEPT_ENTRIES] },
        marks: {
          $slice: [{ $concatArrays: [{ $ifNull: ['$marks', []] }, [{ $literal: mark }]] }, -KEPT_MARKS],
        },
      },
    },
  ];
}

const HEAD = { versionID: 1, version: 1 } as const;
const toStamp = ({ versionID, version }: VersionStamp): VersionStamp => ({ versionID, version });

/**
 * Makes one write to one log and finds the number that it got.
 * @param further stages of the update, behind those that append.
 */
export async function appendToLog(
  { col, key, tenant }: TenantCollection<VersionLogDocument>,
  owner: string,
  changes: readonly Change[],
  further: readonly Document[] = [],
): Promise<{ readonly stamp: VersionStamp; readonly written: Pick<VersionLogDocument, 'members'> }> {
  const _id = key(owner);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const mark = randomBytes(MARK_BYTES).toString('base64url');
    const update = [...appendPipeline(tenant, changes, mark), ...further];
    await retryDuplicate(() => col.updateOne({ _id }, update, { upsert: true }));
    const written = await col.findOne({ _id }, { projection: { ...HEAD, marks: 1, members: 1 } });
    const later = written?.marks?.toReversed().indexOf(mark) ?? -1;
    if (written && later >= 0) {
      return { stamp: { versionID: written.versionID, version: written.version - later }, written };
    }
  }
  throw new ImError(ERR.NetworkError, 'too many changes of this list at once');
}

/** Makes the logs of these owners, empty, unless another caller is faster. */
async function createEmpty(logs: TenantCollection<VersionLogDocument>, owners: readonly string[]) {
  const docs = owners.map((owner) => ({
    _id: logs.key(owner),
    t: logs.tenant,
    v: 1 as const,
    versionID: new ObjectId().toHexString(),
    version: 1,
    logs: [],
  }));
  try {
    await logs.col.insertMany(docs, { ordered: false });
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
}

/** The version logs of one kind in a store. */
export function versionLogs(store: Store, kind: keyof typeof VERSION_LOGS): VersionLogs {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, VERSION_LOGS[kind]);

  async function heads(tenant: TenantId, owners: readonly string[]): Promise<Map<string, VersionStamp>> {
    const logs = collectionOf(tenant);
    const found = new Map<string, VersionStamp>();
    for (const part of chunks(owners)) {
      const docs = await logs.col
        .find({ _id: { $in: part.map((owner) => logs.key(owner)) } }, { projection: HEAD })
        .toArray();
      for (const doc of docs) found.set(logs.parts(doc._id)[0] ?? '', toStamp(doc));
    }
    return found;
  }

  async function stamps(tenant: TenantId, owners: readonly string[]): Promise<Map<string, VersionStamp>> {
    const found = await heads(tenant, owners);
    const missing = [...new Set(owners)].filter((owner) => !found.has(owner));
    if (missing.length === 0) return found;
    for (const part of chunks(missing)) await createEmpty(collectionOf(tenant), part);
    for (const [owner, stamp] of await heads(tenant, missing)) found.set(owner, stamp);
    return found;
  }

  async function stamp(tenant: TenantId, owner: string): Promise<VersionStamp> {
    const found = (await stamps(tenant, [owner])).get(owner);
    if (!found) throw new ImError(ERR.DatabaseError, 'a version log vanished while it was read');
    return found;
  }

  async function sinceMany(
    tenant: TenantId,
    known: ReadonlyMap<string, VersionStamp>,
  ): Promise<Map<string, Delta>> {
    const logs = collectionOf(tenant);
    const current = await stamps(tenant, [...known.keys()]);
    const out = new Map<string, Delta>();
    const behind: string[] = [];
    for (const [owner, place] of known) {
      const now = current.get(owner);
      if (!now) continue;
      if (compareStamps(now, place) === 'behind') behind.push(owner);
      else out.set(owner, deltaOf(now, [], place));
    }
    for (const part of chunks(behind)) {
      const docs = await logs.col.find({ _id: { $in: part.map((owner) => logs.key(owner)) } }).toArray();
      for (const doc of docs) {
        const owner = logs.parts(doc._id)[0] ?? '';
        const place = known.get(owner);
        if (place) out.set(owner, deltaOf(toStamp(doc), doc.logs, place));
      }
    }
    return out;
  }

  return guarded<VersionLogs>({
    write: async (tenant, owner, ...changes) =>
      (await appendToLog(collectionOf(tenant), owner, changes)).stamp,
    async writeMany(tenant, writes) {
      const logs = collectionOf(tenant);
      await bulkUpsert(
        logs.col,
        writes.map(({ owner, changes }) => ({
          updateOne: {
            filter: { _id: logs.key(owner) },
            update: appendPipeline(tenant, changes, ''),
            upsert: true,
          },
        })),
      );
    },
    stamp,
    stamps,
    async since(tenant, owner, known) {
      const delta = (await sinceMany(tenant, new Map([[owner, known]]))).get(owner);
      // Dropped between two reads: the client starts over.
      return delta ?? deltaOf(await stamp(tenant, owner), [], { versionID: '', version: 0 });
    },
    sinceMany,
    async drop(tenant, owner) {
      const logs = collectionOf(tenant);
      await logs.col.deleteOne({ _id: logs.key(owner) });
    },
  });
}
