import { randomBytes } from 'node:crypto';
import type { Bus } from '@im/bus';
import { type CallContext, type TenantDirectory, unknownTenant } from '@im/kit';
import { encode, isGroupConversation, make, PLACEMENT_CODES } from '@im/protocol';

interface DeletionDeps {
  readonly bus: Pick<Bus, 'log' | 'partitionOf'>;
  readonly tenants: Pick<TenantDirectory, 'get'>;
}

/** Most conversations in one record of the log. */
const PER_RECORD = 1_000;

/**
 * Appends to the log that the caller deletes their records of these conversations: later messages create the records
 * again, even if their senders do not know yet that they are missing. Group chats are left out: messages never create
 * their records. Resolves when the log has the deletions. See docs/decisions/deleted-conversations.md.
 * @throws ImError 90004 when the log did not acknowledge in time.
 */
export async function recordDeletions(
  { bus, tenants }: DeletionDeps,
  { tenant, operationID }: CallContext,
  conversationIDs: readonly string[],
): Promise<void> {
  const placement = tenants.get(tenant)?.placement;
  if (!placement) throw unknownTenant(tenant);
  const chats = conversationIDs.filter((id) => !isGroupConversation(id));
  // The queue key of a chat is its id without the kind.
  const partition = (id: string) => bus.partitionOf(id.slice(id.indexOf('_') + 1));
  const appends: Promise<unknown>[] = [];
  for (const [at, ids] of Map.groupBy(chats, partition)) {
    for (let begin = 0; begin < ids.length; begin += PER_RECORD) {
      const record = make('log.Record', {
        dedupKey: randomBytes(16),
        version: 1,
        tenant,
        operationID,
        placement: PLACEMENT_CODES[placement],
        deletedRecords: ids.slice(begin, begin + PER_RECORD),
      });
      appends.push(bus.log.append(tenant, at, encode('log.Record', record)));
    }
  }
  await Promise.all(appends);
}
