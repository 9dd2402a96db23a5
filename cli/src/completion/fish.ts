import type { CompletedCommand, Values } from './tree.ts';

function candidates(values: Values): string {
  switch (values) {
    case 'file':
      return '-r -F';
    case 'dir':
      return "-x -a '(__fish_complete_directories)'";
    case 'context':
      return "-x -a '(openimctl context list -o name 2>/dev/null)'";
    case 'any':
      return '-x';
    default:
      return `-x -a '${values.join(' ')}'`;
  }
}

/** The completion script of fish, with descriptions. */
export function fishCompletion(tree: readonly CompletedCommand[]): string {
  const paths = tree.filter(({ path }) => path.length > 0).map(({ path }) => `'${path.join(' ')}'`);
  const lines = tree.flatMap(({ path, commands, options, values }) => {
    const at = `complete -c openimctl -n '__openimctl_at "${path.join(' ')}"'`;
    return [
      ...commands.map(({ name, description }) => `${at} -f -a ${name} -d '${description}'`),
      ...(values === undefined
        ? []
        : [`${at} ${candidates(values).replace(/^-[xr]/, values === 'file' ? '' : '-f')}`]),
      ...options.map(({ flags, description, values: ofOption }) => {
        const names = flags.map((flag) =>
          flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
        );
        return `${at} ${names.join(' ')} ${ofOption === undefined ? '' : candidates(ofOption)} -d '${description}'`;
      }),
    ];
  });
  return `# Completion of openimctl for fish: openimctl completion fish | source
function __openimctl_path
    set -l paths ${paths.join(' ')}
    set -l path ''
    for word in (commandline -opc)[2..]
        set -l next (string trim -- "$path $word")
        contains -- $next $paths; and set path $next
    end
    echo $path
end
function __openimctl_at
    test (__openimctl_path) = "$argv[1]"
end
complete -c openimctl -f
${lines.join('\n')}
`;
}
