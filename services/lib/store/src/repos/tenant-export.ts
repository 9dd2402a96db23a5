import type { TenantId } from '@im/contract';
import type { Filter } from 'mongodb';
import type { CollectionSpec, TenantCollection, TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { BLACKS } from './black.ts';
import { CONVERSATION_SETTINGS } from './conversation-settings.ts';
import { FRIENDS } from './friend.ts';
import { GROUPS } from './group.ts';
import { GROUP_MEMBERS } from './group-member.ts';
import { MSG_ROWS } from './msg-row.ts';
import { OBJECTS } from './object.ts';
import { USERS } from './user.ts';

/** Collections of an export, with what is left out of their documents: keys and places of the storage itself. */
const SOURCES = {
  user: { spec: USERS, time: undefined, without: ['idKey', 'nickKey'] },
  group: { spec: GROUPS, time: undefined, without: ['nameKey'] },
  member: { spec: GROUP_MEMBERS, time: undefined, without: ['rank', 'ord', 'change', 'transfer'] },
  friend: { spec: FRIENDS, time: undefined, without: ['ord'] },
  black: { spec: BLACKS, time: undefined, without: ['ord'] },
  conversation: { spec: CONVERSATION_SETTINGS, time: undefined, without: ['ord'] },
  message: { spec: MSG_ROWS, time: 'st', without: ['k', 'p'] },
  object: { spec: OBJECTS, time: 'createTime', without: [] },
} as const;

/** What an export has. */
export type StoredKind = keyof typeof SOURCES;

/** All kinds, in the order of an export. */
export const STORED_KINDS = Object.keys(SOURCES) as readonly StoredKind[];

/** A document of an export. */
export interface StoredLine {
  /** Behind which the next page goes on. */
  readonly position: string;
  /** Parts of its key, such as conversation and seq of a message. */
  readonly key: readonly string[];
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Some documents of one kind, in the order of their keys. */
export interface StoredPage {
  readonly lines: readonly StoredLine[];
  /** Where the next page begins; undefined when nothing follows. */
  readonly next: string | undefined;
}

/** Which documents are wanted. */
export interface StoredQuery {
  readonly kind: StoredKind;
  /** `position` or `next` from before; empty for the beginning. */
  readonly after: string;
  /** Messages and objects from before this time (ms) are left out; 0 leaves none out. */
  readonly since: number;
}

/** All that is stored of a tenant that users made, document by document; no secrets and no tokens. */
export interface TenantExportRepo {
  /**
   * A page, at the turn of the tenant's searches: at most 200 documents and about 1 MiB, of at most 2,000 keys.
   * @throws ImError 429 when too many searches of the tenant wait.
   */
  page(tenant: TenantId, query: StoredQuery): Promise<StoredPage>;
}

/** Keys of a page, documents of a page, and bytes of messages after which it ends. */
const KEYS = 2_000;
const LINES = 200;
const BYTES = 1_048_576;

/** The exports of a store. */
export function tenantExportRepo(store: Store): TenantExportRepo {
  return guarded<TenantExportRepo>({
    page(tenant, query) {
      const { spec, time, without } = SOURCES[query.kind];
      return store.search(tenant, spec as unknown as CollectionSpec<TenantDocument>, (collection) =>
        pageOf(collection, query, { time, without }),
      );
    },
  });
}

async function pageOf(
  collection: TenantCollection<TenantDocument>,
  { after, since }: StoredQuery,
  { time, without }: { readonly time: string | undefined; readonly without: readonly string[] },
): Promise<StoredPage> {
  const { col, parts } = collection;
  const { $gt, $lt } = collection.range();
  const from = after === '' ? $gt : $gt + after;
  const range: Filter<TenantDocument> = { _id: { $gt: from, $lt } };
  const byKey = { sort: { _id: 1 } } as const;
  // So many keys are looked at, however few of them match.
  const [bound] = await col
    .find(range, { ...byKey, projection: { _id: 1 }, skip: KEYS - 1, limit: 1 })
    .toArray();
  const within = { _id: { $gt: from, ...(bound ? { $lte: bound._id } : { $lt }) } };
  const wanted = (
    time === undefined || since === 0 ? within : { ...within, [time]: { $gte: since } }
  ) as Filter<TenantDocument>;
  const projection = Object.fromEntries([...without, 't'].map((name) => [name, 0]));
  const positionOf = (_id: string) => _id.slice($gt.length);
  const lines: StoredLine[] = [];
  let bytes = 0;
  for await (const { _id, v: _version, ...fields } of col.find<
    TenantDocument & { v?: number; d?: { length(): number } }
  >(wanted, { ...byKey, projection, limit: LINES, batchSize: 50 })) {
    lines.push({ position: positionOf(_id), key: parts(_id), fields });
    bytes += fields.d?.length() ?? 0;
    if (bytes >= BYTES) break;
  }
  const isCut = lines.length === LINES || bytes >= BYTES;
  const next = isCut ? lines.at(-1)?.position : bound && positionOf(bound._id);
  return { lines, next };
}
