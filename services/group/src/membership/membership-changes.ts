import { type CallContext, randomId, remainingMs, sleep } from '@im/kit';
import { acceptLoss, callFields, type Logger, type TaskRunner } from '@im/process';
import { CONTENT, ERR, ImError } from '@im/protocol';
import type {
  MembershipIntent,
  MembershipOutbox,
  MembershipOutcome,
  OwnerTransfer,
  TransferOutcome,
  VersionStamp,
} from '@im/store';
import type { GroupNotifications } from '../notifications/group-notifications.ts';
import type { MembershipRecord } from '../notifications/send.ts';

/** A change of membership that is asked for. */
export type WantedChange = Pick<MembershipIntent, 'groupID' | 'contentType' | 'sendMessage'> &
  Partial<Pick<MembershipIntent, 'addedUserIDs' | 'removedUserIDs'>>;

/** A change whose rows and versions are written. */
export interface CommittedChange {
  readonly outcome: MembershipOutcome;
  /**
   * Notifies the group, which makes the change take effect for messages. Never rejects: what the log has not taken
   * by then, the relay appends. Awaiting each keeps the order of the log that of the changes.
   */
  notify(render: (record: MembershipRecord) => Promise<void>): Promise<void>;
}

export interface MembershipChangesDeps {
  readonly outbox: MembershipOutbox;
  readonly notifications: Pick<GroupNotifications, 'bareMembership'>;
  readonly tasks: TaskRunner;
  readonly log: Logger;
}

/** Time after which the relay takes over a change, as its process is presumed dead. */
export const WRITER_MS = 12_000;
/** With less time left, there is no further attempt to append. */
const ATTEMPT_MS = 500;
/** Time between attempts to begin a transfer while another one of the group is under way. */
const TRANSFER_POLL_MS = 100;
const MAX_CLOSING = 5_000;

/**
 * Changes of who is in a group. Each is an intent in the outbox before its rows are written, and stays there until
 * the message log has its record: a crash, an outage or a full log delays the record but never loses it.
 */
export class MembershipChanges {
  readonly #deps: MembershipChangesDeps;

  constructor(deps: MembershipChangesDeps) {
    this.#deps = deps;
  }

  /**
   * Makes a change.
   * @param write writes the rows, with the id of the change.
   * @throws what `write` throws; the group is notified of what it had written by then nevertheless.
   */
  async commit(
    ctx: CallContext,
    wanted: WantedChange,
    write: (id: string) => Promise<MembershipOutcome>,
  ): Promise<CommittedChange> {
    const intent = await this.open(ctx, wanted);
    const outcome = await write(intent.id);
    const nothing = outcome.added.length + outcome.removed.length === 0;
    if (nothing) this.close(ctx, intent);
    return {
      outcome,
      notify: async (render) => {
        if (!nothing && (await this.append(ctx, intent, outcome, render))) this.close(ctx, intent);
      },
    };
  }

  /**
   * Transfers ownership, by an intent that stays until both rows are written and the log has the notification.
   * Another transfer of the group waits for it.
   * @param write writes the rows.
   * @param render notifies the group.
   * @returns false when it could not be done, as roles had changed.
   * @throws what `write` throws, the relay then finishes what it began; 90004 while another transfer is under way.
   */
  async transferOwner(
    ctx: CallContext,
    groupID: string,
    transfer: Omit<OwnerTransfer, 'id'>,
    write: (transfer: OwnerTransfer) => Promise<TransferOutcome>,
    render: (stamp: VersionStamp, id: string) => Promise<void>,
  ): Promise<boolean> {
    const intent = await this.#openTransfer(ctx, groupID, transfer);
    const { id } = intent;
    const outcome = await write({ id, ...transfer });
    if (outcome !== 'undone') {
      try {
        await render(outcome.stamp, id);
      } catch (error) {
        this.#deps.log.warn(
          { ...callFields(ctx), groupID, err: error },
          'notification of a transfer of ownership left to the relay',
        );
        return true;
      }
    }
    await this.#remove(ctx, intent);
    return outcome !== 'undone';
  }

  async #openTransfer(
    ctx: CallContext,
    groupID: string,
    transfer: Omit<OwnerTransfer, 'id'>,
  ): Promise<MembershipIntent> {
    const wanted = { groupID, contentType: CONTENT.GroupOwnerTransferred, sendMessage: null };
    for (;;) {
      const intent = { ...intentOf(ctx, wanted), transfer };
      if (await this.#deps.outbox.put(ctx.tenant, intent, intent.at + WRITER_MS)) return intent;
      if (remainingMs(ctx) < ATTEMPT_MS) {
        throw new ImError(
          ERR.NetworkError,
          `another transfer of group ${groupID} is under way; try again later`,
        );
      }
      await sleep(TRANSFER_POLL_MS, ctx.signal);
    }
  }

  /** Writes the intent of a change that is about to be made. */
  async open(ctx: CallContext, wanted: WantedChange): Promise<MembershipIntent> {
    const intent = intentOf(ctx, wanted);
    await this.#deps.outbox.put(ctx.tenant, intent, intent.at + WRITER_MS);
    return intent;
  }

  /**
   * Appends the record of a change, with ids alone when it cannot be rendered.
   * @returns whether the log has it. Never rejects.
   */
  async append(
    ctx: CallContext,
    { id, groupID, contentType, sendMessage }: MembershipIntent,
    { stamp, before, added, removed }: MembershipOutcome,
    render: (record: MembershipRecord) => Promise<void>,
  ): Promise<boolean> {
    const record: MembershipRecord = { id, stamp, before, added, removed, sendMessage };
    try {
      await render(record);
      return true;
    } catch (error) {
      this.#deps.log.warn(
        { ...callFields(ctx), groupID, contentType, err: error },
        'membership record not appended',
      );
    }
    if (remainingMs(ctx) < ATTEMPT_MS) return false;
    try {
      await this.#deps.notifications.bareMembership(ctx, groupID, contentType, record);
      return true;
    } catch (error) {
      this.#deps.log.warn(
        { ...callFields(ctx), groupID, contentType, err: error },
        'membership record left to the relay',
      );
      return false;
    }
  }

  /** Removes an intent that is complete; the relay removes one that stays. */
  close(ctx: CallContext, intent: MembershipIntent): void {
    const options = { limit: MAX_CLOSING, onRefused: acceptLoss };
    this.#deps.tasks.spawn('membership-outbox', () => this.#remove(ctx, intent), options);
  }

  async #remove(ctx: CallContext, intent: MembershipIntent): Promise<void> {
    const { outbox, log } = this.#deps;
    try {
      await outbox.remove(ctx.tenant, intent);
    } catch (error) {
      log.debug(
        { ...callFields(ctx), groupID: intent.groupID, err: error },
        'membership intent left to the relay',
      );
    }
  }
}

function intentOf(
  { opUserID, operationID }: CallContext,
  { addedUserIDs = [], removedUserIDs = [], ...wanted }: WantedChange,
): MembershipIntent {
  const at = Date.now();
  return { id: randomId(), ...wanted, addedUserIDs, removedUserIDs, opUserID, operationID, at };
}
