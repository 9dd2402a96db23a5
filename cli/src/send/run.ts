import { DryRun } from '../dry-run.ts';
import { CommandError, usageError } from '../exit-codes.ts';
import { failureOf } from '../failure.ts';
import { gatewayLogin } from '../gateway-login.ts';
import { type OutputFormat, printObject, printRows } from '../output.ts';
import { showProgress } from '../progress.ts';
import { stopOnSignals } from '../signals.ts';
import { resolveTarget } from '../target.ts';
import type { TargetOptions } from '../target-options.ts';
import { apiSender } from './api-sender.ts';
import { sendAll } from './send-all.ts';
import type { Recipient, Sender } from './sender.ts';
import { textToSend } from './text.ts';

/** Options of `openimctl send`. */
export interface SendOptions extends TargetOptions {
  from: string;
  to?: string;
  group?: string;
  file?: string;
  count: number;
  rate?: number;
  concurrency: number;
  via: 'api' | 'gateway';
  platform: string;
  token?: string;
  tokenFile?: string;
  output: OutputFormat;
}

const COLUMNS = ['clientMsgID', 'serverMsgID', 'sendTime'] as const;

/** Runs `openimctl send`. @throws CommandError; what was sent before a failure is printed. */
export async function runSend(argument: string | undefined, options: SendOptions): Promise<void> {
  const to = recipientOf(options);
  const text = textToSend(argument, options.file);
  if (options.dryRun) await wouldSend(to, text, options);
  using sender = await openSender(to, options);
  const { count, rate, concurrency } = options;
  const stop = stopOnSignals();
  let done = 0;
  const { sent, failure } = await (async () => {
    using _shown = showProgress(() => `${done} of ${count} sent`);
    return await sendAll(sender, text, { count, rate, concurrency }, stop, () => {
      done += 1;
    });
  })();
  const rows = sent.map(({ clientMsgID, serverMsgID, sendTime }) => ({
    clientMsgID,
    serverMsgID,
    sendTime: new Date(sendTime).toISOString(),
  }));
  if (count === 1 && rows[0] !== undefined) await printObject(rows[0], options.output);
  else if (count > 1) await printRows(rows, COLUMNS, options.output);
  if (failure === undefined) return;
  const known = failureOf(failure);
  if (count === 1 || !(known instanceof CommandError)) throw known;
  throw new CommandError(known.exitCode, `${sent.length} of ${count} sent, then: ${known.message}`);
}

function recipientOf({ to, group }: SendOptions): Recipient {
  if ((to === undefined) === (group === undefined)) {
    throw usageError('say who receives: either --to <userID> or --group <groupID>');
  }
  return to === undefined ? { group } : { user: to };
}

/** Ends a dry run. @throws CommandError `usage` when sender or recipient does not exist. */
async function wouldSend(to: Recipient, text: string, options: SendOptions): Promise<never> {
  const target = await resolveTarget(options);
  using _ = await apiSender(target, options.from, to);
  const { from, count, via } = options;
  throw new DryRun('send text messages', {
    ...{
      server: target.apiUrl,
      from,
      ...(to.user === undefined ? { group: to.group ?? '' } : { to: to.user }),
    },
    ...{ count, via, bytes: Buffer.byteLength(text) },
  });
}

async function openSender(to: Recipient, options: SendOptions): Promise<Sender> {
  const withToken = options.token !== undefined || options.tokenFile !== undefined;
  if (options.via === 'api') {
    if (withToken) throw usageError('--token is for sending as the user: add --via gateway');
    return await apiSender(await resolveTarget(options), options.from, to);
  }
  const login = await gatewayLogin(options.from, '--from', options);
  const { gatewaySender } = await import('./gateway-sender.ts');
  return gatewaySender(login, to);
}
