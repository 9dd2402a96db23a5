import { Argument, Command } from 'commander';
import { programOf } from '../program-of.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** `completion <shell>`: the completion script of a shell. */
export function completion(): Command {
  const command = new Command('completion');
  return command
    .summary('print the completion script of a shell')
    .description(
      'print the completion script of a shell: source <(openimctl completion bash) in ~/.bashrc, the same with zsh in ~/.zshrc after compinit, or openimctl completion fish | source',
    )
    .addArgument(new Argument('<shell>', 'shell').choices(SHELLS))
    .action(async (shell: (typeof SHELLS)[number]) => {
      const [{ completionTree }, { bashCompletion }, { zshCompletion }, { fishCompletion }] =
        await Promise.all([
          import('../completion/tree.ts'),
          import('../completion/bash.ts'),
          import('../completion/zsh.ts'),
          import('../completion/fish.ts'),
        ]);
      const script = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }[shell];
      process.stdout.write(script(completionTree(programOf(command))));
    });
}
