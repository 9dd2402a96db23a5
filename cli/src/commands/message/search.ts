import type { Message } from '@im/admin-api';
import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { type ListOptions, printList, timeText, withList } from '../../admin/list.ts';
import { whole } from '../../arguments.ts';
import { usageError } from '../../exit-codes.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions, ListOptions {
  conversation?: string;
  group?: string;
  sender?: string;
  receiver?: string;
  type?: number;
  from?: number;
  to?: number;
  text?: string;
  reason: string;
}

/** Characters of a content in a table. */
const SHOWN = 80;

/** Reads a time of an option, ms. */
function timeOf(option: string): (text: string) => number {
  return (text) => {
    const time = Date.parse(text);
    if (Number.isNaN(time))
      throw usageError(`${option}: ${text} is not a time, such as 2026-01-31 or 2026-01-31T10:20:00Z`);
    return time;
  };
}

/** `message search`: messages of all conversations. */
export function messageSearch(): Command {
  return withList(withTarget(new Command('search')))
    .description('search the messages of all conversations')
    .option('--conversation <id>', 'messages of this conversation, such as si_a_b')
    .option('--group <groupID>', 'messages of this group')
    .option('--sender <userID>', 'messages of this user')
    .option('--receiver <userID>', 'messages to this user, of single chats')
    .option('--type <n>', 'messages of this content type, such as 102 for pictures', whole('--type'))
    .option('--from <time>', 'sent at this time or later, UTC', timeOf('--from'))
    .option('--to <time>', 'sent before this time, UTC', timeOf('--to'))
    .option('--text <text>', 'messages that contain this, in any case')
    .requiredOption('--reason <text>', 'why; kept in the audit log')
    .action(async (options: Options) => {
      const { searchMessages } = await import('@im/admin-api');
      const { conversation, group, sender, receiver, type, from, to, text, reason } = options;
      const query = {
        ...{ conversationID: conversation, groupID: group, sendID: sender, recvID: receiver },
        ...{ contentType: type, from, to, text, reason },
      };
      await withAdmin(options, (admin) =>
        printList<Message>(admin, searchMessages, { query }, options, {
          field: 'messages',
          columns: ['sent', 'conversation', 'seq', 'sender', 'type', 'content'],
          row: (message) => ({
            ...{ sent: timeText(message.sendTime), conversation: message.conversationID, seq: message.seq },
            ...{ sender: message.sendID, type: message.contentType },
            content: message.isRevoked ? '(revoked)' : message.content.slice(0, SHOWN),
          }),
        }),
      );
    });
}
