import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { CommandError, EXIT, RefusedError } from '../../exit-codes.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  file?: string;
  reason: string;
}

/** Broken answers without a new line between them. */
const MAX_BROKEN = 3;

/** `user export <userID>`: what is stored of a user, as NDJSON. */
export function userExport(): Command {
  return withTarget(new Command('export'))
    .description('export what is stored of a user and the messages that they sent, a JSON object per line')
    .argument('<userID>', 'user')
    .option('--file <path>', 'write to this file instead of standard output; it must not exist')
    .requiredOption('--reason <text>', 'why; kept in the audit log')
    .action(async (userID: string, options: Options) => {
      const { exportUser } = await import('@im/admin-api');
      const { file, reason } = options;
      const output =
        file === undefined ? process.stdout : createWriteStream(file, { flags: 'wx', mode: 0o600 });
      const failed = new Promise<never>((_, reject) => {
        output.once('error', (error) =>
          reject(new CommandError(EXIT.environment, `--file: ${error.message}; choose another one`)),
        );
      });
      failed.catch(() => {});
      let cursor: string | undefined;
      let broken = 0;
      const readOn = async () => {
        const query = { cursor, reason };
        await withAdmin(options, async (admin) => {
          for await (const line of admin.stream(exportUser, { params: { userID }, query })) {
            ({ cursor } = line);
            broken = 0;
            if (line.kind === 'end') broken = -1;
            if (line.kind === 'progress' || line.kind === 'end') continue;
            const text = `${JSON.stringify({ kind: line.kind, ...line.data })}\n`;
            if (!output.write(text)) await Promise.race([once(output, 'drain'), failed]);
          }
        });
      };
      while (broken >= 0) {
        try {
          await readOn();
        } catch (error) {
          if (error instanceof RefusedError || cursor === undefined || ++broken > MAX_BROKEN) throw error;
        }
      }
      if (output !== process.stdout) {
        output.end();
        await Promise.race([finished(output), failed]);
      }
    });
}
