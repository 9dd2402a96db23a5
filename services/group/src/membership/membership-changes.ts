import type { AfterEvent } from '@im/contract';
import { type CallContext, detached, randomId, remainingMs, sleep } from '@im/kit';
import { acceptLoss, callFields, type Logger, type TaskRunner } from '@im/process';
import { CONTENT, ERR, ImError } from '@im/protocol';
import type {
  ChangeReport,
  MembershipIntent,
  MembershipOutbox,
  MembershipOutcome,
  OwnerTransfer,
  TransferOutcome,
  VersionStamp,
} from '@im/store';
import type { AfterBody, Webhooks } from '@im/webhooks';
import type { GroupNotifications } from '../notifications/group-notifications.ts';
import type { MembershipRecord } from '../notifications/send.ts';

/** A change of membership that is asked for. */
export type WantedChange = Pick<
  MembershipIntent,
  'groupID' | 'contentType' | 'sendMessage' | 'newConversation'
> &
  Partial<Pick<MembershipIntent, 'addedUserIDs' | 'removedUserIDs' | 'reports'>>;

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
  readonly webhooks: Pick<Webhooks, 'after'>;
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
/** Time for handing an event over, until the relay may take the change. */
const REPORT_MS = 5_000;

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
    if (nothing) this.discard(ctx, intent);
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
   * @param reports what webhooks report of it.
   * @returns false when it could not be done, as roles had changed.
   * @throws what `write` throws, the relay then finishes what it began; 90004 while another transfer is under way.
   */
  async transferOwner(
    ctx: CallContext,
    groupID: string,
    transfer: Omit<OwnerTransfer, 'id'>,
    write: (transfer: OwnerTransfer) => Promise<TransferOutcome>,
    render: (stamp: VersionStamp, id: string) => Promise<void>,
    reports: readonly ChangeReport[] = [],
  ): Promise<boolean> {
    const intent = await this.#openTransfer(ctx, groupID, transfer, reports);
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
      await this.#finish(ctx, intent);
      return true;
    }
    await this.#remove(ctx, intent);
    return false;
  }

  async #openTransfer(
    ctx: CallContext,
    groupID: string,
    transfer: Omit<OwnerTransfer, 'id'>,
    reports: readonly ChangeReport[],
  ): Promise<MembershipIntent> {
    const wanted = {
      groupID,
      contentType: CONTENT.GroupOwnerTransferred,
      sendMessage: null,
      reports,
    };
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
    { id, groupID, contentType, sendMessage, newConversation }: MembershipIntent,
    { stamp, before, added, removed }: MembershipOutcome,
    render: (record: MembershipRecord) => Promise<void>,
  ): Promise<boolean> {
    const record = { id, stamp, before, added, removed, sendMessage, newConversation };
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

  /** Reports and removes an intent that is complete; the relay does so with one that stays. */
  close(ctx: CallContext, intent: MembershipIntent): void {
    const options = { limit: MAX_CLOSING, onRefused: acceptLoss };
    this.#deps.tasks.spawn('membership-outbox', () => this.#finish(ctx, intent), options);
  }

  /** Removes an intent of which nothing came. */
  discard(ctx: CallContext, intent: MembershipIntent): void {
    const options = { limit: MAX_CLOSING, onRefused: acceptLoss };
    this.#deps.tasks.spawn('membership-outbox', () => this.#remove(ctx, intent), options);
  }

  /** Hands over what webhooks report of a change that is made. @throws ImError when it could not be stored. */
  async report(ctx: CallContext, { id, reports = [] }: MembershipIntent): Promise<void> {
    for (const report of reports) {
      // Its body is what a process, of this version or of another one, made for this event.
      const { event, body } = report as { event: AfterEvent; body: AfterBody[AfterEvent] };
      await this.#deps.webhooks.after(ctx, event, body, { id });
    }
  }

  async #finish(ctx: CallContext, intent: MembershipIntent): Promise<void> {
    try {
      await this.report(detached(ctx, REPORT_MS), intent);
    } catch (error) {
      const fields = { ...callFields(ctx), groupID: intent.groupID, err: error };
      this.#deps.log.warn(fields, 'event of a membership change left to the relay');
      return;
    }
    await this.#remove(ctx, intent);
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
  { addedUserIDs = [], removedUserIDs = [], reports = [], newConversation, ...wanted }: WantedChange,
): MembershipIntent {
  return {
    id: randomId(),
    ...wanted,
    addedUserIDs,
    removedUserIDs,
    opUserID,
    operationID,
    at: Date.now(),
    ...(reports.length > 0 && { reports }),
    ...(newConversation && { newConversation }),
  };
}
