import type { TenantId } from '@im/kit';
import { type log, SESSION } from '@im/protocol';
import type { ConversationKey, ConvUpdate } from '@im/store';
import { type Conversation, type FoldedEntry, maxAt } from './fold.ts';
import type { Repos } from './repos.ts';

/** A change of conversation records; they are done in the order of the log, since a user may come and leave. */
type RecordStep =
  | { readonly kind: 'own'; readonly tenant: TenantId; readonly keys: ConversationKey[] }
  | {
      readonly kind: 'freeze';
      readonly tenant: TenantId;
      readonly conversationID: string;
      readonly userIDs: readonly string[];
      readonly max: number;
    };

/** The conversations whose bounds a change of membership moves: the chat and its notifications. */
export function membershipConversations(groupID: string): readonly [string, string] {
  return [`sg_${groupID}`, `n_${groupID}`];
}

/** Whether a record changes who is in a group. */
export function changesMembership(record: log.Record): boolean {
  return record.groupID !== '' && (record.addedUserIDs.length > 0 || record.removedUserIDs.length > 0);
}

/** A sender has read up to his own message. */
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
  readonly #convs = new Map<string, ConvUpdate>();
  readonly #reads: SenderReads = new Map();
  readonly #records: RecordStep[] = [];
  readonly #maxes: {
    tenant: TenantId;
    userID: string;
    conversationID: string;
    max: number;
    position: number;
  }[] = [];
  readonly #mins: { tenant: TenantId; userID: string; conversationID: string; value: number }[] = [];
  readonly #bounds: { tenant: TenantId; conversationID: string; min: number }[] = [];

  /** Notes what one counted or delivered entry changes. */
  entry(
    tenant: TenantId,
    record: log.Record,
    folded: FoldedEntry,
    conversation: Conversation | undefined,
  ): void {
    const { entry, seq, fresh } = folded;
    if (seq === 0) return;
    const { conversationID } = entry;
    const id = `${tenant}\u001f${conversationID}`;
    if (fresh && conversation) {
      const { max, src, maxTime } = conversation;
      this.#convs.set(id, { tenant, conversationID, max, src, maxTime });
    }
    if (entry.senderReads) {
      const userID = record.sendID;
      this.#reads.set(`${id}\u001f${userID}`, { tenant, userID, conversationID, value: seq });
    }
    if (seq === 1 || entry.ensureOwners) {
      for (const owner of entry.conversationOwners) this.#own(tenant, record, conversationID, owner);
    }
  }

  /** Notes what a change of membership does to those who came and those who left. */
  membership(tenant: TenantId, record: log.Record, position: number, of: (id: string) => Conversation): void {
    const { addedUserIDs, removedUserIDs, groupID } = record;
    const [chat] = membershipConversations(groupID);
    for (const userID of addedUserIDs) this.#own(tenant, record, chat, userID);
    for (const conversationID of membershipConversations(groupID)) {
      const max = maxAt(of(conversationID), position);
      for (const userID of addedUserIDs) {
        this.#maxes.push({ tenant, userID, conversationID, max: 0, position });
        // The record itself is the first thing that a newcomer sees.
        if (record.hideHistory) this.#mins.push({ tenant, userID, conversationID, value: Math.max(1, max) });
      }
      // 0 would mean no bound: nobody who left an empty conversation may see what comes later.
      for (const userID of removedUserIDs) {
        this.#maxes.push({ tenant, userID, conversationID, max: Math.max(1, max), position });
      }
      if (removedUserIDs.length > 0 && conversationID === chat) {
        this.#records.push({
          kind: 'freeze',
          tenant,
          conversationID,
          userIDs: removedUserIDs,
          max: Math.max(1, max),
        });
      }
    }
  }

  /** Notes a bound that a tool raises. */
  raiseBound(tenant: TenantId, conversationID: string, min: number): void {
    this.#bounds.push({ tenant, conversationID, min });
  }

  #own(tenant: TenantId, record: log.Record, conversationID: string, ownerUserID: string): void {
    const group = record.sessionType === SESSION.Group;
    const peer = ownerUserID === record.sendID ? record.recvID : record.sendID;
    const key: ConversationKey = {
      ownerUserID,
      conversationID,
      conversationType: record.sessionType,
      userID: group ? '' : peer,
      groupID: group ? record.groupID : '',
    };
    const last = this.#records.at(-1);
    if (last?.kind === 'own' && last.tenant === tenant) last.keys.push(key);
    else this.#records.push({ kind: 'own', tenant, keys: [key] });
  }

  /** What became of the conversations: written with the rows, or after them. */
  convUpdates(): ConvUpdate[] {
    return [...this.#convs.values()];
  }

  /** Adds the senders' read positions to those of earlier batches. */
  addReadsTo(reads: SenderReads): void {
    for (const [id, read] of this.#reads) reads.set(id, read);
  }

  /** Nothing but rows, conversations and read positions. */
  get isEmpty(): boolean {
    return this.#mins.length + this.#bounds.length + this.#maxes.length + this.#records.length === 0;
  }

  /** Writes everything but conversations and read positions; resolves when all of it is durable. */
  async write(repos: Repos): Promise<void> {
    const work: Promise<unknown>[] = [];
    if (this.#mins.length > 0) work.push(repos.seqUsers.raiseMin(this.#mins));
    for (const { tenant, conversationID, min } of this.#bounds) {
      work.push(repos.convs.raiseMin(tenant, conversationID, min));
    }
    if (this.#maxes.length > 0) work.push(this.#writeMaxes(repos));
    if (this.#records.length > 0) work.push(this.#writeRecords(repos));
    await Promise.all(work);
  }

  /** In order: somebody may come and leave, or leave and come, within one batch. */
  async #writeMaxes({ seqUsers }: Repos): Promise<void> {
    for (const run of inOrder(this.#maxes)) await seqUsers.setMax(run);
  }

  async #writeRecords({ conversations }: Repos): Promise<void> {
    for (const step of this.#records) {
      if (step.kind === 'own') await conversations.createForOwners(step.tenant, distinct(step.keys));
      else await conversations.freezeForUsers(step.tenant, step.conversationID, step.userIDs, step.max);
    }
  }
}

function distinct(keys: readonly ConversationKey[]): ConversationKey[] {
  return [...new Map(keys.map((key) => [`${key.ownerUserID}\u001f${key.conversationID}`, key])).values()];
}

/** Splits writes into runs in which no document occurs twice. */
function inOrder<
  T extends { readonly userID: string; readonly conversationID: string; readonly tenant: string },
>(items: readonly T[]): T[][] {
  const runs: T[][] = [];
  let seen = new Set<string>();
  for (const item of items) {
    const key = `${item.tenant}\u001f${item.userID}\u001f${item.conversationID}`;
    if (runs.length === 0 || seen.has(key)) {
      runs.push([]);
      seen = new Set();
    }
    seen.add(key);
    runs.at(-1)?.push(item);
  }
  return runs;
}
