import { CommandError, EXIT } from '../exit-codes.ts';
import { gatewayLogin } from '../gateway-login.ts';
import { isForPeople, type OutputFormat, streamText } from '../output.ts';
import { showProgress } from '../progress.ts';
import { stopOnSignals } from '../signals.ts';
import type { TargetOptions } from '../target-options.ts';
import { messageLine, type PrintedMessage, printedMessage } from './message-line.ts';
import { receive } from './receive.ts';

/** Options of `openimctl recv`. */
export interface RecvOptions extends TargetOptions {
  as: string;
  platform: string;
  count?: number;
  timeout?: number;
  notifications: boolean;
  token?: string;
  tokenFile?: string;
  output: OutputFormat;
}

/** Runs `openimctl recv` until it is stopped, or has what it waits for. @throws CommandError. */
export async function runRecv(options: RecvOptions): Promise<void> {
  const form = await messageForm(options.output);
  const login = await gatewayLogin(options.as, '--as', options);
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, stopOnSignals()]);
  const say = (text: string) => process.stderr.write(`openimctl: ${text}\n`);
  // A reader such as `head` that has seen enough ends the command.
  process.stdout.on('error', () => done.abort());

  const connecting = showProgress(() => `connecting to ${login.ws}`);
  let got = 0;
  let timedOut = false;
  const timer =
    options.timeout === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          done.abort();
        }, options.timeout);
  try {
    await receive(
      login,
      {
        onMessage(conversationID, message) {
          if (signal.aborted) return;
          process.stdout.write(form(printedMessage(conversationID, message)));
          got += 1;
          if (got === options.count) done.abort();
        },
        onConnected() {
          connecting[Symbol.dispose]();
          say(`connected as ${options.as}; Ctrl-C ends`);
        },
        onLost: () => say('the connection was lost; connecting again'),
      },
      { signal, notifications: options.notifications },
    );
  } finally {
    connecting[Symbol.dispose]();
    clearTimeout(timer);
  }
  if (timedOut && options.count !== undefined) {
    throw new CommandError(EXIT.unreachable, `${got} of ${options.count} messages came in time`);
  }
}

async function messageForm(output: RecvOptions['output']): Promise<(message: PrintedMessage) => string> {
  if (isForPeople(output)) return (message) => `${messageLine(message)}\n`;
  return await streamText(output, 'clientMsgID');
}
