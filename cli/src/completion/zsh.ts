import { shellTables } from './bash.ts';
import type { CompletedCommand } from './tree.ts';

/** `name:description` in the form that \`_describe\` takes. */
function described(name: string, description: string): string {
  return `'${name.replaceAll(':', '\\:')}:${description.replaceAll(':', '\\:')}'`;
}

function descriptions(tree: readonly CompletedCommand[]): string {
  return tree
    .filter(({ commands }) => commands.length > 0)
    .map(
      ({ path, commands }) =>
        `    '${path.join(' ')}') found=(${commands.map((each) => described(each.name, each.description)).join(' ')}) ;;`,
    )
    .join('\n');
}

function optionDescriptions(tree: readonly CompletedCommand[]): string {
  return tree
    .map(({ path, options }) => {
      const all = options.flatMap(({ flags, description }) =>
        flags.map((flag) => described(flag, description)),
      );
      return `    '${path.join(' ')}') found=(${all.join(' ')}) ;;`;
    })
    .join('\n');
}

/** The completion script of zsh, with descriptions. */
export function zshCompletion(tree: readonly CompletedCommand[]): string {
  return `#compdef openimctl
# Completion of openimctl for zsh: source <(openimctl completion zsh), or a file _openimctl in a directory of $fpath.
${shellTables(tree)}
__openimctl_describe_commands() {
  local -a found
  case "$1" in
${descriptions(tree)}
  esac
  _describe -t commands 'command' found
}
__openimctl_describe_options() {
  local -a found
  case "$1" in
${optionDescriptions(tree)}
  esac
  _describe -t options 'option' found
}
__openimctl_offer() {
  local -a plain open
  case "$1" in
    @file) _files ;;
    @dir) _files -/ ;;
    @context) compadd -- \${(f)"$(openimctl context list -o name 2>/dev/null)"} ;;
    @any) _message 'value' ;;
    *)
      plain=(\${\${=1}:#*=}) open=(\${(M)\${=1}:#*=})
      compadd -- $plain
      compadd -S '' -- $open
      ;;
  esac
}
_openimctl() {
  local path_='' word expects='' first=yes i current="\${words[CURRENT]}"
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    if [[ -n $expects ]]; then expects=''; continue; fi
    if [[ $word == -* ]]; then
      [[ $word == *=* ]] || expects="$(__openimctl_values "$path_ $word")"
      continue
    fi
    if [[ " $(__openimctl_commands "$path_") " == *" $word "* ]]; then path_="\${path_:+$path_ }$word"; else first=''; fi
  done
  if [[ -n $expects ]]; then __openimctl_offer "$expects"
  elif [[ $current == --*=* ]]; then
    compset -P '*='
    __openimctl_offer "$(__openimctl_values "$path_ \${current%%=*}")"
  elif [[ $current == -* ]]; then __openimctl_describe_options "$path_"
  elif [[ -n "$(__openimctl_commands "$path_")" ]]; then __openimctl_describe_commands "$path_"
  elif [[ -n $first && -n "$(__openimctl_arguments "$path_")" ]]; then __openimctl_offer "$(__openimctl_arguments "$path_")"
  fi
}
if [[ \${funcstack[1]} == _openimctl ]]; then _openimctl "$@"; else compdef _openimctl openimctl; fi
`;
}
