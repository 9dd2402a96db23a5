import type { AdminClient, DeadLetter, ParkedRecords } from '@im/admin-api';
import { messageOf } from '@im/kit';
import { withAdmin } from '../admin/call.ts';
import { type ListOptions, printList, timeText } from '../admin/list.ts';
import { DryRun } from '../dry-run.ts';
import { CommandError, EXIT, usageError } from '../exit-codes.ts';
import { isForPeople, type OutputFormat, printObject, printValue } from '../output.ts';
import type { TargetOptions } from '../target-options.ts';

/** Options of lists of what could not be stored. */
export interface DeadListOptions extends TargetOptions, ListOptions {}

/** Options of `deadletter show`. */
export interface ShowOptions extends TargetOptions {
  reason: string;
  output: OutputFormat;
}

/** Options of `deadletter retry` for messages. */
export interface RetryOptions extends TargetOptions {
  /** Kept within this time, ms ago. */
  since?: number;
  /** Kept at least this long ago, ms. */
  until?: number;
  reason: string;
  output: OutputFormat;
}

/** Most entries of a page. */
const PAGE = 100;
/** Most messages that one command retries. */
const MOST = 10_000;
const ID = /^(\d+):(-?\d+)$/;

/** Whether an id is that of a message, and not of a webhook delivery. */
export function isLetterID(id: string): boolean {
  return ID.test(id);
}

function rowOf({ letterID, conversationID, sendID, contentType, reason, time, retryTime }: DeadLetter) {
  return {
    ...{ id: letterID, kept: timeText(time), conversation: conversationID, sender: sendID, contentType },
    ...{ reason, retried: timeText(retryTime) },
  };
}

/** Prints messages that could not be stored. */
export async function printLetters(options: DeadListOptions): Promise<void> {
  const { listDeadLetters } = await import('@im/admin-api');
  await withAdmin(options, (admin) =>
    printList<DeadLetter>(admin, listDeadLetters, { query: {} }, options, {
      field: 'letters',
      columns: ['id', 'kept', 'conversation', 'sender', 'contentType', 'reason'],
      most: PAGE,
      row: rowOf,
    }),
  );
}

/** Prints what is not stored for the time being. */
export async function printParked(options: DeadListOptions): Promise<void> {
  const { listParked } = await import('@im/admin-api');
  await withAdmin(options, (admin) =>
    printList<ParkedRecords>(admin, listParked, { query: {} }, options, {
      field: 'parked',
      columns: ['conversation', 'records', 'since', 'reason'],
      most: PAGE,
      row: ({ conversation, records, since, reason, partition }) => ({
        ...{ conversation: conversation || '(all of the tenant)', records, since: timeText(since), reason },
        partition,
      }),
    }),
  );
}

/** Prints a message that could not be stored, with what it says. */
export async function printLetter(letterID: string, { output, ...options }: ShowOptions): Promise<void> {
  const { getDeadLetter } = await import('@im/admin-api');
  const { reason } = options;
  const found = await withAdmin(options, (admin) =>
    admin.call(getDeadLetter, { params: { letterID }, query: { reason } }),
  );
  if (!isForPeople(output)) {
    await printValue(found, output);
    return;
  }
  const { letter, sendTime, ...rest } = found;
  await printObject({ ...rowOf(letter), sent: timeText(sendTime), ...rest }, output);
}

/** Stores one message after all. */
export async function retryLetter(letterID: string, options: RetryOptions): Promise<void> {
  const { retryDeadLetter } = await import('@im/admin-api');
  const { reason, output } = options;
  await withAdmin(options, (admin) =>
    admin.call(retryDeadLetter, { params: { letterID }, body: { reason } }),
  );
  await printObject({ retried: 1 }, output);
}

/**
 * Stores all messages after all, in the order in which they were sent. Repeated after a failure it goes on with those that
 * are left.
 * @throws CommandError `usage` for more than 10,000 of them.
 */
export async function retryLetters(options: RetryOptions): Promise<void> {
  const { retryDeadLetter } = await import('@im/admin-api');
  const { reason, output, dryRun } = options;
  let retried = 0;
  await withAdmin(options, async (admin, say) => {
    say(() => 'looking for messages that could not be stored');
    const letters = await chosen(admin, options);
    if (dryRun)
      throw new DryRun('append messages that could not be stored to the log again', {
        messages: letters.length,
      });
    say(() => `${retried} of ${letters.length} messages are in the log again`);
    for (const { letterID } of letters.sort(inLogOrder)) {
      try {
        await admin.call(retryDeadLetter, { params: { letterID }, body: { reason } });
      } catch (error) {
        if (retried === 0) throw error;
        throw new CommandError(
          EXIT.refused,
          `${retried} of ${letters.length} messages are in the log again, then ${letterID}: ${messageOf(error)}; repeat the command to go on`,
        );
      }
      retried++;
    }
  });
  await printObject({ retried }, output);
}

async function chosen(admin: AdminClient, { since, until }: RetryOptions): Promise<DeadLetter[]> {
  const { listDeadLetters } = await import('@im/admin-api');
  const now = Date.now();
  const [from, to] = [since === undefined ? 0 : now - since, until === undefined ? now : now - until];
  const letters: DeadLetter[] = [];
  for await (const page of admin.pages(listDeadLetters, { query: { limit: PAGE } })) {
    letters.push(...page.letters.filter(({ time }) => time >= from && time <= to));
    if (letters.length > MOST)
      throw usageError(`more than ${MOST} messages could not be stored: choose some by --since and --until`);
  }
  return letters;
}

function inLogOrder(a: DeadLetter, b: DeadLetter): number {
  const [first = [], second = []] = [a, b].map(({ letterID }) =>
    (ID.exec(letterID) ?? []).slice(1).map(Number),
  );
  return (first[0] ?? 0) - (second[0] ?? 0) || (first[1] ?? 0) - (second[1] ?? 0);
}
