import type { TenantId } from '@im/contract';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded, isDuplicateKey } from '../errors.ts';
import type { Store } from '../store.ts';
import { byDatabase } from './bulk-writes.ts';
import { IDS_PER_QUERY } from './by-id.ts';
import type { InitialSettings } from './conversation-settings-change.ts';
import type { OwnerTransfer } from './group-member-change.ts';

/** A change of membership that the message log may not have yet. */
export interface MembershipIntent {
  /** Names the change; its record counts once, however often it is appended. */
  readonly id: string;
  readonly groupID: string;
  /** Kind of its notification. */
  readonly contentType: number;
  readonly addedUserIDs: readonly string[];
  readonly removedUserIDs: readonly string[];
  /** Who asked for it; empty for the system. */
  readonly opUserID: string;
  readonly operationID: string;
  /** The caller's wish whether the notification is also a message of the chat. */
  readonly sendMessage: boolean | null;
  /** ms; when it was asked for. */
  readonly at: number;
  /** Ownership that is passed on instead; no user comes or goes. */
  readonly transfer?: Omit<OwnerTransfer, 'id'>;
  /** What webhooks report once the change is made. @default nothing */
  readonly reports?: readonly ChangeReport[];
  /** Settings of the conversation records of those added. @default those of every record */
  readonly newConversation?: InitialSettings;
}

/** An event of webhooks that follows a change. */
export interface ChangeReport {
  readonly event: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What finds an intent again. */
type IntentName = Pick<MembershipIntent, 'groupID' | 'id' | 'transfer'>;

/** `_id` = tenant, group, change; a transfer of ownership has one name, so that one at a time is under way. */
interface MembershipOutboxDocument extends TenantDocument, MembershipIntent {
  v: 1;
  /** ms; until then some process is at it. */
  until: number;
}

/** Collection of changes under way; nearly always empty. */
export const MEMBERSHIP_OUTBOX = defineCollection<MembershipOutboxDocument>('membership_outbox', [
  { keys: { until: 1 } },
]);

/** Looks for tenants with intents in one database. */
export interface PendingTenants {
  readonly database: string;
  readonly find: () => Promise<TenantId[]>;
}

/** Changes have random names; this one is that of a group's transfer of ownership. */
const TRANSFER = 'owner';

/**
 * What changes of membership leave behind before they are made, until the message log has their records. Times in it
 * spare work and decide nothing: everything that is done for an intent may be done twice.
 */
export interface MembershipOutbox {
  /**
   * Writes an intent, before the change.
   * @param until ms; until then its writer is at it.
   * @returns false for a transfer of ownership while another one of the group is under way.
   */
  put(tenant: TenantId, intent: MembershipIntent, until: number): Promise<boolean>;
  /** The record is in the log, or there is nothing to tell. */
  remove(tenant: TenantId, intent: IntentName): Promise<void>;
  /** Which of these tenants have intents, by database: each of them may be away. */
  pending(tenants: readonly TenantId[]): readonly PendingTenants[];
  /** The tenant's intents that no process works on since `now`, the oldest first. */
  due(tenant: TenantId, now: number, limit: number): Promise<MembershipIntent[]>;
  /** @returns false when another process was faster. */
  claim(tenant: TenantId, intent: MembershipIntent, now: number, until: number): Promise<boolean>;
}

function toIntent({ _id, t, v, until, ...intent }: MembershipOutboxDocument): MembershipIntent {
  return intent;
}

/** The outbox of a store. */
export function membershipOutbox(store: Store): MembershipOutbox {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, MEMBERSHIP_OUTBOX);
  const keyOf = (tenant: TenantId, { groupID, id, transfer }: IntentName) =>
    collectionOf(tenant).key(groupID, transfer ? TRANSFER : id);

  return guarded<MembershipOutbox>({
    async put(tenant, intent, until) {
      try {
        await collectionOf(tenant).col.insertOne({
          _id: keyOf(tenant, intent),
          t: tenant,
          v: 1,
          ...intent,
          until,
        });
      } catch (error) {
        if (intent.transfer && isDuplicateKey(error)) return false;
        throw error;
      }
      return true;
    },
    async remove(tenant, intent) {
      await collectionOf(tenant).col.deleteOne({ _id: keyOf(tenant, intent), id: intent.id });
    },
    pending(tenants) {
      const items = tenants.map((tenant) => ({ tenant }));
      return byDatabase(store, MEMBERSHIP_OUTBOX, items).map(({ col, items: group }) => ({
        database: col.dbName,
        async find() {
          const found: TenantId[] = [];
          for (let begin = 0; begin < group.length; begin += IDS_PER_QUERY) {
            const ids = group.slice(begin, begin + IDS_PER_QUERY).map(({ item }) => item.tenant);
            const pipeline = [{ $match: { t: { $in: ids } } }, { $group: { _id: '$t' } }];
            const docs = await col.aggregate<{ _id: TenantId }>(pipeline).toArray();
            found.push(...docs.map(({ _id }) => _id));
          }
          return found;
        },
      }));
    },
    async due(tenant, now, limit) {
      const docs = await collectionOf(tenant)
        .col.find({ t: tenant, until: { $lt: now } }, { sort: { until: 1 }, limit })
        .toArray();
      return docs.map(toIntent);
    },
    async claim(tenant, intent, now, until) {
      const { modifiedCount } = await collectionOf(tenant).col.updateOne(
        { _id: keyOf(tenant, intent), id: intent.id, until: { $lt: now } },
        { $set: { until } },
      );
      return modifiedCount === 1;
    },
  });
}
