import { Command } from 'commander';
import { withExamined } from '../doctor/options.ts';
import type { DoctorOptions } from '../doctor/run.ts';
import { outputOption } from '../output.ts';

/** `doctor`: what is wrong with a server, its stores and its machine, and what to do. */
export function doctor(): Command {
  return withExamined(new Command('doctor'))
    .summary('find out what is wrong, and what to do')
    .description(
      'examine a server: versions, certificates, default secrets, durability, disk, memory, file descriptors, clocks, and all four stores where a config or a running `openimctl dev` says where they are; each finding says what it means and what to do',
    )
    .option('--all', 'also show what is fine', false)
    .option('--strict', 'exit code 6 also for warnings', false)
    .addOption(outputOption())
    .action(async (options: DoctorOptions) => {
      const { runDoctor } = await import('../doctor/run.ts');
      await runDoctor(options);
    });
}
