import type { CompletedCommand, Values } from './tree.ts';

function words(values: Values): string {
  switch (values) {
    case 'file':
      return '@file';
    case 'dir':
      return '@dir';
    case 'context':
      return '@context';
    case 'any':
      return '';
    default:
      return values.join(' ');
  }
}

/** Cases of `path` to words; those without any are left out. */
function cases(entries: readonly (readonly [pattern: string, words: string])[]): string {
  return entries
    .filter(([, text]) => text !== '')
    .map(([pattern, text]) => `    ${pattern}) echo '${text}' ;;`)
    .join('\n');
}

/** Functions of bash and zsh that know the tree: words by the path of a command, such as `'user list'`. */
export function shellTables(tree: readonly CompletedCommand[]): string {
  const quoted = ({ path }: CompletedCommand) => `'${path.join(' ')}'`;
  const commands = cases(tree.map((each) => [quoted(each), each.commands.map(({ name }) => name).join(' ')]));
  const options = cases(
    tree.map((each) => [quoted(each), each.options.flatMap(({ flags }) => flags).join(' ')]),
  );
  const values = cases(
    tree.flatMap((each) =>
      each.options.flatMap(({ flags, values }) =>
        values === undefined
          ? []
          : [
              [
                flags.map((flag) => `'${each.path.join(' ')} ${flag}'`).join('|'),
                words(values) || '@any',
              ] as const,
            ],
      ),
    ),
  );
  const first = cases(
    tree.map((each) => [quoted(each), each.values === undefined ? '' : words(each.values)]),
  );
  return `__openimctl_commands() {
  case "$1" in
${commands}
  esac
}
__openimctl_options() {
  case "$1" in
${options}
  esac
}
# Values of an option that takes one: words, or @file, @dir, @context, @any.
__openimctl_values() {
  case "$1" in
${values}
  esac
}
# Values of the first argument.
__openimctl_arguments() {
  case "$1" in
${first}
  esac
}`;
}

/** The completion script of bash; it needs no package besides bash 3.2 or later. */
export function bashCompletion(tree: readonly CompletedCommand[]): string {
  return `# Completion of openimctl for bash: source <(openimctl completion bash)
${shellTables(tree)}
__openimctl_reply() {
  case "$1" in
    @file) COMPREPLY=($(compgen -f -- "$2")); compopt -o filenames 2>/dev/null ;;
    @dir) COMPREPLY=($(compgen -d -- "$2")); compopt -o filenames 2>/dev/null ;;
    @context) COMPREPLY=($(compgen -W "$(openimctl context list -o name 2>/dev/null)" -- "$2")) ;;
    @any) COMPREPLY=() ;;
    *) COMPREPLY=($(compgen -W "$1" -- "$2")) ;;
  esac
  if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
}
_openimctl() {
  local IFS=$' \\t\\n' path='' word option='' expects='' first=yes i current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [[ -n $expects ]]; then
      # bash splits --option=value at the sign.
      [[ $word == '=' ]] && continue
      expects=''
      continue
    fi
    if [[ $word == -* ]]; then
      option="$word"
      expects="$(__openimctl_values "$path $option")"
      continue
    fi
    if [[ " $(__openimctl_commands "$path") " == *" $word "* ]]; then path="\${path:+$path }$word"; else first=''; fi
  done
  [[ $current == '=' ]] && current=''
  if [[ -n $expects ]]; then __openimctl_reply "$expects" "$current"
  elif [[ $current == -* ]]; then __openimctl_reply "$(__openimctl_options "$path")" "$current"
  elif [[ -n "$(__openimctl_commands "$path")" ]]; then __openimctl_reply "$(__openimctl_commands "$path")" "$current"
  elif [[ -n $first && -n "$(__openimctl_arguments "$path")" ]]; then
    __openimctl_reply "$(__openimctl_arguments "$path")" "$current"
  fi
}
complete -F _openimctl openimctl
`;
}
