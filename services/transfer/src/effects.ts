import type { TenantId } from '@im/contract';
import { KEY_SEPARATOR } from '@im/kit';
import { type log, SESSION } from '@im/protocol';
import type {
  ConversationKey,
  ConversationSeqsUpdate,
  MembershipBound,
  MembershipPlace,
  RecordDeletion,
} from '@im/store';
import { type Conversation, countedAt, type FoldedEntry, maxAt, type PlacedRecord } from './fold.ts';
import type { Repos } from './repos.ts';

/** Records of conversations that a change of membership opens or ends, in the order of the log. */
type MemberStep = MembershipPlace & { readonly tenant: TenantId; readonly conversationID: string } & (
    | { readonly kind: 'open'; readonly keys: ConversationKey[] }
    | { readonly kind: 'freeze'; readonly userIDs: readonly string[]; readonly max: number }
  );

type Place = Pick<PlacedRecord, 'position' | 'timeMs'>;

/** The conversations whose bounds a change of membership moves: the chat and its notifications. */
export function membershipConversations(groupID: string): readonly [string, string] {
  return [`sg_${groupID}`, `n_${groupID}`];
}

/**
 * How long, in log time, a sender may not know that an owner deleted their record of a conversation. The record of the
 * log comes first, then the deletion, at most a minute later; a copy of the check may be 30 s old, and its message may
 * wait 9.5 s for the log. The rest is for clocks of log servers that take over from each other.
 */
const UNKNOWN_DELETION_MS = 120_000;

/** Whether the sender of a message at this place may have taken a record for there that its owner has deleted. */
function mayMissRecord({ deleted }: Conversation, { position, timeMs }: Place): boolean {
  return (
    deleted !== undefined && position > deleted.position && timeMs - deleted.timeMs < UNKNOWN_DELETION_MS
  );
}

/** Whether a record changes who is in a group. */
export function changesMembership(record: log.Record): boolean {
  return record.groupID !== '' && (record.addedUserIDs.length > 0 || record.removedUserIDs.length > 0);
}

/** A sender has read up to their own message. */
export interface SenderRead {
  readonly tenant: TenantId;
  readonly userID: string;
  readonly conversationID: string;
  /** Seq. */
  readonly value: number;
}

/** Read positions by sender and conversation, the highest of each; many messages make one write. */
export type SenderReads = Map<string, SenderRead>;

/**
 * What a batch changes besides rows, collected in log order and written in few bulks. All of it can
 * be written again: a replay of the log changes nothing.
 */
export class Effects {
  readonly #conversationSeqs = new Map<string, ConversationSeqsUpdate>();
  readonly #reads: SenderReads = new Map();
  /** Records that the first message of a conversation makes. */
  readonly #owned: { readonly tenant: TenantId; readonly keys: ConversationKey[] }[] = [];
  readonly #memberSteps: MemberStep[] = [];
  readonly #memberBounds: MembershipBound[] = [];
  readonly #bounds: { tenant: TenantId; conversationID: string; min: number }[] = [];
  readonly #deletions: { tenant: TenantId; conversationIDs: readonly string[]; at: RecordDeletion }[] = [];

  /** Notes what one counted or delivered entry changes. */
  entry(
    tenant: TenantId,
    read: PlacedRecord,
    folded: FoldedEntry,
    conversation: Conversation | undefined,
  ): void {
    const { record } = read;
    const { entry, seq, fresh } = folded;
    if (seq === 0) return;
    const { conversationID } = entry;
    const id = `${tenant}${KEY_SEPARATOR}${conversationID}`;
    if (fresh && conversation) {
      const { max, src, maxTime } = conversation;
      this.#conversationSeqs.set(id, { tenant, conversationID, max, src, maxTime });
    }
    if (entry.senderReads) {
      const userID = record.sendID;
      this.#reads.set(`${id}${KEY_SEPARATOR}${userID}`, { tenant, userID, conversationID, value: seq });
    }
    const unsure = conversation !== undefined && mayMissRecord(conversation, read);
    if (seq === 1 || entry.ensureOwners || unsure) {
      for (const owner of entry.conversationOwners) this.#own(tenant, record, conversationID, owner);
    }
  }

  /** Notes what a change of membership does to those who came and those who left. */
  membership(tenant: TenantId, placed: PlacedRecord, conversationOf: (id: string) => Conversation): void {
    const { record, position } = placed;
    const { addedUserIDs, removedUserIDs, groupID, memberVersion: version } = record;
    const [chat] = membershipConversations(groupID);
    const place = { tenant, conversationID: chat, position, version };
    if (addedUserIDs.length > 0) {
      const keys = addedUserIDs.map((userID) => keyOf(record, chat, userID));
      this.#memberSteps.push({ ...place, kind: 'open', keys });
    }
    const at = countedAt(placed, conversationOf);
    for (const conversationID of membershipConversations(groupID)) {
      // 0 would mean no bound: no user who left an empty conversation may see what comes later.
      const max = Math.max(1, maxAt(conversationOf(conversationID), at));
      const bound = { tenant, conversationID, position, version };
      for (const userID of addedUserIDs) {
        // The record itself is the first thing that a newcomer sees.
        const min = record.hideHistory ? { min: max } : {};
        this.#memberBounds.push({ ...bound, userID, max: 0, ...min });
      }
      for (const userID of removedUserIDs) this.#memberBounds.push({ ...bound, userID, max });
      if (removedUserIDs.length > 0 && conversationID === chat) {
        this.#memberSteps.push({ ...place, kind: 'freeze', userIDs: removedUserIDs, max });
      }
    }
  }

  /** Notes that an owner deletes records, for the messages that come behind. */
  deletion(
    tenant: TenantId,
    conversationIDs: readonly string[],
    { position, timeMs }: Place,
    conversationOf: (id: string) => Conversation,
  ): void {
    const at = { position, timeMs };
    for (const id of conversationIDs) {
      const conversation = conversationOf(id);
      if (position > (conversation.deleted?.position ?? 0)) conversation.deleted = at;
    }
    this.#deletions.push({ tenant, conversationIDs, at });
  }

  /** Notes a bound that a tool raises. */
  raiseBound(tenant: TenantId, conversationID: string, min: number): void {
    this.#bounds.push({ tenant, conversationID, min });
  }

  #own(tenant: TenantId, record: log.Record, conversationID: string, ownerUserID: string): void {
    const key = keyOf(record, conversationID, ownerUserID);
    const last = this.#owned.at(-1);
    if (last?.tenant === tenant) last.keys.push(key);
    else this.#owned.push({ tenant, keys: [key] });
  }

  /** What became of the conversations: written with the rows, or after them. */
  conversationSeqsUpdates(): ConversationSeqsUpdate[] {
    return [...this.#conversationSeqs.values()];
  }

  /** Adds the senders' read positions to those of earlier batches. */
  addReadsTo(reads: SenderReads): void {
    for (const [id, read] of this.#reads) reads.set(id, read);
  }

  /** Nothing but rows, conversations, read positions and memberships. */
  get isEmpty(): boolean {
    return this.#bounds.length + this.#deletions.length + this.#owned.length === 0;
  }

  /** Whether some record changes who is in a group. */
  get changesMembership(): boolean {
    return this.#memberBounds.length > 0;
  }

  /**
   * Writes who may see what of the groups that they came to or left; resolves when all of it is durable. To be done
   * before the rows are visible: who left must not see what follows, who came must not see what was before. All of
   * it is a function of the log and guarded by its place there, so it may be written by any process that has folded it.
   */
  async writeMembership(repos: Repos): Promise<void> {
    // In order: a user may come and leave, or leave and come, within one batch. Bounds first, then the record
    // without which there is no access at all.
    for (const run of inOrder(this.#memberBounds)) await repos.seqUsers.setMax(run);
    for (const step of this.#memberSteps) {
      const { tenant, conversationID } = step;
      if (step.kind === 'open') {
        await repos.conversationSettings.openForMembers(tenant, distinct(step.keys), step);
      } else {
        await repos.conversationSettings.freezeForUsers(tenant, conversationID, step.userIDs, step.max, step);
      }
    }
  }

  /** Writes everything but conversations, read positions and memberships; resolves when all of it is durable. */
  async write(repos: Repos): Promise<void> {
    const work: Promise<unknown>[] = [];
    for (const { tenant, conversationID, min } of this.#bounds) {
      work.push(repos.conversationSeqs.raiseMin(tenant, conversationID, min));
    }
    if (this.#deletions.length > 0) work.push(this.#writeDeletions(repos));
    if (this.#owned.length > 0) work.push(this.#writeOwned(repos));
    await Promise.all(work);
  }

  async #writeDeletions({ conversationSeqs }: Repos): Promise<void> {
    for (const { tenant, conversationIDs, at } of this.#deletions) {
      await conversationSeqs.noteDeletion(tenant, conversationIDs, at);
    }
  }

  async #writeOwned({ conversationSettings }: Repos): Promise<void> {
    for (const { tenant, keys } of this.#owned)
      await conversationSettings.createForOwners(tenant, distinct(keys));
  }
}

/** Whether nothing follows from a record: idle consumers write such to move on. */
export function isMark(record: log.Record): boolean {
  const { entries, control, deletedRecords } = record;
  return entries.length === 0 && !control && deletedRecords.length === 0 && !changesMembership(record);
}

/** The record that an owner has of the conversation of a message. */
function keyOf(record: log.Record, conversationID: string, ownerUserID: string): ConversationKey {
  const group = record.sessionType === SESSION.Group;
  const peer = ownerUserID === record.sendID ? record.recvID : record.sendID;
  const { newConversation } = record;
  return {
    ...(newConversation && { initial: newConversation }),
    ownerUserID,
    conversationID,
    conversationType: record.sessionType,
    userID: group ? '' : peer,
    groupID: group ? record.groupID : '',
  };
}

function distinct(keys: readonly ConversationKey[]): ConversationKey[] {
  return [
    ...new Map(keys.map((key) => [`${key.ownerUserID}${KEY_SEPARATOR}${key.conversationID}`, key])).values(),
  ];
}

/** Splits writes into runs in which no document occurs twice. */
function inOrder<
  T extends { readonly userID: string; readonly conversationID: string; readonly tenant: string },
>(items: readonly T[]): T[][] {
  const runs: T[][] = [];
  let seen = new Set<string>();
  for (const item of items) {
    const key = `${item.tenant}${KEY_SEPARATOR}${item.userID}${KEY_SEPARATOR}${item.conversationID}`;
    if (runs.length === 0 || seen.has(key)) {
      runs.push([]);
      seen = new Set();
    }
    seen.add(key);
    runs.at(-1)?.push(item);
  }
  return runs;
}
