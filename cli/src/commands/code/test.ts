import { Command, Option } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { withDryRun } from '../../dry-run.ts';
import { EXIT, usageError } from '../../exit-codes.ts';
import { type OutputFormat, outputOption, printRows } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  phone?: string;
  mail?: string;
  language?: 'zh' | 'en';
  output: OutputFormat;
}

/** `code test`: sends a message through each provider of the tenant, and prints what they answered. */
export function codeTest(): Command {
  return withDryRun(withTarget(new Command('test')))
    .description(
      'send a message with the code 000000, which is not valid, through each provider of the tenant, and print their answers',
    )
    .option('--phone <number>', 'by SMS to this number with its country, such as +8613800000000')
    .option('--mail <address>', 'by mail to this address')
    .addOption(new Option('--language <language>', 'language of the text').choices(['zh', 'en']))
    .addOption(outputOption())
    .action(async (options: Options) => {
      const { phone, mail, language, output } = options;
      if ((phone === undefined) === (mail === undefined)) throw usageError('give either --phone or --mail');
      const { testVerification } = await import('@im/admin-api');
      const { results } = await withAdmin(options, (admin) =>
        admin.call(testVerification, { body: { phone, mail, language } }),
      );
      await printRows(results, ['provider', 'outcome', 'reason', 'detail', 'messageID'], output);
      if (results.length === 0)
        console.error('the tenant has no provider for it: see docs/operations/verification.md');
      if (!results.some(({ outcome }) => outcome === 'sent')) process.exitCode = EXIT.refused;
    });
}
