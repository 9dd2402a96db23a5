import type { TenantId } from '@im/contract';
import type { MsgPlace } from '@im/store';
import type { MsgDeps } from './deps.ts';

/** What searches of messages need. */
export type SearchDeps = Pick<
  MsgDeps,
  'search' | 'conversationSeqs' | 'seqUsers' | 'conversationSettings' | 'users' | 'groups' | 'members'
>;

/** Conversations of a user: those with a record, and those with a read position whose record was deleted. */
export async function conversationsOf(
  { conversationSettings, seqUsers }: SearchDeps,
  tenant: TenantId,
  userID: string,
): Promise<string[]> {
  const [records, positions] = await Promise.all([
    conversationSettings.ids(tenant, userID),
    seqUsers.ofUser(tenant, userID),
  ]);
  return [...new Set([...records, ...positions.keys()])];
}

/** The readable seqs of these conversations. */
export async function placesOf(
  { conversationSeqs }: SearchDeps,
  tenant: TenantId,
  conversationIDs: readonly string[],
): Promise<MsgPlace[]> {
  const states = await conversationSeqs.get(tenant, conversationIDs);
  return [...states].map(([conversationID, { min, max }]) => ({
    conversationID,
    span: { first: Math.max(1, min), last: max },
  }));
}
