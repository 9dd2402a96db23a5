import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { RefusedError } from '../../exit-codes.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  dir: string;
  since?: number;
  reason: string;
}

/** Broken answers without a new line between them. */
const MAX_BROKEN = 5;
/** Lines between two times at which the files and the cursor are made lasting. */
const KEEP_LINES = 5_000;

/** `tenant export [id]`: everything that is stored of a tenant, as files of NDJSON. */
export function tenantExport(): Command {
  return withTarget(new Command('export'))
    .description(
      'export users, groups, relations, conversations, messages and the list of objects of a tenant into a directory, a JSON object per line; the same command goes on after an interruption',
    )
    .argument('[id]', 'id of the tenant; that of --tenant when absent')
    .requiredOption(
      '--dir <path>',
      'directory of the export: a new or empty one, or that of the interrupted export',
    )
    .option(
      '--since <time>',
      'leave out messages and objects from before, such as 2026-01-31 or 2026-01-31T12:00:00Z',
      timeOf,
    )
    .requiredOption('--reason <text>', 'why; kept in the audit log')
    .action(async (id: string | undefined, options: Options) => {
      const { exportTenant } = await import('@im/admin-api');
      const { ExportFiles } = await import('../../tenant/export-files.ts');
      const { dir, since = 0, reason } = options;
      const target = { ...options, tenant: id ?? options.tenant };
      const files = await ExportFiles.open(dir, { tenant: target.tenant, since });
      let [broken, isComplete, unkept] = [0, false, 0];
      try {
        while (!isComplete) {
          try {
            await withAdmin(target, async (admin, say) => {
              let kind = 'users';
              say(() => `${files.lines} lines, at ${kind}`);
              const query = { cursor: files.cursor, since, reason };
              for await (const line of admin.stream(exportTenant, { query })) {
                broken = 0;
                if (line.kind === 'end') {
                  isComplete = true;
                  break;
                }
                if (line.kind !== 'progress') {
                  kind = line.kind;
                  await files.add(line.kind, line.data);
                }
                files.cursor = line.cursor;
                if (++unkept < KEEP_LINES) continue;
                await files.keep();
                unkept = 0;
              }
            });
          } catch (error) {
            if (error instanceof RefusedError || files.cursor === undefined || ++broken > MAX_BROKEN)
              throw error;
            await sleep(1_000 * 2 ** broken * (0.5 + Math.random() / 2));
          }
        }
        await files.keep(true);
      } catch (error) {
        await files.keep().catch(() => undefined);
        throw error;
      } finally {
        await files.close();
      }
      process.stdout.write(`${files.lines} lines in ${dir}\n`);
    });
}

/** ms since 1970. */
function timeOf(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time) || time < 0)
    throw new InvalidArgumentError('it must be a date or time, such as 2026-01-31 or 2026-01-31T12:00:00Z');
  return time;
}
