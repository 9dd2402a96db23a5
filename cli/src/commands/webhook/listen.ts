import { Command } from 'commander';
import { duration, port, repeated, whole } from '../../arguments.ts';
import { usageError } from '../../exit-codes.ts';
import { type OutputFormat, outputOption } from '../../output.ts';
import { readSecret } from '../../secrets.ts';
import { stopOnSignals } from '../../signals.ts';

interface Options {
  host: string;
  port: number;
  secret?: string;
  secretFile?: string;
  status: number;
  refuse?: number;
  message: string;
  answer?: Record<string, unknown>;
  delay?: number;
  event: readonly string[];
  count?: number;
  output: OutputFormat;
}

/** `webhook listen`: a local receiver that prints and verifies what arrives. */
export function webhookListen(): Command {
  return new Command('listen')
    .description('receive webhooks here, print them and verify their signatures')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes a free one', port('--port'), 10_006)
    .option('--secret <whsec>', "the tenant's webhooks.secret (env: OPENIM_WEBHOOK_SECRET)")
    .option('--secret-file <file>', 'file with that secret (env: OPENIM_WEBHOOK_SECRET_FILE)')
    .option('--status <code>', 'HTTP status of answers', whole('--status', 200), 200)
    .option(
      '--refuse <errCode>',
      'refuse what before-webhooks ask about, with this code',
      whole('--refuse', 0),
    )
    .option('--message <text>', 'errMsg of the refusal', 'refused')
    .option('--answer <json>', 'object merged into the answer, such as {"content":"{}"}', object('--answer'))
    .option('--delay <time>', 'wait before each answer, such as 2s', duration('--delay'))
    .option(
      '--event <name>',
      'the options above hold for this event alone (may be repeated)',
      repeated((text: string) => text),
      [],
    )
    .option('--count <n>', 'end after this many requests', whole('--count'))
    .addOption(outputOption())
    .action(async (options: Options) => {
      const { secret: value, secretFile: file } = options;
      const secret = readSecret({ value, file, fileOption: '--secret-file', env: 'OPENIM_WEBHOOK_SECRET' });
      // Loaded here, since all commands import this file.
      const [{ listenForWebhooks }, { isWebhookEvent, webhookKey }, { EVENTS }] = await Promise.all([
        import('../../webhook/listen.ts'),
        import('@im/contract'),
        import('@im/webhooks'),
      ]);
      if (secret !== undefined && webhookKey(secret) === undefined)
        throw usageError('--secret: must be whsec_ and the base64 of 24 to 64 bytes');
      const commands = options.event.map((name) => {
        if (!isWebhookEvent(name)) throw usageError(`--event: there is no webhook ${name}`);
        return EVENTS[name].command;
      });
      const { host, status, refuse, message, answer, delay = 0, count, output } = options;
      const refusal = refuse === undefined ? undefined : { errCode: refuse, errMsg: message };
      await listenForWebhooks(
        { secret, status, refusal, answer, delayMs: delay, commands },
        { host, port: options.port, count, output, signal: stopOnSignals() },
      );
    });
}

function object(option: string) {
  return (text: string): Record<string, unknown> => {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        return value as Record<string, unknown>;
    } catch {
      // Said below.
    }
    throw usageError(`${option}: ${text} is not a JSON object`);
  };
}
